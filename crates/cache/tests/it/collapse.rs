//! One request fetches for all who want the same.

use std::time::Duration;

use cache::{CacheRefusal, RouteCacheSettings};
use http::{Response, StatusCode};
use tokio::task::JoinHandle;

use crate::support::*;

const LONG: &[(&str, &str)] = &[("cache-control", "max-age=60")];

async fn all(clients: Vec<JoinHandle<Seen>>) -> Vec<Seen> {
    let mut seen = Vec::new();
    for client in clients {
        seen.push(client.await.unwrap());
    }
    seen
}

fn collapsed(seen: &[Seen]) -> usize {
    let is_collapsed = |one: &&Seen| one.field("cache-status").contains("; collapsed");
    seen.iter().filter(is_collapsed).count()
}

#[tokio::test(start_paused = true)]
async fn five_hundred_requests_are_one() {
    let world = World::new();
    world.answers_with(LONG, "one");
    let gate = world.gated();
    let clients: Vec<_> = (0..500).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    gate.add_permits(1);
    let seen = all(clients).await;
    assert!(
        seen.iter()
            .all(|one| one.text() == "one" && one.x_cache() == "MISS")
    );
    assert_eq!((world.asked().len(), collapsed(&seen)), (1, 499));
    assert_eq!(world.fills.memory_in_use(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_leaves_is_no_loss_to_those_who_wait() {
    let world = World::new();
    world.answers_with(LONG, "one");
    let gate = world.gated();
    let leader = world.begin(get("/a"));
    settle().await;
    let others: Vec<_> = (0..3).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    leader.abort();
    settle().await;
    gate.add_permits(1);
    let seen = all(others).await;
    assert!(seen.iter().all(|one| one.text() == "one"));
    assert_eq!((world.asked().len(), collapsed(&seen)), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_nobody_waits_for_ends() {
    let world = World::new();
    world.answers_with(LONG, "one");
    let gate = world.gated();
    let clients: Vec<_> = (0..3).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    for client in &clients {
        client.abort();
    }
    settle().await;
    let next = world.begin(get("/a"));
    settle().await;
    gate.add_permits(1);
    assert_eq!(
        next.await.unwrap().field("cache-status"),
        "urm; fwd=uri-miss; stored"
    );
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_stored_releases_all_at_once_and_is_remembered() {
    let world = World::new();
    world.answers_with(&[("cache-control", "no-store")], "own");
    let gate = world.gated();
    let clients: Vec<_> = (0..5).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    assert_eq!(world.asked().len(), 1);
    gate.add_permits(1);
    settle().await;
    assert_eq!(world.asked().len(), 4);
    // Nobody queues for it from now on.
    let later: Vec<_> = (0..5).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    assert_eq!(world.asked().len(), 5);
    gate.add_permits(9);
    assert_eq!(collapsed(&all(clients).await), 0);
    all(later).await;
    // Until an answer is storable.
    world.answers_with(LONG, "shared");
    gate.add_permits(1);
    world.begin(get("/a")).await.unwrap();
    assert_eq!(world.begin(get("/a")).await.unwrap().x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn an_upstream_with_too_much_to_do_is_asked_once() {
    let world = World::new();
    world.answers(|_| {
        let mut busy = response(&[("retry-after", "7")], TestBody::whole("busy"));
        *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        busy
    });
    let gate = world.gated();
    let clients: Vec<_> = (0..5).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    gate.add_permits(1);
    let seen = all(clients).await;
    assert_eq!(world.asked().len(), 1);
    for one in &seen {
        assert_eq!(one.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(one.field("retry-after"), "7");
    }
    let own = seen.iter().filter(|one| one.text().is_empty());
    assert_eq!(own.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn where_no_response_came_all_share_what_the_program_says() {
    let world = World::new();
    world.answers(|_| {
        let mut refusal = Response::new(TestBody::whole(""));
        *refusal.status_mut() = StatusCode::BAD_GATEWAY;
        refusal.extensions_mut().insert(Refused);
        refusal
    });
    let gate = world.gated();
    let clients: Vec<_> = (0..5).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    gate.add_permits(1);
    let seen = all(clients).await;
    assert!(seen.iter().all(|one| one.status == StatusCode::BAD_GATEWAY));
    assert_eq!((world.asked().len(), collapsed(&seen)), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn each_variant_has_a_fetch_of_its_own() {
    let world = World::new();
    world.answers(|request| {
        let language = request.headers()["accept-language"].to_str().unwrap();
        let fields = [
            ("cache-control", "max-age=60"),
            ("vary", "accept-language"),
            ("content-language", language),
        ];
        response(&fields, TestBody::whole("x"))
    });
    let gate = world.gated();
    let languages = ["de", "en", "de", "en", "en"];
    let begin = |language| world.begin(request("GET", "/a", &[("accept-language", language)]));
    let clients: Vec<_> = languages.into_iter().map(begin).collect();
    settle().await;
    gate.add_permits(9);
    for (language, seen) in languages.iter().zip(all(clients).await) {
        assert_eq!(seen.field("content-language"), *language);
    }
    assert_eq!(world.asked().len(), 2);
    for language in languages {
        let seen = begin(language).await.unwrap();
        assert_eq!(
            (seen.x_cache(), seen.field("content-language")),
            ("HIT", language)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_body_comes_reads_along() {
    let mut world = World::new();
    let (sender, pipe, body) = TestBody::piped();
    let mut body = Some(body);
    world.answers(move |_| response(LONG, body.take().unwrap()));
    sender.send(piece("a")).unwrap();
    let first = world.send(get("/a")).await;
    settle().await;
    let second = world.begin(get("/a"));
    settle().await;
    // The first one leaves; the second has all of it all the same.
    drop(first);
    settle().await;
    assert!(!pipe.is_dropped());
    sender.send(piece("b")).unwrap();
    drop(sender);
    assert_eq!(second.await.unwrap().text(), "ab");
    assert_eq!(world.asked().len(), 1);
    assert_eq!(world.get("/a").await.x_cache(), "HIT");
}

#[tokio::test(start_paused = true)]
async fn a_purge_parts_those_who_came_before_it_from_those_after() {
    let world = World::new();
    let mut answers = ["old", "new"].into_iter();
    world.answers(move |_| response(LONG, TestBody::whole(answers.next().unwrap())));
    let gate = world.gated();
    let before = world.begin(get("/a"));
    settle().await;
    let purge = cache::Invalidation::uri("https://example.com/a").unwrap();
    cache::CacheProvider::invalidate(&*world.store, &purge)
        .await
        .unwrap();
    let after = world.begin(get("/a"));
    settle().await;
    gate.add_permits(2);
    assert_eq!(before.await.unwrap().text(), "old");
    assert_eq!(after.await.unwrap().text(), "new");
}

#[tokio::test(start_paused = true)]
async fn a_route_may_ask_each_time_and_waits_have_a_bound() {
    let settings = RouteCacheSettings {
        collapse: false,
        ..RouteCacheSettings::default()
    };
    let world = World::with(&settings);
    let gate = world.gated();
    let clients: Vec<_> = (0..3).map(|_| world.begin(get("/a"))).collect();
    settle().await;
    gate.add_permits(9);
    all(clients).await;
    assert_eq!(world.asked().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_if_cached_is_refused_where_nothing_may_answer() {
    let mut world = World::new();
    let asked = || request("GET", "/a", &[("cache-control", "only-if-cached")]);
    let refused = world.send(asked()).await;
    assert_eq!(refused.status(), StatusCode::GATEWAY_TIMEOUT);
    let why = refused.extensions().get::<CacheRefusal>();
    assert_eq!(why, Some(&CacheRefusal::NotStored));
    assert!(world.asked().is_empty());
    world.answers_with(LONG, "one");
    world.get("/a").await;
    assert_eq!(world.ask(asked()).await.text(), "one");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(world.ask(asked()).await.status, StatusCode::GATEWAY_TIMEOUT);
}
