//! Kept connections: when they are used again, and when not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use tokio::join;
use upstream::{Forward, ForwardPolicy, Refusal, RetrySettings, Upstream, UpstreamSettings};

use crate::client::{empty, get, post, send, text, until};
use crate::origin::{Origin, Peer, nobody, policy, settings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

/// A gateway that does not retry, with one kept connection and the origin's end of it.
async fn kept(origin: &Origin) -> (Forward, Peer) {
    let policy = ForwardPolicy {
        retries: RetrySettings::none(),
        ..origin.policy()
    };
    let forward = Forward::alone(policy);
    let (answer, (peer, _)) = join!(get(&forward), origin.answer(OK));
    assert_eq!(text(answer).await, "hi");
    assert_eq!(forward.pools().idle(), 1);
    (forward, peer)
}

#[tokio::test]
async fn a_connection_serves_again() {
    let origin = Origin::bind().await;
    let (forward, mut peer) = kept(&origin).await;
    let again = async {
        let head = peer.head().await;
        peer.send(OK).await;
        head
    };
    let (answer, head) = join!(post(&forward, "x"), again);
    assert_eq!(text(answer).await, "hi");
    assert!(head.starts_with("POST /a"));
    assert_eq!(forward.pools().idle(), 1);
}

#[tokio::test]
async fn the_one_given_back_last_is_taken_first() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let both = async {
        let (mut one, mut two) = (origin.accept().await, origin.accept().await);
        one.head().await;
        two.head().await;
        (one, two)
    };
    let first = tokio::spawn({
        let forward = forward.clone();
        async move { text(get(&forward).await).await }
    });
    let second = tokio::spawn({
        let forward = forward.clone();
        async move { text(get(&forward).await).await }
    });
    let (mut one, mut two) = both.await;
    one.send(OK).await;
    until(|| forward.pools().idle() == 1).await;
    two.send(OK).await;
    until(|| forward.pools().idle() == 2).await;
    first.await.unwrap();
    second.await.unwrap();
    let again = async {
        two.head().await;
        two.send(OK).await;
    };
    join!(get(&forward), again);
}

#[tokio::test]
async fn a_late_408_is_not_the_next_answer() {
    let origin = Origin::bind().await;
    let (forward, mut peer) = kept(&origin).await;
    // No turn of the runtime lies between the two, so only the kernel knows of the 408.
    let forward = forward.with_clock(|| Instant::now() + Duration::from_secs(1));
    peer.send("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        .await;
    drop(peer);
    let (answer, _) = join!(post(&forward, "x"), async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.send(OK).await;
        peer
    });
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_connection_that_closes_under_a_get_costs_nothing() {
    let origin = Origin::bind().await;
    let (forward, mut peer) = kept(&origin).await;
    let script = async {
        // The request arrives, and the connection ends without a byte of an answer.
        peer.head().await;
        drop(peer);
        origin.answer(OK).await
    };
    let (answer, _) = join!(get(&forward), script);
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_post_that_was_written_is_not_sent_twice() {
    let origin = Origin::bind().await;
    let (forward, mut peer) = kept(&origin).await;
    let script = async {
        peer.until(b"\r\n\r\nx").await;
        peer.reset();
    };
    let (answer, ()) = join!(post(&forward, "x"), script);
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.extensions().get(), Some(&Refusal::ConnectionLost));
}

#[tokio::test]
async fn a_new_connection_that_closes_is_a_failure() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(ForwardPolicy {
        retries: RetrySettings::none(),
        ..origin.policy()
    });
    let (answer, ()) = join!(get(&forward), async {
        origin.accept().await.head().await;
    });
    assert_eq!(answer.extensions().get(), Some(&Refusal::ConnectionLost));
}

#[tokio::test]
async fn a_head_in_part_is_no_answer() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(ForwardPolicy {
        retries: RetrySettings::none(),
        ..origin.policy()
    });
    let (answer, ()) = join!(get(&forward), async {
        drop(origin.answer("HTTP/1.1 200 OK\r\ncontent-le").await);
    });
    assert_eq!(answer.extensions().get(), Some(&Refusal::Incomplete));
}

