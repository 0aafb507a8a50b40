//! What a request allocates, and how often it reads the clock. A binary of its own: the counter replaces the allocator.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what the tests share may fail a test too"
)]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::thread;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use server::clock;
use server::embed::Embedded;
use server::settings::Settings;
use server::stack::StackRequest;
use tokio::runtime::Runtime;
use tower::Service;

/// What ours may allocate more than hyper alone.
const ABOVE_BARE: u64 = 10;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Everything on, but for what `change` turns off.
fn settings(origin: SocketAddr, change: &serde_json::Value) -> Settings {
    let cache = serde_json::json!({ "ttl": { "secs": 3_600, "nanos": 0 } });
    let mut all = serde_json::json!({
        "environment": "production",
        "upstreams": { "origin": { "endpoints": [format!("http://{origin}")] } },
        "flags": {
            "on": { "enabled": true },
            "half": { "enabled": true, "conditions": { "percentage": 50.0 } },
        },
        "routes": {
            "stored": { "path": "/stored/{name}", "upstream": "origin", "cache": cache },
            "flagged": {
                "path": "/flagged/{name}", "upstream": "origin", "cache": cache,
                "flag": "on", "rollout": { "flag": "half", "upstream": "origin" },
            },
            "live": { "path": "/live/{name}", "upstream": "origin" },
        },
    });
    for (key, value) in change.as_object().unwrap() {
        all[key] = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

/// An origin on a thread of its own, whose allocations are not counted.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || {
                let mut stream = stream.unwrap();
                let mut room = [0; 4096];
                // The requests are small, and each comes when the answer before has been read.
                while stream.read(&mut room).is_ok_and(|count| count > 0) {
                    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\netag: \"a\"\r\ncontent-length: 4\r\n\r\nbody";
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            });
        }
    });
    address
}

/// As it comes from a client's connection.
fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::get(path)
        .header("host", "bench.example")
        .header("user-agent", "bench/1")
        .header("accept", "*/*")
        .body(Empty::new())
        .unwrap()
}

/// What one request costs: allocations, and reads of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cost {
    allocations: u64,
    clock_reads: u64,
}

fn measure(work: impl FnOnce()) -> Cost {
    let before = clock::reads();
    let counted = allocation_counter::measure(work);
    Cost {
        allocations: counted.count_total,
        clock_reads: clock::reads() - before,
    }
}

/// A request to a stack of these settings that is answered from the store.
fn hit(path: &str, change: &serde_json::Value) -> Cost {
    let runtime = runtime();
    let _entered = runtime.enter();
    let embedded = Embedded::new(&settings(origin(), change)).unwrap();
    let mut stack = embedded.service(Nobody);
    for _ in 0..3 {
        runtime.block_on(async { answer(stack.call(request(path))).await });
    }
    let request = request(path);
    measure(|| {
        // What is decided in `call` is there at once: nobody is woken for it.
        let cx = &mut Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = pin!(stack.call(request)).poll(cx) else {
            panic!("a hit waits");
        };
        assert_eq!(response.headers()["x-cache"], "HIT");
        let mut body = pin!(response.into_body());
        while !body.is_end_stream() {
            let Poll::Ready(Some(Ok(_))) = body.as_mut().poll_frame(cx) else {
                panic!("the body waits");
            };
        }
    })
}

async fn answer<B>(response: impl Future<Output = Result<Response<B>, Infallible>>) -> Bytes
where
    B: Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let response = response.await.unwrap();
    assert_eq!(response.status(), 200);
    response.into_body().collect().await.unwrap().to_bytes()
}

/// The program's own handlers: none.
#[derive(Clone)]
struct Nobody;

impl<A> Service<Request<StackRequest<A>>> for Nobody {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<StackRequest<A>>) -> Self::Future {
        std::future::ready(Ok(Response::new(Empty::new())))
    }
}

/// What a fixed answer of bare hyper's service allocates.
fn fixed() -> u64 {
    let counted = allocation_counter::measure(|| {
        let mut response = Response::new(Full::new(Bytes::from_static(b"body")));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
        headers.insert(ETAG, HeaderValue::from_static("\"a\""));
        headers.insert(AGE, HeaderValue::from_static("1"));
    });
    counted.count_total
}

#[test]
fn a_hit_allocates_little_and_reads_the_clock_twice() {
    let cost = hit("/stored/a", &serde_json::json!({}));
    assert!(cost.allocations <= fixed() + ABOVE_BARE, "{cost:?}");
    assert!(cost.clock_reads <= 2, "{cost:?}");
}

#[test]
fn monitoring_and_flags_allocate_nothing() {
    let all = hit("/stored/a", &serde_json::json!({}));
    let unwatched = hit(
        "/stored/a",
        &serde_json::json!({ "features": { "monitoring": false } }),
    );
    assert_eq!(all.allocations, unwatched.allocations, "monitoring");
    let flagged = hit("/flagged/a", &serde_json::json!({}));
    assert_eq!(all.allocations, flagged.allocations, "flags");
}

#[test]
fn a_proxied_request_allocates_little_and_reads_the_clock_four_times() {
    let runtime = runtime();
    let _entered = runtime.enter();
    let origin = origin();
    let embedded = Embedded::new(&settings(origin, &serde_json::json!({}))).unwrap();
    let mut stack = embedded.service(Nobody);
    for _ in 0..3 {
        runtime.block_on(answer(stack.call(request("/live/a"))));
    }
    let asked = request("/live/a");
    let ours = measure(|| drop(runtime.block_on(answer(stack.call(asked)))));

    let mut client = runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(origin).await.unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        sender
    });
    let mut bare = || {
        runtime.block_on(async {
            client.ready().await.unwrap();
            let asked = request("/live/a");
            let response = client.send_request(asked).await.unwrap();
            response.into_body().collect().await.unwrap().to_bytes()
        })
    };
    for _ in 0..3 {
        bare();
    }
    let bare = measure(|| drop(bare()));
    assert!(
        ours.allocations <= bare.allocations + ABOVE_BARE,
        "{ours:?} beside {bare:?}"
    );
    assert!(ours.clock_reads <= 4, "{ours:?}");
}
