//! `QUERY` (RFC 10008), whose content is part of its key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cache::{Bypass, CacheKey, CacheUser, FillMemory, RouteCacheSettings, UserSpecific, examine};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::Full;

use crate::contract::Remote;
use crate::support::*;

const LONG: &[(&str, &str)] = &[("cache-control", "max-age=60")];
const LIMIT: usize = 64 * 1024;

fn of<A: Body>(body: A, fields: &[(&str, &str)]) -> Request<A> {
    request("QUERY", "/a", fields).map(|_| body)
}

fn query(content: &'static str, content_type: &str) -> Request<Full<Bytes>> {
    of(Full::from(content), &[("content-type", content_type)])
}

fn text(content: &'static str) -> Request<Full<Bytes>> {
    query(content, "text/plain")
}

fn whole(content: impl Into<Bytes>) -> Sent {
    let bytes = content.into();
    Sent {
        length: Some(bytes.len() as u64),
        bytes,
        trailers: None,
        broken: false,
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_query_is_answered_from_the_store() {
    let mut world = World::new();
    world.answers_with(LONG, "one");
    let miss = world.ask(text("a")).await;
    assert_eq!(miss.field("cache-status"), "urm; fwd=uri-miss; stored");
    assert_eq!(world.contents(), [whole("a")]);
    world.answers_with(LONG, "another");
    for same in [text("a"), query("a", "Text/PLAIN")] {
        let hit = world.ask(same).await;
        assert_eq!((hit.x_cache(), hit.text()), ("HIT", "one"));
    }
    for other in [
        text("b"),
        text(""),
        query("a", "text/html"),
        query("a", "text/plain;a"),
    ] {
        for expected in ["MISS", "HIT"] {
            let seen = world.ask(other.clone()).await;
            assert_eq!((seen.x_cache(), seen.text()), (expected, "another"));
        }
    }
    for method in ["HEAD", "GET"] {
        let seen = world.ask(request(method, "/a", &[])).await;
        assert_eq!(seen.x_cache(), "MISS", "{method}");
    }
    assert_eq!(world.ask(text("a")).await.text(), "one");
}

#[tokio::test(start_paused = true)]
async fn what_comes_in_pieces_goes_up_in_one() {
    let mut world = World::new();
    world.answers_with(LONG, "one");
    let (sender, pipe, body) = TestBody::piped();
    let client = world.begin(of(body, &[("transfer-encoding", "chunked")]));
    for part in ["a", "", "bc"] {
        sender.send(piece(part)).unwrap();
        settle().await;
    }
    assert!(world.asked().is_empty(), "its key is not known yet");
    drop(sender);
    assert_eq!(client.await.unwrap().x_cache(), "MISS");
    assert!(pipe.is_dropped());
    assert_eq!(world.contents(), [whole("abc")]);
    let same = of(Full::from("abc"), &[]);
    assert_eq!(world.ask(same).await.x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn content_over_the_limit_goes_past() {
    let mut world = World::new();
    world.answers_with(LONG, "one");
    let largest = Bytes::from(vec![b'a'; LIMIT]);
    for expected in ["MISS", "HIT"] {
        let seen = world.ask(of(Full::new(largest.clone()), &[])).await;
        assert_eq!(seen.x_cache(), expected);
    }
    world.contents();
    let larger = Bytes::from(vec![b'a'; LIMIT + 1]);
    for _ in 0..2 {
        let seen = world.ask(of(Full::new(larger.clone()), &[])).await;
        let status = "urm; fwd=bypass; detail=content";
        assert_eq!(seen.field("cache-status"), status);
        let (sender, _, body) = TestBody::piped();
        sender.send(piece("a")).unwrap();
        sender.send(Ok(Frame::data(largest.clone()))).unwrap();
        sender.send(piece("b")).unwrap();
        drop(sender);
        let seen = world.ask(of(body, &[])).await;
        assert_eq!(seen.field("cache-status"), status);
        let streamed = Sent {
            length: None,
            ..whole([b"a", &largest[..], b"b"].concat())
        };
        assert_eq!(world.contents(), [whole(larger.clone()), streamed]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_key_is_made_of_goes_up_as_it_came() {
    let mut world = World::new();
    world.answers_with(LONG, "one");
    let trailers = HeaderMap::from_iter([("x-a".parse().unwrap(), "1".parse().unwrap())]);
    let ends = [
        Ok(Frame::trailers(trailers.clone())),
        Err(Broken),
        // Before anything else.
        Err(Broken),
    ];
    for (place, end) in ends.into_iter().enumerate() {
        let broken = end.is_err();
        let (sender, _, body) = TestBody::piped();
        if place < 2 {
            sender.send(piece("a")).unwrap();
        }
        sender.send(end).unwrap();
        drop(sender);
        let seen = world.ask(of(body, &[])).await;
        let status = "urm; fwd=bypass; detail=content";
        assert_eq!(seen.field("cache-status"), status);
        let expected = Sent {
            length: None,
            trailers: (!broken).then(|| trailers.clone()),
            broken,
            ..whole(if place < 2 { "a" } else { "" })
        };
        assert_eq!(world.contents(), [expected]);
    }
    let seen = world.ask(of(Full::from("a"), &[])).await;
    assert_eq!(seen.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn a_stale_answer_is_confirmed_with_the_same_content() {
    let mut world = World::new();
    world.answers_with(&[("cache-control", "max-age=10"), ("etag", "\"a\"")], "one");
    world.ask(text("a")).await;
    world.contents();
    tokio::time::advance(Duration::from_secs(10)).await;
    world.answers(|request| {
        assert_eq!(request.headers()["if-none-match"], "\"a\"");
        let mut response = Response::new(TestBody::whole(""));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    });
    let seen = world.ask(text("a")).await;
    assert_eq!((seen.x_cache(), seen.text()), ("REVALIDATED", "one"));
    assert_eq!(world.contents(), [whole("a")]);
    let mut conditional = text("a");
    let tag = "\"a\"".parse().unwrap();
    conditional.headers_mut().insert("if-none-match", tag);
    let seen = world.ask(conditional).await;
    assert_eq!(
        (seen.status, seen.x_cache()),
        (StatusCode::NOT_MODIFIED, "HIT")
    );
    let mut part = text("a");
    let range = "bytes=0-0".parse().unwrap();
    part.headers_mut().insert("range", range);
    let seen = world.ask(part).await;
    assert_eq!((seen.status, seen.text()), (StatusCode::OK, "one"));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_takes_the_content_along() {
    let mut world = World::new();
    world.answers_with(
        &[("cache-control", "max-age=10, stale-while-revalidate=20")],
        "one",
    );
    world.ask(text("a")).await;
    world.contents();
    tokio::time::advance(Duration::from_secs(10)).await;
    world.answers_with(LONG, "two");
    let seen = world.ask(text("a")).await;
    assert_eq!((seen.x_cache(), seen.text()), ("STALE", "one"));
    settle().await;
    assert_eq!(world.contents(), [whole("a")]);
    let seen = world.ask(text("a")).await;
    assert_eq!((seen.x_cache(), seen.text()), ("HIT", "two"));
}

#[tokio::test(start_paused = true)]
async fn several_of_one_content_are_one() {
    let world = World::new();
    world.answers_with(LONG, "one");
    let gate = world.gated();
    let clients: Vec<_> = ["a", "a", "b", "a", "b"]
        .map(|content| world.begin(text(content)))
        .into();
    settle().await;
    gate.add_permits(2);
    for client in clients {
        assert_eq!(client.await.unwrap().x_cache(), "MISS");
    }
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_elsewhere_is_asked_for_it() {
    let settings = RouteCacheSettings::default();
    let mut world = World::over(&settings, FillMemory::new(1 << 20), |_| {
        let options = cache::MemoryOptions::default();
        Arc::new(Remote(cache::MemoryProvider::new(options, now)))
    });
    world.answers_with(LONG, "one");
    for expected in ["MISS", "HIT"] {
        let seen = world.ask(text("a")).await;
        assert_eq!((seen.x_cache(), seen.text()), (expected, "one"));
        settle().await;
    }
    assert_eq!(world.contents(), [whole("a")]);
}

#[tokio::test(start_paused = true)]
async fn a_change_makes_it_invisible() {
    let mut world = World::new();
    world.answers_with(LONG, "one");
    world.ask(text("a")).await;
    world.ask(request("POST", "/a", &[])).await;
    assert_eq!(world.ask(text("a")).await.x_cache(), "MISS");
}

#[tokio::test(start_paused = true)]
async fn answers_to_one_users_query_are_not_stored() {
    let mut world = World::new();
    let policy = world.policy.take().unwrap();
    world.policy = Some(policy.with_strategy(Arc::new(UserSpecific)));
    world.answers_with(LONG, "one");
    for _ in 0..2 {
        let mut request = text("a");
        request.extensions_mut().insert(CacheUser("ann".to_owned()));
        let seen = world.ask(request).await;
        assert_eq!(seen.field("cache-status"), "urm; fwd=method");
    }
    assert_eq!(world.contents(), [whole("a"), whole("a")]);
}

#[test]
fn a_key_is_explained_with_the_content_that_it_holds() {
    let policy = policy(&RouteCacheSettings::default());
    let known = cache::Seen::default();
    let mut key = CacheKey::empty();
    let mut name = |request: &Request<Full<Bytes>>, content: Option<&[u8]>| {
        examine(request, content, &policy, &known, &mut key).map(|_| key.name().to_owned())
    };
    let one = name(&text("a"), Some(b"a")).unwrap();
    let digest = one.strip_prefix("QUERY http://example.com/a ").unwrap();
    assert_eq!(digest.len(), 64);
    assert_ne!(name(&text("a"), Some(b"b")).as_ref(), Ok(&one));
    assert_eq!(name(&text(""), None), name(&text(""), Some(b"")));
    assert_eq!(name(&text("a"), None), Err(Bypass::Content));
    let larger = vec![0; LIMIT + 1];
    assert_eq!(name(&text("a"), Some(&larger)), Err(Bypass::Content));
    let get = request("GET", "/a", &[]).map(|_| Full::from("a"));
    assert_eq!(name(&get, Some(b"a")), Err(Bypass::Content));
}
