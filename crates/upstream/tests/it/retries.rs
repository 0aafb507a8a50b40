//! A request that is tried again.

use bytes::Bytes;
use http::Request;
use tokio::join;
use upstream::{Forward, ForwardPolicy, Refusal, RetryOn, RetrySettings};

use crate::client::{empty, full, get, post, send, text};
use crate::origin::{Origin, nobody, policy, settings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";

#[tokio::test]
async fn another_endpoint_takes_over_where_one_is_down() {
    let origin = Origin::bind().await;
    for _ in 0..4 {
        let policy = policy(&settings(&[nobody().await, origin.address]));
        let forward = Forward::alone(policy);
        // Nothing was sent to the first, so a POST may go on too.
        let script = async {
            let mut peer = origin.accept().await;
            peer.until(b"\r\n\r\nbody").await;
            peer.send(OK).await;
            peer
        };
        let (answer, _) = join!(post(&forward, "body"), script);
        assert_eq!(text(answer).await, "hi");
    }
}

#[tokio::test]
async fn a_busy_answer_is_asked_again_on_the_same_connection() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let (mut peer, _) = origin.answer(BUSY).await;
        peer.head().await;
        peer.send(OK).await;
    };
    let (answer, ()) = join!(get(&forward), script);
    assert_eq!(text(answer).await, "hi");
}

#[tokio::test]
async fn a_put_is_sent_again_from_its_first_byte() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let mut peer = origin.accept().await;
        peer.until(b"\r\n\r\nhello").await;
        peer.send(BUSY).await;
        peer.until(b"\r\n\r\nhello").await;
        peer.send(OK).await;
    };
    let request = Request::put("/").body(full("hello")).unwrap();
    let (answer, ()) = join!(send(&forward, request), script);
    assert_eq!(text(answer).await, "hi");
}

#[tokio::test]
async fn the_second_answer_counts_whatever_it_is() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let (mut peer, _) = origin.answer(BUSY).await;
        peer.head().await;
        peer.send(BUSY).await;
    };
    let (answer, ()) = join!(get(&forward), script);
    assert_eq!(answer.status(), 503);
    assert!(
        answer.extensions().get::<Refusal>().is_none(),
        "the upstream's own"
    );
    assert_eq!(text(answer).await, "busy");
}

async fn answered_once(request: Request<crate::client::Sends>, bytes: &str) -> u16 {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let (answer, _) = join!(send(&forward, request), origin.answer(bytes));
    answer.status().as_u16()
}

#[tokio::test]
async fn what_is_not_asked_again() {
    let post = Request::post("/").body(full("x")).unwrap();
    assert_eq!(answered_once(post, BUSY).await, 503);
    let later = "HTTP/1.1 503 Busy\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n";
    let get = || Request::get("/").body(empty()).unwrap();
    assert_eq!(answered_once(get(), later).await, 503);
    assert_eq!(
        answered_once(get(), "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await,
        500
    );
}

#[tokio::test]
async fn a_body_that_is_not_held_is_not_sent_again() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.bytes(100_000).await;
        peer.send(BUSY).await;
    };
    let request = Request::put("/")
        .body(full(Bytes::from(vec![0; 100_000])))
        .unwrap();
    let (answer, ()) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn the_list_and_the_attempts_are_obeyed() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(ForwardPolicy {
        retries: RetrySettings {
            attempts: 2,
            on: vec![RetryOn::try_from("429".to_owned()).unwrap()],
            ..RetrySettings::default()
        },
        ..origin.policy()
    });
    let limited = "HTTP/1.1 429 Slow\r\ncontent-length: 0\r\n\r\n";
    let script = async {
        let (mut peer, _) = origin.answer(limited).await;
        for bytes in [limited, BUSY] {
            peer.head().await;
            peer.send(bytes).await;
        }
    };
    let (answer, ()) = join!(get(&forward), script);
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_spent_budget_ends_the_retries() {
    let policy = ForwardPolicy {
        retries: RetrySettings {
            attempts: 10,
            ..RetrySettings::default()
        },
        ..policy(&settings(&[nobody().await]))
    };
    let upstream = policy.upstream.clone();
    let forward = Forward::alone(policy);
    for _ in 0..6 {
        assert_eq!(get(&forward).await.status(), 502);
    }
    // 6 first tries, and 30 more: 3 a second of the 10 s window.
    assert_eq!(upstream.endpoints()[0].requests(), 36);
    assert_eq!(upstream.endpoints()[0].failures(), 36);
}
