//! Time limits. The times are short and real, for a stopped clock would outrun the sockets.

use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use tokio::join;
use upstream::{AnswerError, Forward, ForwardPolicy, Refusal, RetrySettings, UpstreamSettings};

use crate::client::{empty, get, post, send};
use crate::origin::{Origin, policy};

const SHORT: Duration = Duration::from_millis(30);

fn impatient(origin: &Origin) -> ForwardPolicy {
    let settings = UpstreamSettings {
        response_timeout: Some(SHORT),
        read_idle: SHORT,
        ..origin.settings()
    };
    ForwardPolicy {
        retries: RetrySettings::none(),
        ..policy(&settings)
    }
}

async fn stalled(origin: &Origin, forward: &Forward, request: Request<crate::client::Sends>) {
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.closed().await;
    };
    let (answer, ()) = join!(send(forward, request), script);
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.extensions().get(), Some(&Refusal::ResponseTimeout));
    assert_eq!(
        answer.headers()["proxy-status"],
        "urm; error=http_response_timeout"
    );
}

#[tokio::test]
async fn a_silent_upstream_is_left() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(impatient(&origin));
    let request = Request::get("/").body(empty()).unwrap();
    stalled(&origin, &forward, request).await;
}

#[tokio::test]
async fn the_routes_time_covers_all_tries() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(ForwardPolicy {
        timeout: Some(SHORT),
        ..origin.policy()
    });
    let request = Request::get("/").body(empty()).unwrap();
    stalled(&origin, &forward, request).await;
    assert_eq!(forward.pools().idle(), 0);
}

#[tokio::test]
async fn a_call_ends_when_its_client_says() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let request = Request::post("/")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", "30m")
        .body(empty())
        .unwrap();
    stalled(&origin, &forward, request).await;
}

#[tokio::test]
async fn a_slow_client_is_not_the_upstreams_fault() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(impatient(&origin));
    let (sender, receiver) = tokio::sync::mpsc::channel::<&'static str>(1);
    let body = Trickle(receiver).boxed_unsync();
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        // Longer than the upstream would be given.
        tokio::time::timeout(SHORT * 3, peer.closed())
            .await
            .unwrap_err();
        sender.send("x").await.unwrap();
        peer.until(b"1\r\nx\r\n").await;
        tokio::time::timeout(SHORT * 3, peer.closed())
            .await
            .unwrap_err();
        drop(sender);
        peer.until(b"0\r\n\r\n").await;
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        peer
    };
    let request = Request::post("/").body(body).unwrap();
    let (answer, _peer) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 204);
}

struct Trickle(tokio::sync::mpsc::Receiver<&'static str>);

impl http_body::Body for Trickle {
    type Data = bytes::Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|next| next.map(|text| Ok(http_body::Frame::data(text.into()))))
    }
}

#[tokio::test]
async fn an_upstream_that_does_not_read_is_left() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(impatient(&origin));
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer
    };
    // More than the kernel takes on its own.
    let (answer, _peer) = join!(post(&forward, vec![0; 64 << 20]), script);
    assert_eq!(answer.extensions().get(), Some(&Refusal::ResponseTimeout));
}

#[tokio::test]
async fn a_silence_inside_a_body_cuts_it() {
    let origin = Origin::bind().await;
    let policy = impatient(&origin);
    let upstream = policy.upstream.clone();
    let forward = Forward::alone(policy);
    let script = origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi");
    let (answer, (mut peer, _)) = join!(get(&forward), script);
    let (end, ()) = join!(answer.into_body().collect(), peer.closed());
    assert_eq!(end.unwrap_err(), AnswerError::Idle);
    assert_eq!(upstream.endpoints()[0].failures(), 1);
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn an_event_stream_may_be_silent() {
    let origin = Origin::bind().await;
    let policy = impatient(&origin);
    let upstream = policy.upstream.clone();
    let forward = Forward::alone(policy);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let (answer, (mut peer, _)) = join!(get(&forward), origin.answer(head));
    assert_eq!((upstream.in_flight(), upstream.open_tunnels()), (0, 1));
    let mut body = answer.into_body();
    tokio::time::timeout(SHORT * 3, body.frame())
        .await
        .unwrap_err();
    peer.send("data: 1\n\n").await;
    let frame = body.frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: 1\n\n");
    // A drain ends it in good form.
    upstream.tunnels().close_all();
    assert!(body.frame().await.is_none());
    assert_eq!((upstream.in_flight(), upstream.open_tunnels()), (0, 0));
}
