//! Upstreams over HTTP/2 with prior knowledge.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::join;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use upstream::{Forward, ForwardPolicy, UpstreamSettings};

use crate::client::{empty, full, get, send, text};
use crate::origin::{policy, settings};

/// An HTTP/2 origin that echoes bodies, with a trailer, and says what it saw.
struct Echo {
    policy: ForwardPolicy,
    connections: Arc<AtomicUsize>,
    serving: Arc<std::sync::Mutex<Vec<JoinHandle<()>>>>,
}

async fn echo() -> Echo {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = UpstreamSettings {
        http2: true,
        ..settings(&[listener.local_addr().unwrap()])
    };
    let connections = Arc::new(AtomicUsize::new(0));
    let serving = Arc::new(std::sync::Mutex::new(Vec::new()));
    let echo = Echo {
        policy: policy(&settings),
        connections: Arc::clone(&connections),
        serving: Arc::clone(&serving),
    };
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            connections.fetch_add(1, Ordering::Relaxed);
            let task = tokio::spawn(async move {
                let _ = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service_fn(answer))
                    .await;
            });
            serving.lock().unwrap().push(task);
        }
    });
    echo
}

async fn answer(
    request: Request<Incoming>,
) -> Result<Response<impl http_body::Body<Data = Bytes, Error = Infallible>>, Infallible> {
    let (parts, body) = request.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".try_into().unwrap());
    let frames = [Frame::data(bytes), Frame::trailers(trailers)];
    let body = StreamBody::new(Frames(frames.into_iter().collect()));
    let field = |name: &str| {
        let value = parts.headers.get(name).map(|value| value.to_str().unwrap());
        value.unwrap_or("-").to_owned()
    };
    Ok(Response::builder()
        .header("x-uri", parts.uri.to_string())
        .header("x-te", field("te"))
        .header("x-connection", field("connection"))
        .body(body)
        .unwrap())
}

struct Frames(std::collections::VecDeque<Frame<Bytes>>);

impl futures_core::Stream for Frames {
    type Item = Result<Frame<Bytes>, Infallible>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.get_mut().0.pop_front().map(Ok))
    }
}

#[tokio::test]
async fn trailers_pass_and_the_host_is_the_target() {
    let echo = echo().await;
    let forward = Forward::alone(echo.policy);
    let request = Request::post("/pkg.Service/Call")
        .header("host", "shop.example")
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .body(full("ping"))
        .unwrap();
    let answer = send(&forward, request).await;
    assert_eq!(
        answer.headers()["x-uri"],
        "http://shop.example/pkg.Service/Call"
    );
    assert_eq!(answer.headers()["x-te"], "trailers");
    assert_eq!(answer.headers()["x-connection"], "-");
    assert!(
        answer.headers()["via"]
            .to_str()
            .unwrap()
            .starts_with("2 urm-")
    );
    let collected = answer.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "ping");
}

#[tokio::test]
async fn one_connection_carries_all() {
    let echo = echo().await;
    let upstream = Arc::clone(&echo.policy.upstream);
    let forward = Forward::alone(echo.policy);
    // At once: all but the first wait for its connection.
    let (one, two, three) = join!(get(&forward), get(&forward), get(&forward));
    for answer in [one, two, three] {
        assert_eq!(text(answer).await, "");
    }
    assert_eq!(echo.connections.load(Ordering::Relaxed), 1);
    assert_eq!(upstream.in_flight(), 0);
}

#[tokio::test]
async fn a_large_body_passes() {
    let echo = echo().await;
    let forward = Forward::alone(echo.policy);
    let bytes = vec![7; 1 << 20];
    let request = Request::post("/").body(full(bytes.clone())).unwrap();
    let answer = send(&forward, request).await;
    assert!(answer.into_body().collect().await.unwrap().to_bytes() == bytes);
}

#[tokio::test]
async fn a_connection_that_ended_is_made_anew() {
    let echo = echo().await;
    let forward = Forward::alone(echo.policy);
    assert_eq!(get(&forward).await.status(), 200);
    for task in echo.serving.lock().unwrap().drain(..) {
        task.abort();
    }
    for _ in 0..3 {
        let request = Request::get("/").body(empty()).unwrap();
        assert_eq!(send(&forward, request).await.status(), 200);
    }
    assert_eq!(echo.connections.load(Ordering::Relaxed), 2);
}
