//! What a stored response is still good for once it is stale.

use std::time::Duration;

use cache::{CacheOutcome, RouteCacheSettings};
use http::StatusCode;

use crate::support::*;

const TAGGED: &[(&str, &str)] = &[("cache-control", "max-age=10"), ("etag", "\"a\"")];

#[tokio::test(start_paused = true)]
async fn the_origin_is_asked_whether_it_still_holds() {
    let mut world = World::new();
    let fields = [
        ("last-modified", "Tue, 14 Nov 2023 20:00:00 GMT"),
        ("x-kept", "1"),
        ("x-changed", "1"),
        TAGGED[0],
        TAGGED[1],
    ];
    world.answers(move |_| response(&fields, TestBody::whole("one")));
    world.get("/a").await;
    world.asked();
    pass(10).await;
    world.answers(|_| {
        let fields = [
            ("x-changed", "2"),
            ("set-cookie", "for=you"),
            ("content-length", "9"),
            ("age", "3"),
            TAGGED[0],
        ];
        status(StatusCode::NOT_MODIFIED, &fields)
    });
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("REVALIDATED", "one"));
    assert_eq!(
        seen.field("cache-status"),
        "urm; fwd=stale; fwd-status=304; stored"
    );
    assert_eq!((seen.field("x-kept"), seen.field("x-changed")), ("1", "2"));
    assert_eq!(
        (seen.field("set-cookie"), seen.field("age")),
        ("for=you", "3")
    );
    let (_, _, asked) = world.asked().pop().unwrap();
    assert_eq!(asked["if-none-match"], "\"a\"");
    assert_eq!(asked["if-modified-since"], "Tue, 14 Nov 2023 20:00:00 GMT");
    assert_eq!(told().pop(), Some(CacheOutcome::Revalidated));

    pass(6).await;
    let hit = world.get("/a").await;
    assert_eq!((hit.x_cache(), hit.field("age")), ("HIT", "9"));
    assert_eq!((hit.field("x-changed"), hit.field("set-cookie")), ("2", ""));
    pass(1).await;
    assert_eq!(world.get("/a").await.x_cache(), "REVALIDATED");
}

#[tokio::test(start_paused = true)]
async fn a_304_about_another_response_updates_nothing() {
    let mut world = World::new();
    world.answers_with(TAGGED, "one");
    world.get("/a").await;
    pass(10).await;
    world.answers(|_| status(StatusCode::NOT_MODIFIED, &[TAGGED[0], ("etag", "\"b\"")]));
    let seen = world.get("/a").await;
    assert_eq!((seen.text(), seen.field("etag")), ("one", "\"a\""));
    assert_ne!(world.get("/a").await.x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn what_takes_its_place_may_not_be_storable() {
    let mut world = World::new();
    world.answers_with(TAGGED, "one");
    world.get("/a").await;
    pass(10).await;
    world.answers_with(&[("cache-control", "no-store")], "two");
    assert_eq!(world.get("/a").await.text(), "two");
    world.asked();
    world.get("/a").await;
    let (_, _, asked) = world.asked().pop().unwrap();
    assert!(!asked.contains_key("if-none-match"));
}

#[tokio::test(start_paused = true)]
async fn an_error_does_not_drop_what_may_still_be_used() {
    let settings = RouteCacheSettings {
        stale_if_error: Duration::from_secs(30),
        ..RouteCacheSettings::default()
    };
    let mut world = World::with(&settings);
    world.answers_with(TAGGED, "one");
    world.get("/a").await;
    pass(15).await;
    world.answers(|_| status(StatusCode::BAD_GATEWAY, &[]));
    let seen = world.get("/a").await;
    assert_eq!(
        (seen.status, seen.x_cache(), seen.text()),
        (StatusCode::OK, "STALE", "one")
    );
    let expected = "urm; fwd=stale; fwd-status=502; ttl=-5; detail=stale-if-error";
    assert_eq!(seen.field("cache-status"), expected);
    world.answers(|_| status(StatusCode::NOT_FOUND, &[]));
    assert_eq!(world.get("/a").await.status, StatusCode::NOT_FOUND);
    world.answers_with(TAGGED, "two");
    assert_eq!(world.get("/a").await.text(), "two");
    pass(40).await;
    world.answers(|_| status(StatusCode::BAD_GATEWAY, &[]));
    assert_eq!(world.get("/a").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test(start_paused = true)]
async fn one_refresh_runs_behind_a_stale_answer() {
    let mut world = World::new();
    let fields = &[("cache-control", "max-age=10, stale-while-revalidate=20")];
    world.answers_with(fields, "one");
    world.get("/a").await;
    world.asked();
    pass(12).await;
    world.answers_with(fields, "two");
    let gate = world.gated();
    for _ in 0..3 {
        let seen = world.get("/a").await;
        assert_eq!((seen.x_cache(), seen.text()), ("STALE", "one"));
        assert_eq!(seen.field("cache-status"), "urm; hit; ttl=-2");
    }
    settle().await;
    assert_eq!(world.asked().len(), 1);
    gate.add_permits(1);
    settle().await;
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("HIT", "two"));
    pass(30).await;
    gate.add_permits(1);
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn a_client_may_take_stale_and_may_want_fresh() {
    let mut world = World::new();
    world.answers_with(TAGGED, "one");
    world.get("/a").await;
    pass(5).await;
    let asks = |control| request("GET", "/a", &[("cache-control", control)]);
    for fresh in ["max-age=5", "min-fresh=5", "max-age=6, min-fresh=4"] {
        assert_eq!(world.ask(asks(fresh)).await.x_cache(), "HIT", "{fresh}");
    }
    world.answers(|_| status(StatusCode::NOT_MODIFIED, &[("etag", "\"a\"")]));
    pass(7).await;
    let stale = world.ask(asks("max-stale=2")).await;
    assert_eq!(
        (stale.x_cache(), stale.field("cache-status")),
        ("STALE", "urm; hit; ttl=-2")
    );
    let seen = world.ask(asks("max-stale=1")).await;
    assert_eq!(seen.x_cache(), "REVALIDATED");
    let seen = world.ask(asks("no-cache")).await;
    assert_eq!(
        seen.field("cache-status"),
        "urm; fwd=request; fwd-status=304; stored"
    );
}

#[tokio::test(start_paused = true)]
async fn a_busy_response_is_fetched_anew_before_it_ends() {
    let mut world = World::new();
    let fields = &[("cache-control", "max-age=100"), ("etag", "\"a\"")];
    world.answers_with(fields, "one");
    world.get("/a").await;
    world.asked();
    // Up to a twentieth less than it says.
    let mut left = 100;
    while left > 1 {
        pass(1).await;
        let hit = world.get("/a").await;
        assert_eq!(hit.x_cache(), "HIT");
        let ttl = hit.field("cache-status").rsplit('=').next().unwrap();
        left = ttl.parse().unwrap();
        if left > 1 {
            assert!(world.asked().is_empty(), "{left} s before its end");
        }
    }
    settle().await;
    let (_, _, asked) = world.asked().pop().unwrap();
    assert_eq!(asked["if-none-match"], "\"a\"");
    let hit = world.get("/a").await;
    assert_eq!((hit.x_cache(), hit.field("age")), ("HIT", "0"));
    assert!(world.asked().is_empty());
}
