//! Who may ask what.

use admin::AdminApi;
use http::{Request, StatusCode};

use crate::world::*;

const ALL: &str = r#"{"all": true}"#;

#[tokio::test]
async fn a_call_takes_a_token_and_its_role() {
    let world = World::new();
    let none = world.ask(stats(), "").await;
    none.problem(401);
    assert_eq!(none.field("www-authenticate"), "Bearer realm=\"admin\"");
    let wrong = world
        .ask(stats().header("authorization", bearer("wrong")), "")
        .await;
    wrong.problem(401);
    assert_eq!(
        wrong.field("www-authenticate"),
        "Bearer realm=\"admin\", error=\"invalid_token\""
    );
    for (token, sees, changes) in [(WRITES, 200, 200), (READS, 200, 403), (EVALUATES, 403, 403)] {
        let token = bearer(token);
        let seen = world.ask(stats().header("authorization", &token), "").await;
        assert_eq!(seen.status, sees);
        let seen = world
            .ask(purge().header("authorization", &token), ALL)
            .await;
        assert_eq!(seen.status, changes);
    }
    assert_eq!(world.purges().len(), 1);
}

#[tokio::test]
async fn credentials_are_read_one_way() {
    let world = World::new();
    for good in [format!("bearer {WRITES}"), format!("BEARER  {WRITES} ")] {
        let seen = world.ask(stats().header("authorization", good), "").await;
        assert_eq!(seen.status, 200);
    }
    for bad in [
        format!("Basic {WRITES}"),
        WRITES.to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer {WRITES}x"),
        format!("Bearer {}", &WRITES[1..]),
    ] {
        let seen = world.ask(stats().header("authorization", &bad), "").await;
        assert_eq!(seen.status, 401, "{bad}");
    }
    let both = stats()
        .header("authorization", bearer(WRITES))
        .header("authorization", bearer(WRITES));
    world.ask(both, "").await.problem(401);
}

#[tokio::test]
async fn nobody_learns_what_there_is() {
    let world = World::new();
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing"] {
        assert!(AdminApi::takes(path));
        world.ask(Request::get(path), "").await.problem(401);
        let known = Request::get(path).header("authorization", bearer(READS));
        let known = world.ask(known, "").await;
        assert!(
            known.problem(404).contains("POST /api/v1/cache/purge"),
            "{known:?}"
        );
    }
    assert!(!AdminApi::takes("/api/v10") && !AdminApi::takes("/metrics"));
    let wrong = Request::delete("/api/v1/cache/purge").header("authorization", bearer(WRITES));
    let wrong = world.ask(wrong, "").await;
    wrong.problem(405);
    assert_eq!(wrong.field("allow"), "POST");
}

#[tokio::test]
async fn who_tries_too_often_is_not_heard() {
    let mut world = World::new();
    let with = |token: &str| stats().header("authorization", bearer(token));
    for _ in 0..10 {
        world.ask(with("wrong"), "").await.problem(401);
    }
    for token in ["wrong", WRITES] {
        let refused = world.ask(with(token), "").await;
        refused.problem(429);
        assert_eq!(refused.field("retry-after"), "7");
    }
    let there = world.peer.address;
    world.peer.address = [192, 0, 2, 2].into();
    assert_eq!(
        world.ask(with(WRITES), "").await.status,
        200,
        "another address"
    );
    world.peer.address = there;
    world.pass(7);
    assert_eq!(world.ask(with(WRITES), "").await.status, 200);
}

#[tokio::test]
async fn without_a_token_it_is_there_for_this_machine_alone() {
    let mut world = World::open();
    assert_eq!(world.ask(stats(), "").await.status, 200);
    assert_eq!(world.ask(purge(), ALL).await.status, 200);
    let evil = Request::get("/api/v1/cache/stats").header("host", "rebound.evil:3001");
    world.ask(evil, "").await.problem(403);
    let target = Request::get("http://rebound.evil/api/v1/cache/stats").header("host", "localhost");
    world.ask(target, "").await.problem(403);
    world
        .ask(Request::get("/api/v1/cache/stats"), "")
        .await
        .problem(403);
    world.peer.is_open = false;
    let closed = world.ask(stats(), "").await;
    assert!(closed.problem(404).contains("ADMIN_TOKEN"));
}

#[tokio::test]
async fn no_page_of_another_origin_changes_anything() {
    for world in [World::open(), World::new()] {
        let purge = || purge().header("authorization", bearer(WRITES));
        let cases = [
            ("origin", "http://localhost:3001", 200),
            ("origin", "https://localhost:3001", 200),
            ("origin", "http://localhost:8080", 403),
            ("origin", "http://evil", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "none", 200),
            ("sec-fetch-site", "same-site", 403),
            ("sec-fetch-site", "cross-site", 403),
        ];
        for (name, value, status) in cases {
            let seen = world.ask(purge().header(name, value), ALL).await;
            assert_eq!(seen.status, status, "{name}: {value}");
        }
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "",
        ] {
            let request = Request::post("/api/v1/cache/purge")
                .header("host", "localhost")
                .header("authorization", bearer(WRITES))
                .header("content-type", kind);
            world.ask(request, ALL).await.problem(415);
        }
        let charset = Request::post("/api/v1/cache/purge")
            .header("host", "localhost")
            .header("authorization", bearer(WRITES))
            .header("content-type", "Application/JSON; charset=utf-8");
        assert_eq!(world.ask(charset, ALL).await.status, StatusCode::OK);
    }
}
