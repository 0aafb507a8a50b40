//! What a client sees of the cache.

use std::sync::Arc;
use std::time::Duration;

use cache::{
    CacheOutcome, CachePolicy, CacheUser, FillMemory, Freshness, MemoryProvider,
    RouteCacheSettings, UserSpecific,
};
use http::StatusCode;

use crate::contract::Remote;
use crate::support::*;

fn ttl(seconds: u64) -> RouteCacheSettings {
    RouteCacheSettings {
        ttl: Some(Duration::from_secs(seconds)),
        ..RouteCacheSettings::default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_answer_comes_from_the_store() {
    let mut world = World::new();
    world.answers_with(
        &[
            ("cache-control", "max-age=60"),
            ("content-type", "text/plain"),
        ],
        "one",
    );
    let miss = world.get("/a").await;
    assert_eq!((miss.x_cache(), miss.text()), ("MISS", "one"));
    assert_eq!(miss.field("cache-status"), "urm; fwd=uri-miss; stored");
    assert!(!miss.headers.contains_key("etag") && !miss.headers.contains_key("age"));

    world.answers_with(&[], "two");
    tokio::time::advance(Duration::from_secs(59)).await;
    let hit = world.get("/a").await;
    assert_eq!((hit.x_cache(), hit.text()), ("HIT", "one"));
    assert_eq!(hit.field("cache-status"), "urm; hit; ttl=1");
    assert_eq!(hit.field("age"), "59");
    assert_eq!(hit.field("content-type"), "text/plain");
    assert!(hit.field("etag").starts_with("W/\"urm-"));
    assert_eq!(hit.field("date"), httpdate_of_start());

    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(world.get("/a").await.text(), "two");
    assert_eq!(
        told(),
        [CacheOutcome::Miss, CacheOutcome::Hit, CacheOutcome::Miss]
    );
    assert_eq!(world.asked().len(), 2);
}

fn httpdate_of_start() -> &'static str {
    "Tue, 14 Nov 2023 22:13:20 GMT"
}

#[tokio::test(start_paused = true)]
async fn an_age_from_further_up_counts() {
    let mut world = World::new();
    world.answers_with(&[("cache-control", "max-age=60"), ("age", "50")], "one");
    world.get("/a").await;
    tokio::time::advance(Duration::from_secs(9)).await;
    let hit = world.get("/a").await;
    assert_eq!((hit.x_cache(), hit.field("age")), ("HIT", "59"));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_the_key_does_not_hold_goes_up_whole() {
    let mut world = World::new();
    world.get("/a").await;
    world.asked();
    for (fields, why) in [
        (&[("if-match", "*")][..], "bypass; detail=precondition"),
        (
            &[("cache-control", "no-store")],
            "bypass; detail=request-no-store",
        ),
        (&[("host", "other.example")], "bypass; detail=target"),
        (&[("content-length", "3")], "bypass; detail=content"),
    ] {
        let mut request = request("GET", "/a?b&a", fields);
        request
            .headers_mut()
            .insert("x-forwarded-host", "a".parse().unwrap());
        request
            .headers_mut()
            .insert("if-none-match", "\"a\"".parse().unwrap());
        let sent = request.headers().clone();
        let seen = world.ask(request).await;
        assert_eq!(seen.x_cache(), "BYPASS", "{why}");
        assert_eq!(seen.field("cache-status"), format!("urm; fwd={why}"));
        let (_, uri, headers) = world.asked().pop().unwrap();
        assert_eq!((uri.to_string(), headers), ("/a?b&a".to_owned(), sent));
    }
    let seen = world.ask(request("POST", "/b", &[])).await;
    assert_eq!(seen.field("cache-status"), "urm; fwd=method");
    assert_eq!(told().pop(), Some(CacheOutcome::Bypass));
}

#[tokio::test(start_paused = true)]
async fn who_asks_gets_what_says_itself_that_it_may_be_shared() {
    let mut world = World::new();
    let fields = [("authorization", "x"), ("cookie", "x"), ("x-api-key", "x")];
    for (name, value) in fields {
        world.answers_with(&[], "the route's ttl");
        world.get("/ttl").await;
        for _ in 0..2 {
            let seen = world.ask(request("GET", "/ttl", &[(name, value)])).await;
            assert_eq!(seen.x_cache(), "MISS", "{name}");
            let why = if name == "authorization" {
                name
            } else {
                "credentials"
            };
            let expected = format!("urm; fwd=bypass; detail={why}");
            assert_eq!(seen.field("cache-status"), expected);
        }
        world.answers_with(&[("cache-control", "public, max-age=60")], "explicit");
        let path = format!("/{name}");
        let first = world.ask(request("GET", &path, &[(name, value)])).await;
        assert_eq!(first.field("cache-status"), "urm; fwd=uri-miss; stored");
        let second = world.ask(request("GET", &path, &[(name, "y")])).await;
        assert_eq!(second.x_cache(), "HIT", "{name}");
        assert_eq!(world.get(&path).await.x_cache(), "HIT", "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_what_is_not_stored_goes_up_as_it_is() {
    let mut world = World::new();
    let range = [("range", "bytes=0-0"), ("if-none-match", "\"a\"")];
    let asked = request("GET", "/a?b&a", &range);
    let sent = asked.headers().clone();
    let seen = world.ask(asked).await;
    assert_eq!(
        seen.field("cache-status"),
        "urm; fwd=partial; detail=status"
    );
    let (_, uri, headers) = world.asked().pop().unwrap();
    assert_eq!((uri.to_string(), headers), ("/a?b&a".to_owned(), sent));
    world.get("/a?b&a").await;
    let part = world.ask(request("GET", "/a?b&a", &range[..1])).await;
    assert_eq!(
        (part.status, part.x_cache()),
        (StatusCode::PARTIAL_CONTENT, "HIT")
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_that_may_not_be_stored_says_why() {
    let mut world = World::new();
    for (fields, why) in [
        (&[("cache-control", "no-store")][..], "no-store"),
        (&[("cache-control", "private")], "private"),
        (&[("vary", "*")], "vary"),
        (&[("set-cookie", "a=b")], "set-cookie"),
        (&[("cache-control", "max-age=0")], "stale"),
    ] {
        world.answers_with(fields, "x");
        for _ in 0..2 {
            let seen = world.get("/a").await;
            assert_eq!(seen.x_cache(), "MISS");
            let status = format!("urm; fwd=uri-miss; detail={why}");
            assert_eq!(seen.field("cache-status"), status);
        }
    }
    world.answers(|_| {
        let mut refusal = response(&[], TestBody::whole("x"));
        refusal.extensions_mut().insert(Refused);
        refusal
    });
    assert!(
        world
            .get("/a")
            .await
            .field("cache-status")
            .ends_with("detail=refusal")
    );
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn what_the_client_holds_is_not_sent_again() {
    let mut world = World::new();
    let fields = &[
        ("etag", "\"v1\""),
        ("last-modified", "Tue, 14 Nov 2023 22:00:00 GMT"),
        ("content-type", "text/plain"),
        ("cache-control", "max-age=60"),
    ];
    world.answers_with(fields, "one");
    // On a miss the gateway asks without the condition, answers 304 and stores all the same.
    let seen = world
        .ask(request("GET", "/a", &[("if-none-match", "W/\"v1\"")]))
        .await;
    assert_eq!(
        (seen.status, seen.x_cache(), seen.text()),
        (StatusCode::NOT_MODIFIED, "MISS", "")
    );
    assert_eq!(seen.field("etag"), "\"v1\"");
    assert!(!seen.headers.contains_key("content-type"));
    let (_, _, headers) = world.asked().pop().unwrap();
    assert!(!headers.contains_key("if-none-match"));

    for (name, value, status) in [
        ("if-none-match", "\"v1\"", 304),
        ("if-none-match", "\"v0\", W/\"v1\"", 304),
        ("if-none-match", "\"v0\"", 200),
        ("if-modified-since", "Tue, 14 Nov 2023 22:00:00 GMT", 304),
        ("if-modified-since", "Tue, 14 Nov 2023 21:59:59 GMT", 200),
    ] {
        for method in ["GET", "HEAD"] {
            let seen = world.ask(request(method, "/a", &[(name, value)])).await;
            assert_eq!(
                (seen.status.as_u16(), seen.x_cache()),
                (status, "HIT"),
                "{value}"
            );
            let body = if status == 200 && method == "GET" {
                "one"
            } else {
                ""
            };
            assert_eq!(seen.text(), body);
            assert_eq!(seen.field("cache-control"), "max-age=60");
        }
    }
    assert!(world.asked().is_empty());

    // The tag of ours is good for the same.
    world.answers_with(&[("cache-control", "max-age=60")], "two");
    world.get("/b").await;
    let tag = world.get("/b").await.field("etag").to_owned();
    let seen = world
        .ask(request("GET", "/b", &[("if-none-match", &tag)]))
        .await;
    assert_eq!(seen.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(start_paused = true)]
async fn a_head_is_answered_from_a_stored_get_and_stores_nothing() {
    let mut world = World::new();
    let seen = world
        .ask(request("HEAD", "/a", &[("if-none-match", "\"x\"")]))
        .await;
    assert_eq!(seen.field("cache-status"), "urm; fwd=uri-miss; detail=head");
    let (_, _, headers) = world.asked().pop().unwrap();
    assert!(
        headers.contains_key("if-none-match"),
        "a HEAD goes up as it is"
    );
    assert_eq!(world.get("/a").await.x_cache(), "MISS");
    let seen = world.ask(request("HEAD", "/a", &[])).await;
    assert_eq!(
        (seen.x_cache(), seen.field("content-length"), seen.text()),
        ("HIT", "5", "")
    );
}

#[tokio::test(start_paused = true)]
async fn keys_hold_host_path_and_query() {
    let mut world = World::new();
    world.get("/a?x=1&b=2").await;
    let (_, uri, _) = world.asked().pop().unwrap();
    assert_eq!(uri, "/a?b=2&x=1", "the key's order goes up");
    for (uri, expected) in [
        ("/a?b=2&x=1", "HIT"),
        ("https://EXAMPLE.com:443/a?x=1&b=2", "HIT"),
        ("/a?b=2", "MISS"),
        ("/a?", "MISS"),
        ("/a", "MISS"),
        ("/a/", "MISS"),
        ("/A", "MISS"),
        ("https://example.com:8443/a?b=2&x=1", "MISS"),
        // The connection's scheme counts, whatever an absolute URI claims.
        ("http://example.com/a?b=2&x=1", "HIT"),
        ("https://other.example/a?b=2&x=1", "MISS"),
    ] {
        assert_eq!(world.get(uri).await.x_cache(), expected, "{uri}");
    }
    let other = CachePolicy::compile("other", &RouteCacheSettings::default(), &[""; 0]);
    let mut elsewhere = get("/a");
    elsewhere.extensions_mut().insert(other);
    assert_eq!(
        world.ask(elsewhere).await.x_cache(),
        "MISS",
        "another space"
    );

    let mut world = World::with(&RouteCacheSettings {
        sort_query: false,
        ..RouteCacheSettings::default()
    });
    world.get("/a?x=1&b=2").await;
    assert_eq!(world.asked().pop().unwrap().1, "/a?x=1&b=2");
    assert_eq!(world.get("/a?b=2&x=1").await.x_cache(), "MISS");
    assert_eq!(world.get("/a?x=1&b=2").await.x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn fields_that_the_key_leaves_out_poison_nothing() {
    let mut world = World::new();
    world
        .ask(request(
            "GET",
            "/a",
            &[("x-forwarded-host", "evil"), ("accept", "x")],
        ))
        .await;
    let (_, _, headers) = world.asked().pop().unwrap();
    assert!(!headers.contains_key("x-forwarded-host") && headers.contains_key("accept"));
}

#[tokio::test(start_paused = true)]
async fn the_ttl_is_the_strategys_the_routes_or_the_heuristic() {
    let modified = &[("last-modified", "Tue, 14 Nov 2023 21:56:40 GMT")];
    for (settings, lifetime) in [
        (RouteCacheSettings::default(), 300),
        (ttl(7), 7),
        (ttl(0), 100),
    ] {
        let mut world = World::with(&settings);
        world.answers_with(modified, "x");
        world.get("/a").await;
        let hit = world.get("/a").await;
        let left = hit.field("cache-status").strip_prefix("urm; hit; ttl=");
        let left: u64 = left.unwrap().parse().unwrap();
        // Longer lifetimes are shortened by up to a twentieth.
        let least = if lifetime > 60 {
            lifetime * 19 / 20
        } else {
            lifetime
        };
        assert!((least..=lifetime).contains(&left), "{left} of {lifetime}");
    }
    let mut world = World::with(&RouteCacheSettings {
        freshness: Freshness::Forced,
        ..ttl(7)
    });
    world.answers_with(&[("cache-control", "max-age=0"), ("age", "100")], "x");
    world.get("/a").await;
    let hit = world.get("/a").await;
    assert_eq!(
        (hit.field("cache-status"), hit.field("age")),
        ("urm; hit; ttl=7", "100")
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_without_rules_is_left_alone() {
    let mut world = World::new();
    world.policy = None;
    for _ in 0..2 {
        let seen = world.get("/a").await;
        assert_eq!((seen.x_cache(), seen.field("cache-status")), ("", ""));
    }
    assert_eq!(world.asked().len(), 2);
    assert!(told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_user_gets_anothers_answer() {
    let mut world = World::new();
    let policy = world.policy.take().unwrap();
    world.policy = Some(policy.with_strategy(Arc::new(UserSpecific)));
    world.answers(|request| {
        let name = request.headers()["authorization"].to_str().unwrap();
        let body = if name == "ann" { "ann's" } else { "bob's" };
        response(
            &[("cache-control", "private, max-age=60, s-maxage=0")],
            TestBody::whole(body),
        )
    });
    let of = |user: &str, method: &str| {
        let mut request = request(method, "/me", &[("authorization", user)]);
        request.extensions_mut().insert(CacheUser(user.to_owned()));
        request
    };
    for (user, expected) in [
        ("ann", "MISS"),
        ("bob", "MISS"),
        ("ann", "HIT"),
        ("bob", "HIT"),
    ] {
        let seen = world.ask(of(user, "GET")).await;
        assert_eq!(
            (seen.x_cache(), seen.text()),
            (expected, &*format!("{user}'s"))
        );
    }
    let nobody = request("GET", "/me", &[("authorization", "ann")]);
    assert_eq!(
        world.ask(nobody).await.field("cache-status"),
        "urm; fwd=bypass; detail=no-user"
    );

    // One user's change drops the resource for all, and everything of that user.
    let mut other = of("ann", "GET");
    *other.uri_mut() = "/other".parse().unwrap();
    world.ask(other).await;
    world.ask(of("ann", "PUT")).await;
    assert_eq!(world.ask(of("bob", "GET")).await.x_cache(), "MISS");
    let mut other = of("ann", "GET");
    *other.uri_mut() = "/other".parse().unwrap();
    assert_eq!(world.ask(other).await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_waited_for_serves_the_same() {
    let settings = RouteCacheSettings::default();
    let mut inner = None;
    let mut world = World::over(&settings, FillMemory::new(1 << 20), |_| {
        let memory = MemoryProvider::new(cache::MemoryOptions::default(), now);
        let remote = Arc::new(Remote(memory));
        inner = Some(Arc::clone(&remote));
        remote
    });
    assert_eq!(world.get("/a/b").await.x_cache(), "MISS");
    settle().await;
    assert_eq!(inner.unwrap().0.held(9).len(), 1);
    let hit = world.get("/a/b").await;
    assert_eq!((hit.x_cache(), hit.text()), ("HIT", "hello"));
    world.ask(request("DELETE", "/a/b", &[])).await;
    assert_eq!(world.get("/a/b").await.x_cache(), "MISS");
    let told = told().into_iter().map(CacheOutcome::as_str);
    assert_eq!(told.collect::<Vec<_>>(), ["MISS", "HIT", "BYPASS", "MISS"]);
}
