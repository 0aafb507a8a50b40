//! Bodies both ways: pieces, back-pressure, cuts.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::join;
use tokio::sync::mpsc;
use upstream::{AnswerError, Forward, ForwardPolicy, Refusal, RequestBodyError, RetrySettings};

use crate::client::{Sends, get, post, send, text};
use crate::origin::Origin;

/// A body whose pieces a test sends.
struct Piecewise(mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl Body for Piecewise {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.0
            .poll_recv(cx)
            .map(|next| next.map(|piece| piece.map(Frame::data)))
    }
}

fn piecewise() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Sends) {
    let (sender, receiver) = mpsc::channel(1);
    (sender, Piecewise(receiver).boxed_unsync())
}

fn no_retries(origin: &Origin) -> Forward {
    Forward::alone(ForwardPolicy {
        retries: RetrySettings::none(),
        ..origin.policy()
    })
}

#[tokio::test]
async fn pieces_pass_as_they_come() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (answer, (mut peer, _)) = join!(
        get(&forward),
        origin.answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    );
    let mut body = answer.into_body();
    for piece in ["one", "second"] {
        peer.send(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), piece);
    }
    peer.send("0\r\nx-sum: 1\r\n\r\n").await;
    let trailers = body
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(trailers["x-sum"], "1");
    assert!(body.frame().await.is_none());
    assert_eq!(forward.pools().idle(), 1);
}

#[tokio::test]
async fn an_answer_that_is_cut_is_an_error() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\nxyz\r\n",
    ] {
        let origin = Origin::bind().await;
        let policy = origin.policy();
        let upstream = policy.upstream.clone();
        let forward = Forward::alone(policy);
        let (answer, ()) = join!(get(&forward), async { drop(origin.answer(head).await) });
        let error = answer.into_body().collect().await.unwrap_err();
        assert_eq!(error, AnswerError::Incomplete, "{head}");
        assert_eq!(upstream.endpoints()[0].failures(), 1);
        assert_eq!((upstream.in_flight(), forward.pools().idle()), (0, 0));
    }
}

#[tokio::test]
async fn a_body_up_to_the_close_has_its_end() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (answer, ()) = join!(get(&forward), async {
        drop(origin.answer("HTTP/1.0 200 OK\r\n\r\nall of it").await);
    });
    assert_eq!(text(answer).await, "all of it");
}

#[tokio::test]
async fn a_mebibyte_passes_both_ways() {
    const SIZE: usize = 1 << 20;
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let script = async {
        let mut peer = origin.accept().await;
        let head = peer.head().await;
        assert!(head.contains("content-length: 1048576"), "{head}");
        let sent = peer.bytes(SIZE).await;
        peer.send(format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n"))
            .await;
        peer.send(&sent).await;
        peer
    };
    let pattern: Vec<u8> = (0..=250).cycle().take(SIZE).collect();
    let client = async {
        let answer = post(&forward, pattern.clone()).await;
        answer.into_body().collect().await.unwrap().to_bytes()
    };
    let (bytes, _peer) = join!(client, script);
    assert!(bytes == pattern);
    assert_eq!(forward.pools().idle(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_stops_the_origin() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (answer, (mut peer, _)) = join!(
        get(&forward),
        origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 268435456\r\n\r\n")
    );
    let sending = tokio::spawn(async move {
        let piece = vec![0; 1 << 20];
        for sent in 0..256 {
            peer.send(&piece).await;
            if sent == 255 {
                return peer;
            }
        }
        unreachable!()
    });
    let mut body = answer.into_body();
    body.frame().await.unwrap().unwrap();
    // The kernel's buffers fill up and the origin waits: 256 MiB do not fit into them.
    tokio::task::yield_now().await;
    assert!(!sending.is_finished());
    let mut rest = 0;
    while let Some(frame) = body.frame().await {
        rest += frame.unwrap().into_data().unwrap().len();
    }
    assert!(rest > (1 << 28) - (1 << 20));
    sending.await.unwrap();
}

#[tokio::test]
async fn an_answer_may_come_before_the_request_has_ended() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (sender, body) = piecewise();
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        peer
    };
    let request = Request::post("/").body(body).unwrap();
    let (answer, mut peer) = join!(send(&forward, request), script);
    let mut answer = answer.into_body();
    // An echo: each piece goes up while the answer is read.
    for piece in ["one", "two"] {
        sender.send(Ok(piece.into())).await.unwrap();
        let echo = async {
            let chunk = peer.until(format!("{piece}\r\n").as_bytes()).await;
            peer.send(chunk).await;
        };
        let (frame, ()) = join!(answer.frame(), echo);
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), piece);
    }
    drop(sender);
    let end = async {
        peer.until(b"0\r\n\r\n").await;
        peer.send("0\r\n\r\n").await;
    };
    let (frame, ()) = join!(answer.frame(), end);
    assert!(frame.is_none());
    assert_eq!(forward.pools().idle(), 1);
}

#[tokio::test]
async fn an_early_refusal_reaches_the_client_and_ends_the_connection() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (_sender, body) = piecewise();
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno")
            .await;
        peer
    };
    let request = Request::post("/").body(body).unwrap();
    let (answer, mut peer) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 413);
    assert_eq!(text(answer).await, "no");
    assert_eq!(forward.pools().idle(), 0, "half a request is on it");
    peer.closed().await;
}

#[tokio::test]
async fn the_clients_fault_is_no_bad_gateway() {
    let origin = Origin::bind().await;
    let policy = origin.policy();
    let upstream = policy.upstream.clone();
    let forward = Forward::alone(policy);
    let (sender, body) = piecewise();
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        let error = std::io::Error::from(std::io::ErrorKind::FileTooLarge);
        sender.send(Err(error)).await.unwrap();
        peer.closed().await;
    };
    let request = Request::post("/").body(body).unwrap();
    let (answer, ()) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.extensions().get(), Some(&Refusal::RequestBody));
    let cause: &RequestBodyError = answer.extensions().get().unwrap();
    let cause: &std::io::Error = cause.find().unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::FileTooLarge);
    assert_eq!(upstream.endpoints()[0].failures(), 0);
}

#[tokio::test]
async fn the_clients_fault_behind_the_head_cuts_the_answer() {
    let origin = Origin::bind().await;
    let forward = no_retries(&origin);
    let (sender, body) = piecewise();
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhi")
            .await;
        peer
    };
    let request = Request::post("/").body(body).unwrap();
    let (answer, mut peer) = join!(send(&forward, request), script);
    sender
        .send(Err(std::io::ErrorKind::Other.into()))
        .await
        .unwrap();
    let error = answer.into_body().collect().await.unwrap_err();
    assert_eq!(error, AnswerError::RequestBody);
    peer.closed().await;
}
