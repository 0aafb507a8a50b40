//! The layer in a plain hyper server, over real sockets.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use perf_monitor::{Aggregate, Monitor, MonitorSettings, ObserveLayer, PerformanceMonitor, Window};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

use crate::stage::{Script, data, route};

/// What a request left behind, sent to a server that answers with `answer`, by a client that does
/// as `client` says.
async fn serve<B>(
    answer: fn() -> Response<B>,
    client: impl AsyncFnOnce(TcpStream),
) -> (Arc<Monitor>, Aggregate)
where
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + 'static,
{
    let monitor = Monitor::new(&MonitorSettings::default(), 0, Instant::now);
    let layer = ObserveLayer::alone(&monitor, route(&monitor, "a"));
    let service = layer.layer(service_fn(move |_| async move {
        Ok::<_, std::convert::Infallible>(answer())
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (socket, _) = listener.accept().await.unwrap();
        let service = TowerToHyperService::new(service);
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        // A client that leaves is an error of the connection.
        let _ = connection.await;
    };
    let client = async { client(TcpStream::connect(address).await.unwrap()).await };
    tokio::join!(server, client);
    let figures = monitor.route_metrics("a", Window::Retention).unwrap();
    (monitor, figures)
}

async fn ask(mut socket: TcpStream, method: &str) {
    let request = format!("{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn an_answer_that_was_read_is_no_abort() {
    let full = || Response::new(Full::<Bytes>::from("hello"));
    let (_, figures) = serve(full, async |socket| ask(socket, "GET").await).await;
    assert_eq!(
        (figures.count, figures.aborted, figures.bytes_out),
        (1, 0, 5)
    );
    let (_, figures) = serve(full, async |socket| ask(socket, "HEAD").await).await;
    assert_eq!(
        (figures.count, figures.aborted, figures.bytes_out),
        (1, 0, 0)
    );
}

#[tokio::test]
async fn neither_is_one_whose_length_only_its_head_knows() {
    let script = || {
        let response = Response::builder().header("content-length", "10");
        response
            .body(Script::new([data("hello"), data("world")]))
            .unwrap()
    };
    let (_, figures) = serve(script, async |socket| ask(socket, "GET").await).await;
    assert_eq!(
        (figures.count, figures.aborted, figures.bytes_out),
        (1, 0, 10)
    );
    let chunked = || Response::new(Script::new([data("hello"), data("world")]));
    let (_, figures) = serve(chunked, async |socket| ask(socket, "GET").await).await;
    assert_eq!(
        (figures.count, figures.aborted, figures.bytes_out),
        (1, 0, 10)
    );
}

#[tokio::test]
async fn a_client_that_leaves_amid_a_large_answer_is_an_abort() {
    let large = || Response::new(Full::<Bytes>::from(vec![0; 64 << 20]));
    let (monitor, figures) = serve(large, async |mut socket: TcpStream| {
        socket
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        socket.read_exact(&mut [0; 1_000]).await.unwrap();
    })
    .await;
    assert_eq!(
        (figures.count, figures.aborted, figures.in_flight),
        (1, 1, 0)
    );
    assert!(figures.bytes_out < 64 << 20);
    assert_eq!(monitor.in_flight(), 0);
}