#[tokio::test]
async fn what_says_close_is_not_kept() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script =
        origin.answer("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi");
    let (answer, (mut peer, _)) = join!(get(&forward), script);
    assert_eq!(text(answer).await, "hi");
    assert_eq!(forward.pools().idle(), 0);
    peer.closed().await;
}

#[tokio::test]
async fn bytes_beyond_the_answer_end_the_connection() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n");
    let (answer, (mut peer, _)) = join!(get(&forward), script);
    assert_eq!(text(answer).await, "hi");
    assert_eq!(forward.pools().idle(), 0);
    peer.closed().await;
}

#[tokio::test]
async fn no_more_are_kept_than_the_workers_share() {
    let origin = Origin::bind().await;
    let settings = UpstreamSettings {
        pool_max_idle: 0,
        ..origin.settings()
    };
    let forward = Forward::alone(policy(&settings));
    let (answer, (mut peer, _)) = join!(get(&forward), origin.answer(OK));
    assert_eq!(text(answer).await, "hi");
    assert_eq!(forward.pools().idle(), 0);
    peer.closed().await;
}

#[tokio::test]
async fn what_is_idle_too_long_is_closed() {
    let origin = Origin::bind().await;
    let settings = UpstreamSettings {
        pool_idle: Duration::from_millis(1),
        ..origin.settings()
    };
    let forward = Forward::alone(policy(&settings));
    let (answer, (mut peer, _)) = join!(get(&forward), origin.answer(OK));
    assert_eq!(text(answer).await, "hi");
    // Nobody asks any more: the sweep closes it, in a time that passes at once.
    tokio::time::pause();
    peer.closed().await;
    assert_eq!(forward.pools().idle(), 0);
}

#[tokio::test]
async fn a_client_that_leaves_closes_the_connection() {
    let origin = Origin::bind().await;
    let policy = origin.policy();
    let upstream = Arc::clone(&policy.upstream);
    let forward = Forward::alone(policy);
    let request = tokio::spawn({
        let forward = forward.clone();
        async move { get(&forward).await }
    });
    let mut peer = origin.accept().await;
    peer.head().await;
    assert_eq!(
        (upstream.in_flight(), upstream.endpoints()[0].in_flight()),
        (1, 1)
    );
    request.abort();
    peer.closed().await;
    assert_eq!(
        (upstream.in_flight(), upstream.endpoints()[0].in_flight()),
        (0, 0)
    );
    assert_eq!(forward.pools().idle(), 0);
}

#[tokio::test]
async fn a_body_that_is_dropped_closes_the_connection() {
    let origin = Origin::bind().await;
    let policy = origin.policy();
    let upstream = Arc::clone(&policy.upstream);
    let forward = Forward::alone(policy);
    let script = origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi");
    let (answer, (mut peer, _)) = join!(get(&forward), script);
    assert_eq!(upstream.in_flight(), 1);
    drop(answer);
    peer.closed().await;
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn where_nobody_listens_is_no_connection() {
    let forward = Forward::alone(ForwardPolicy {
        retries: RetrySettings::none(),
        ..policy(&settings(&[nobody().await]))
    });
    let answer = get(&forward).await;
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.extensions().get(), Some(&Refusal::ConnectionRefused));
}

#[tokio::test]
async fn a_name_without_an_address_is_told() {
    let settings = UpstreamSettings::for_endpoints(["http://nobody.invalid:1".parse().unwrap()]);
    let forward = Forward::alone(ForwardPolicy {
        retries: RetrySettings::none(),
        ..policy(&settings)
    });
    let request = Request::get("/").body(empty()).unwrap();
    let answer = send(&forward, request).await;
    assert_eq!(answer.extensions().get(), Some(&Refusal::Dns));
}

#[tokio::test]
async fn a_probe_connects() {
    let origin = Origin::bind().await;
    let listening = Upstream::new("a", &origin.settings());
    let probe =
        |upstream: &Upstream| Upstream::probe(&upstream.endpoints()[0], Duration::from_secs(9));
    assert!(probe(&listening).await.is_ok());
    let silent = Upstream::new("b", &settings(&[nobody().await]));
    let error = probe(&silent).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}
