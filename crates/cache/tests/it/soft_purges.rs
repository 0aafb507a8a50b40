//! What a soft purge leaves: responses that are stale from its moment on.

use cache::{CacheProvider, Invalidation};
use http::StatusCode;

use crate::support::{World, pass, settle, status};

const SOFT: &str = "red";

fn purge(world: &World, label: &str) {
    let what = Invalidation::Tag(label.to_owned());
    world.store.mark_stale(&what).now().unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_stale_window_counts_from_the_purge() {
    let mut world = World::new();
    let fields = &[
        ("cache-control", "max-age=600, stale-while-revalidate=20"),
        ("cache-tag", SOFT),
    ];
    world.answers_with(fields, "one");
    world.get("/a").await;
    world.get("/b").await;
    pass(100).await;
    purge(&world, "blue");
    assert_eq!(world.get("/a").await.x_cache(), "HIT", "another label");
    purge(&world, SOFT);
    world.answers_with(fields, "two");
    pass(5).await;
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("STALE", "one"));
    assert_eq!(seen.field("cache-status"), "urm; hit; ttl=-5");
    assert_eq!(seen.field("age"), "105", "a purge makes nothing older");
    settle().await;
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("HIT", "two"));
    pass(20).await;
    let seen = world.get("/b").await;
    assert_eq!(
        (seen.x_cache(), seen.text()),
        ("MISS", "two"),
        "over the window"
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_window_it_is_validated() {
    let mut world = World::new();
    let fields = &[
        ("cache-control", "max-age=600, immutable"),
        ("etag", "\"a\""),
        ("cache-tag", SOFT),
    ];
    world.answers_with(fields, "one");
    world.get("/a").await;
    assert_eq!(world.get("/a").await.x_cache(), "HIT");
    purge(&world, SOFT);
    world.asked();
    world.answers(|_| {
        status(
            StatusCode::NOT_MODIFIED,
            &[("cache-control", "max-age=600")],
        )
    });
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("REVALIDATED", "one"));
    let (_, _, asked) = world.asked().pop().unwrap();
    assert_eq!(asked["if-none-match"], "\"a\"");
    pass(500).await;
    let seen = world.get("/a").await;
    assert_eq!(seen.x_cache(), "HIT", "as fresh as its confirmation says");
}

#[tokio::test(start_paused = true)]
async fn a_failing_upstream_is_stood_in_for() {
    let mut world = World::new();
    let fields = &[
        ("cache-control", "max-age=600, stale-if-error=60"),
        ("cache-tag", SOFT),
    ];
    world.answers_with(fields, "one");
    world.get("/a").await;
    pass(300).await;
    purge(&world, SOFT);
    world.answers(|_| status(StatusCode::BAD_GATEWAY, &[]));
    pass(59).await;
    let seen = world.get("/a").await;
    assert_eq!((seen.x_cache(), seen.text()), ("STALE", "one"));
    pass(2).await;
    assert_eq!(world.get("/a").await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test(start_paused = true)]
async fn variants_are_made_stale_each() {
    let mut world = World::new();
    let fields = &[
        ("cache-control", "max-age=600, stale-while-revalidate=60"),
        ("vary", "accept-language"),
        ("cache-tag", SOFT),
    ];
    world.answers_with(fields, "one");
    world.get("/a").await;
    assert_eq!(world.get("/a").await.x_cache(), "HIT");
    let name = Invalidation::Key("GET https://example.com/a".to_owned());
    world.store.mark_stale(&name).now().unwrap().unwrap();
    assert_eq!(world.get("/a").await.x_cache(), "STALE");
    settle().await;
    assert_eq!(world.get("/a").await.x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn one_purge_of_each_kind() {
    let mut world = World::new();
    let fields = &[
        ("cache-control", "max-age=600, stale-while-revalidate=60"),
        ("cache-tag", SOFT),
    ];
    world.answers_with(fields, "one");
    world.get("/a").await;
    purge(&world, SOFT);
    let hard = Invalidation::Tag(SOFT.to_owned());
    world.store.invalidate(&hard).now().unwrap().unwrap();
    purge(&world, SOFT);
    assert_eq!(
        world.get("/a").await.x_cache(),
        "MISS",
        "nothing comes back"
    );
}
