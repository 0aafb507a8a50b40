//! How responses come to be stored, and how not.

use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use cache::{CacheBody, CacheBodyError, FillMemory, RouteCacheSettings};
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use proptest::prelude::*;

use crate::support::*;

fn pipe(world: &World, fields: &'static [(&str, &str)]) -> (Sender, Pipe) {
    let (sender, pipe, body) = TestBody::piped();
    let mut body = Some(body);
    world.answers(move |_| response(fields, body.take().unwrap()));
    (sender, pipe)
}

async fn read(response: &mut Response<CacheBody<TestBody>>) -> Bytes {
    let frame = response.body_mut().frame().await.unwrap().unwrap();
    frame.into_data().unwrap()
}

#[tokio::test(start_paused = true)]
async fn pieces_reach_the_client_as_they_come() {
    let mut world = World::new();
    let (sender, _) = pipe(&world, &[("content-length", "4")]);
    let mut response = world.send(get("/a")).await;
    for text in ["a", "bc", "d"] {
        sender.send(piece(text)).unwrap();
        assert_eq!(read(&mut response).await, text);
    }
    assert!(world.store.held(9).is_empty(), "not before its end");
    drop(sender);
    assert!(response.body_mut().frame().await.is_none());
    assert!(response.body().is_end_stream());
    let hit = world.get("/a").await;
    assert_eq!((hit.x_cache(), hit.text()), ("HIT", "abcd"));
    assert_eq!(world.fills.memory_in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_slows_nothing() {
    let mut world = World::new();
    let (sender, upstream) = pipe(&world, &[]);
    let response = world.send(get("/a")).await;
    for _ in 0..200 {
        sender.send(piece("0123456789")).unwrap();
    }
    settle().await;
    assert!(world.fills.memory_in_use() >= 2000);
    drop(sender);
    settle().await;
    assert!(upstream.is_dropped());
    assert_eq!(
        world.get("/a").await.text().len(),
        2000,
        "stored before the client read"
    );
    assert_eq!(world.fills.memory_in_use(), 0);
    assert_eq!(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .len(),
        2000
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_the_fetch() {
    let mut world = World::new();
    let (sender, upstream) = pipe(&world, &[]);
    let mut response = world.send(get("/a")).await;
    sender.send(piece("a")).unwrap();
    read(&mut response).await;
    assert!(!upstream.is_dropped());
    drop(response);
    settle().await;
    assert!(upstream.is_dropped() && sender.is_closed());
    assert_eq!(world.fills.memory_in_use(), 0);
    assert!(world.store.held(9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_not_stored() {
    let mut world = World::new();
    let (sender, _) = pipe(&world, &[]);
    let mut response = world.send(get("/a")).await;
    sender.send(piece("a")).unwrap();
    sender.send(Err(Broken)).unwrap();
    assert_eq!(read(&mut response).await, "a");
    let error = response.body_mut().frame().await.unwrap().unwrap_err();
    assert!(Broken::is_behind(&error));
    drop(response);
    settle().await;
    assert!(world.store.held(9).is_empty());
    assert_eq!(world.fills.memory_in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_another_length_than_said_is_not_stored() {
    for length in ["2", "4"] {
        let mut world = World::new();
        world.answers(move |_| response(&[("content-length", length)], TestBody::whole("abc")));
        assert_eq!(world.get("/a").await.text(), "abc");
        assert_eq!(world.get("/a").await.x_cache(), "MISS");
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_are_passed_on_and_nothing_is_stored() {
    let mut world = World::new();
    let (sender, _) = pipe(&world, &[]);
    let response = world.send(get("/a")).await;
    sender.send(piece("a")).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "1".parse().unwrap());
    sender.send(Ok(Frame::trailers(trailers))).unwrap();
    let body = response.into_body().collect().await.unwrap();
    assert_eq!(body.trailers().unwrap()["x-sum"], "1");
    assert!(world.store.held(9).is_empty());
    assert_eq!(world.fills.memory_in_use(), 0);
}

/// Sends much without reading, and says how much the fill has taken meanwhile.
async fn overflow(mut world: World) {
    let (sender, upstream) = pipe(&world, &[]);
    let mut response = world.send(get("/a")).await;
    for _ in 0..50 {
        sender.send(piece(&"x".repeat(100))).unwrap();
    }
    settle().await;
    assert!(world.fills.memory_in_use() <= world.fills.bytes_max());
    drop(sender);
    settle().await;
    assert!(!upstream.is_dropped(), "the rest waits at the upstream");
    let mut bytes = 0;
    while let Some(frame) = response.body_mut().frame().await {
        bytes += frame.unwrap().into_data().unwrap().len();
        settle().await;
    }
    assert_eq!(bytes, 5000);
    assert_eq!(world.fills.memory_in_use(), 0);
    assert!(world.store.held(9).is_empty());
}

#[tokio::test(start_paused = true)]
async fn over_the_largest_body_it_streams_at_the_clients_pace() {
    overflow(World::with(&RouteCacheSettings {
        max_object: 1000,
        ..RouteCacheSettings::default()
    }))
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_memory_for_fills_it_streams_at_the_clients_pace() {
    let settings = RouteCacheSettings::default();
    overflow(World::over(&settings, FillMemory::new(1000), |store| store)).await;
    overflow(World::over(&settings, FillMemory::new(0), |store| store)).await;
}

#[tokio::test(start_paused = true)]
async fn a_fetch_whose_client_needs_no_body_goes_on() {
    let mut world = World::new();
    let (sender, _) = pipe(&world, &[("etag", "\"a\"")]);
    let seen = world
        .ask(request("GET", "/a", &[("if-none-match", "\"a\"")]))
        .await;
    assert_eq!(seen.status, 304);
    sender.send(piece("abc")).unwrap();
    drop(sender);
    settle().await;
    assert_eq!(world.get("/a").await.text(), "abc");

    // But not when it could not be stored.
    let settings = RouteCacheSettings {
        max_object: 2,
        ..RouteCacheSettings::default()
    };
    let mut world = World::with(&settings);
    let (sender, upstream) = pipe(&world, &[("etag", "\"a\"")]);
    world
        .ask(request("GET", "/a", &[("if-none-match", "\"a\"")]))
        .await;
    sender.send(piece("abc")).unwrap();
    settle().await;
    assert!(upstream.is_dropped());
    assert_eq!(world.fills.memory_in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_there_needs_no_background_work() {
    let mut world = World::new();
    let mut response = world.send(get("/a")).await;
    // Nothing has run but the call itself.
    let frame = poll_once(response.body_mut()).expect("the body is there");
    assert_eq!(frame.unwrap(), "hello");
    assert_eq!(world.store.held(9).len(), 1);
}

/// What there is to read at this moment.
fn poll_once(body: &mut CacheBody<TestBody>) -> Option<Result<Bytes, CacheBodyError>> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::Pin::new(body).poll_frame(&mut cx) {
        Poll::Ready(Some(frame)) => Some(frame.map(|frame| frame.into_data().unwrap())),
        _ => None,
    }
}

#[derive(Clone, Debug)]
enum Event {
    Sends(usize),
    Reads,
    Breaks,
    Ends,
    Leaves,
    Runs,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..300).prop_map(Event::Sends),
        6 => Just(Event::Reads),
        4 => Just(Event::Runs),
        1 => Just(Event::Breaks),
        1 => Just(Event::Ends),
        1 => Just(Event::Leaves),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever happens in whatever order: the client reads what was sent, only what is complete is
    /// stored, and no memory stays taken.
    #[test]
    fn whatever_happens_nothing_is_lost_or_leaked(
        events in prop::collection::vec(event(), 0..40),
        max_object in 1_u64..2000,
        room in 0_u64..3000,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let settings = RouteCacheSettings { max_object, ..RouteCacheSettings::default() };
            let fills = FillMemory::new(room);
            let mut world = World::over(&settings, Arc::clone(&fills), |store| store);
            let (sender, _) = pipe(&world, &[]);
            let mut sender = Some(sender);
            let mut response = Some(world.send(get("/a")).await);
            let (mut sent, mut read) = (Vec::new(), Vec::new());
            let (mut complete, mut left, mut broken) = (false, false, false);
            for event in events {
                match event {
                    Event::Sends(bytes) => if let Some(sender) = &sender {
                        let text: String = ('a'..='z').cycle().take(bytes).collect();
                        if sender.send(piece(&text)).is_ok() {
                            sent.extend_from_slice(text.as_bytes());
                        }
                    },
                    Event::Reads => if let Some(response) = &mut response {
                        match poll_once(response.body_mut()) {
                            Some(Ok(piece)) => read.extend(piece),
                            Some(Err(error)) => broken = Broken::is_behind(&error),
                            None => {}
                        }
                    },
                    Event::Breaks => if let Some(sender) = sender.take() {
                        let _ = sender.send(Err(Broken));
                    },
                    Event::Ends => complete |= sender.take().is_some(),
                    Event::Leaves => {
                        left |= response.take().is_some();
                    }
                    Event::Runs => settle().await,
                }
                assert!(fills.memory_in_use() <= room);
                assert_eq!(&sent[..read.len()], read);
            }
            complete |= sender.take().is_some();
            if let Some(mut response) = response {
                while let Some(frame) = response.body_mut().frame().await {
                    match frame {
                        Ok(frame) => read.extend(frame.into_data().unwrap()),
                        Err(error) => broken = Broken::is_behind(&error),
                    }
                }
                assert_eq!(broken, !complete);
                assert_eq!(read, sent);
            }
            settle().await;
            assert_eq!(fills.memory_in_use(), 0);
            let stored = world.store.held(9);
            if let Some(held) = stored.first() {
                assert!(complete && sent.len() as u64 <= max_object);
                assert_eq!(held.value.body(), &sent);
            } else if complete && !left {
                let cost = sent.len() as u64 + 96 * 40;
                assert!(sent.len() as u64 > max_object || cost > room);
            }
        });
    }
}
