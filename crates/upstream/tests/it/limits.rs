//! How many at once.

use tokio::join;
use upstream::{Forward, Refusal, UpstreamSettings};

use crate::client::{get, text};
use crate::origin::{Origin, policy};

#[tokio::test]
async fn one_too_many_is_refused_at_once() {
    let origin = Origin::bind().await;
    let settings = UpstreamSettings {
        max_in_flight: 1,
        ..origin.settings()
    };
    let policy = policy(&settings);
    let upstream = policy.upstream.clone();
    let forward = Forward::alone(policy);
    let script = origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh");
    let (first, (mut peer, _)) = join!(get(&forward), script);
    let refused = get(&forward).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(refused.extensions().get(), Some(&Refusal::TooManyRequests));
    assert_eq!(upstream.in_flight(), 1);
    // The place is free when the body has ended, not before.
    peer.send("i").await;
    assert_eq!(text(first).await, "hi");
    assert_eq!(upstream.in_flight(), 0);
    let again = async {
        peer.head().await;
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
    };
    let (answer, ()) = join!(get(&forward), again);
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn event_streams_have_a_bound_of_their_own() {
    let origin = Origin::bind().await;
    let settings = UpstreamSettings {
        max_tunnels: 1,
        ..origin.settings()
    };
    let forward = Forward::alone(policy(&settings));
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (first, _peer) = join!(get(&forward), origin.answer(head));
    let (second, (mut peer, _)) = join!(get(&forward), origin.answer(head));
    assert_eq!(first.status(), 200);
    assert_eq!(second.extensions().get(), Some(&Refusal::TooManyTunnels));
    peer.closed().await;
    drop(first);
    let (third, _peer) = join!(get(&forward), origin.answer(head));
    assert_eq!(third.status(), 200);
}
