//! What requests that change something make invisible.

use http::StatusCode;

use crate::support::*;
use cache::{CachePolicy, CacheProvider, Invalidation, RouteCacheSettings};

async fn fill(world: &mut World, uris: &[&str]) {
    world.answers_with(&[], "x");
    for uri in uris {
        world.get(uri).await;
        assert_eq!(world.get(uri).await.x_cache(), "HIT", "{uri}");
    }
}

async fn check(world: &mut World, expected: &[(&str, &str)]) {
    for (uri, expected) in expected {
        assert_eq!(world.get(uri).await.x_cache(), *expected, "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_drops_its_resource_and_the_collection_above() {
    let mut world = World::new();
    let uris = [
        "/products/7",
        "/products/7?full",
        "/products",
        "/products?page=2",
        "/products/8",
        "/",
    ];
    for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE"] {
        fill(&mut world, &uris).await;
        world.ask(request(method, "/products/7?by=me", &[])).await;
        let expected = ["MISS", "MISS", "MISS", "MISS", "HIT", "HIT"];
        let expected: Vec<_> = uris.into_iter().zip(expected).collect();
        check(&mut world, &expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_safe_method_or_a_failure_drops_nothing() {
    let mut world = World::new();
    fill(&mut world, &["/a"]).await;
    for method in ["OPTIONS", "HEAD", "GET", "TRACE", "QUERY"] {
        world.ask(request(method, "/a", &[("cookie", "x")])).await;
    }
    for status in [400, 404, 500, 503] {
        world.answers(move |_| {
            let mut failure = response(&[], TestBody::whole(""));
            *failure.status_mut() = StatusCode::from_u16(status).unwrap();
            failure
        });
        world.ask(request("POST", "/a", &[])).await;
    }
    assert_eq!(world.get("/a").await.x_cache(), "HIT");
    world.answers_with(&[], "");
    world.ask(request("POST", "/a", &[])).await;
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_on_any_route_and_in_any_space() {
    let mut world = World::new();
    fill(&mut world, &["/a"]).await;
    let other = CachePolicy::compile("other", &RouteCacheSettings::default(), &[""; 0]);
    let elsewhere = || {
        let mut request = get("/a");
        request.extensions_mut().insert(other.clone());
        request
    };
    world.ask(elsewhere()).await;
    assert_eq!(world.ask(elsewhere()).await.x_cache(), "HIT");
    let policy = world.policy.take();
    let seen = world.ask(request("POST", "/a", &[])).await;
    assert_eq!(seen.x_cache(), "", "a route without rules");
    world.policy = policy;
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
    assert_eq!(world.ask(elsewhere()).await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn what_the_answer_names_at_the_same_origin_is_dropped() {
    let mut world = World::new();
    fill(&mut world, &["/new", "/other", "/third"]).await;
    world.answers_with(
        &[
            ("location", "/new"),
            ("content-location", "https://example.com/other"),
        ],
        "",
    );
    world.ask(request("POST", "/elsewhere/x", &[])).await;
    world.answers_with(&[("location", "https://other.example/third")], "");
    world.ask(request("POST", "/elsewhere/x", &[])).await;
    check(
        &mut world,
        &[("/new", "MISS"), ("/other", "MISS"), ("/third", "HIT")],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_a_change_overtakes_is_not_kept() {
    let mut world = World::new();
    let (sender, _, body) = TestBody::piped();
    let mut body = Some(body);
    world.answers(move |_| response(&[], body.take().unwrap()));
    let old = world.send(get("/a")).await;
    world.answers_with(&[], "new");
    world.ask(request("PUT", "/a", &[])).await;
    sender.send(piece("old")).unwrap();
    drop(sender);
    let old = http_body_util::BodyExt::collect(old.into_body())
        .await
        .unwrap();
    assert_eq!(old.to_bytes(), "old", "who asked before still gets it");
    settle().await;
    let next = world.get("/a").await;
    assert_eq!((next.x_cache(), next.text()), ("MISS", "new"));
    assert_eq!(world.get("/a").await.text(), "new");
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_labels_can_be_purged() {
    let mut world = World::new();
    world.answers_with(&[("cache-tag", "red, blue")], "x");
    world.get("/a").await;
    world.answers_with(&[("surrogate-key", "green blue")], "x");
    world.get("/b").await;
    let purge = |label: &str| Invalidation::Tag(label.to_owned());
    world.store.invalidate(&purge("green")).await.unwrap();
    check(&mut world, &[("/a", "HIT"), ("/b", "MISS")]).await;
    world.store.invalidate(&purge("blue")).await.unwrap();
    check(&mut world, &[("/a", "MISS"), ("/b", "MISS")]).await;
}
