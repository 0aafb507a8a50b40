//! What the calls for stored responses take and answer.

use std::collections::BTreeMap;
use std::time::Duration;

use admin::{CacheReport, Purge, What};
use cache::{CacheStats, Invalidation, StatsByRoute};
use serde_json::json;

use crate::world::*;

fn text(text: &str) -> String {
    text.to_owned()
}

#[tokio::test]
async fn a_purge_names_one_kind_of_thing() {
    let world = World::new();
    let red = || {
        vec![
            Invalidation::Tag(text("red")),
            Invalidation::Tag(text("blue")),
        ]
    };
    let cases = [
        (json!({"tags": ["red", "blue"]}), What::Named(red()), false),
        (
            json!({"tags": ["red", "blue"], "soft": true}),
            What::Named(red()),
            true,
        ),
        (
            json!({"keys": ["GET https://h/a"], "soft": false}),
            What::Named(vec![Invalidation::Key(text("GET https://h/a"))]),
            false,
        ),
        (
            json!({"prefix": "user:42:*"}),
            What::Named(vec![Invalidation::Prefix(text("user:42:*"))]),
            false,
        ),
        (json!({"all": true, "soft": true}), What::All, true),
    ];
    for (body, what, soft) in cases {
        let seen = world.purge(body.to_string()).await;
        assert_eq!(seen.status, 200, "{seen:?}");
        assert_eq!(world.purges(), [Purge { what, soft }]);
        let mut done = body.clone();
        done["state"] = json!("confirmed");
        done["soft"] = json!(soft);
        assert_eq!(seen.document, done, "what was done is told");
    }
}

#[tokio::test]
async fn whatever_else_is_refused_and_told_what_would_be_right() {
    let world = World::new();
    let many: Vec<_> = (0..1001).map(|name| name.to_string()).collect();
    let cases = [
        (text(""), "no JSON object"),
        (text("[[\"red\"]]"), "no JSON object"),
        (text("{"), "EOF"),
        (text("{}"), "Nothing is named"),
        (text("{\"soft\": true}"), "Nothing is named"),
        (text("{\"tag\": \"red\"}"), "unknown field `tag`"),
        (text("{\"tags\": \"red\"}"), "expected a sequence"),
        (text("{\"tags\": [1]}"), "expected a string"),
        (text("{\"tags\": []}"), "\"tags\" is empty"),
        (text("{\"keys\": [\"\"]}"), "empty name"),
        (text("{\"prefix\": \"\"}"), "\"all\": true"),
        (text("{\"prefix\": \"*\"}"), "\"all\": true"),
        (text("{\"all\": false}"), "true or left out"),
        (
            text("{\"all\": true, \"soft\": \"yes\"}"),
            "expected a boolean",
        ),
        (text("{\"all\": true, \"all\": true}"), "duplicate field"),
        (text("{\"all\": true} x"), "trailing"),
        (
            text("{\"all\": true, \"tags\": [\"red\"]}"),
            "More than one",
        ),
        (
            text("{\"keys\": [\"a\"], \"tags\": [\"red\"]}"),
            "More than one",
        ),
        (json!({ "tags": many }).to_string(), "may list 1000"),
    ];
    for (body, why) in cases {
        let seen = world.purge(body.clone()).await;
        let detail = seen.problem(400);
        assert!(detail.contains(why), "{body}: {detail}");
        assert!(detail.contains("exactly one of"), "{detail}");
    }
    let large = json!({ "prefix": "x".repeat(64 << 10) }).to_string();
    world.purge(large).await.problem(413);
    assert!(world.purges().is_empty());
    let largest = json!({ "prefix": "x".repeat((64 << 10) - 13) }).to_string();
    assert_eq!(largest.len(), 64 << 10);
    assert_eq!(world.purge(largest).await.status, 200);
}

#[tokio::test]
async fn a_store_that_fails_is_told() {
    let world = World::new();
    *world.operations.fails.lock().unwrap() = true;
    world.purge("{\"all\": true}").await.problem(503);
}

#[tokio::test]
async fn figures_are_told_by_layer_and_route() {
    let world = World::new();
    let stats = CacheStats {
        keys: 2,
        hits: 3,
        misses: 1,
        bytes: 4096,
        oldest: Some(Duration::from_mins(1)),
        newest: Some(Duration::ZERO),
        evictions: 4,
        expirations: 5,
        purged: 6,
    };
    let routes = BTreeMap::from([
        ("product".into(), stats),
        ("idle".into(), CacheStats::default()),
    ]);
    *world.operations.report.lock().unwrap() = CacheReport {
        layers: vec![("memory", stats)],
        routes: StatsByRoute {
            routes,
            are_all: true,
        },
    };
    let ask = || crate::world::stats().header("authorization", bearer(READS));
    let seen = world.ask(ask(), "").await;
    assert_eq!(seen.field("content-type"), "application/json");
    let (layer, route) = (&seen.document["layers"][0], &seen.document["routes"][1]);
    assert_eq!(
        (&layer["layer"], &route["route"]),
        (&json!("memory"), &json!("product"))
    );
    for figures in [layer, route] {
        for (name, value) in [
            ("totalKeys", json!(2)),
            ("hits", json!(3)),
            ("misses", json!(1)),
            ("hitRate", json!(0.75)),
            ("missRate", json!(0.25)),
            ("memoryUsage", json!(4096)),
            ("evictions", json!(4)),
            ("expirations", json!(5)),
            ("purged", json!(6)),
        ] {
            assert_eq!(figures[name], value, "{name}");
        }
        assert!(figures["oldestEntry"].as_str() < figures["newestEntry"].as_str());
        assert_eq!(figures["newestEntry"], seen.document["timestamp"]);
    }
    let idle = &seen.document["routes"][0];
    assert_eq!(
        (&idle["hitRate"], &idle["oldestEntry"]),
        (&json!(null), &json!(null))
    );
    assert_eq!(seen.document["note"], json!(null));

    world.operations.report.lock().unwrap().routes.are_all = false;
    let cut = world.ask(ask(), "").await;
    assert!(cut.document["note"].as_str().unwrap().contains("1000"));
}
