//! Upgrades, from a client's socket to an origin's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::join;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;
use upstream::{Forward, ForwardPolicy, Upstream, UpstreamSettings};

use crate::client::until;
use crate::origin::{Origin, policy};

/// A gateway on a socket of its own.
async fn gateway(policy: ForwardPolicy) -> SocketAddr {
    let forward = Forward::alone(policy);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let forward = forward.clone();
            let service = service_fn(move |request| forward.clone().oneshot(request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

async fn ask(address: SocketAddr, head: &str) -> TcpStream {
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(head.as_bytes()).await.unwrap();
    client
}

async fn read_head(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

const ASK: &str =
    "GET /chat HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n";
const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello";

/// A tunnel that stands: both its ends.
async fn tunnel(
    settings: impl FnOnce(UpstreamSettings) -> UpstreamSettings,
) -> (Arc<Upstream>, TcpStream, crate::origin::Peer) {
    let origin = Origin::bind().await;
    let policy = ForwardPolicy {
        upgrade: true,
        ..policy(&settings(origin.settings()))
    };
    let upstream = Arc::clone(&policy.upstream);
    let mut client = ask(gateway(policy).await, ASK).await;
    let (mut peer, head) = origin.answer(SWITCH).await;
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("\r\nupgrade: websocket\r\n") && head.contains("\r\nconnection: upgrade\r\n")
    );
    let head = read_head(&mut client).await.to_ascii_lowercase();
    assert!(
        head.starts_with("http/1.1 101 ") && head.contains("\r\nupgrade: websocket\r\n"),
        "{head}"
    );
    let mut early = [0; 5];
    client.read_exact(&mut early).await.unwrap();
    assert_eq!(&early, b"hello", "what came behind the head is not lost");
    assert_eq!((upstream.in_flight(), upstream.open_tunnels()), (0, 1));
    client.write_all(b"ping").await.unwrap();
    assert_eq!(peer.bytes(4).await, b"ping");
    (upstream, client, peer)
}

#[tokio::test]
async fn bytes_pass_both_ways_until_both_have_ended() {
    let (upstream, mut client, mut peer) = tunnel(|settings| settings).await;
    client.shutdown().await.unwrap();
    peer.closed().await;
    // The other direction is still open.
    peer.send("last words").await;
    drop(peer);
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "last words");
    until(|| upstream.open_tunnels() == 0).await;
    assert_eq!(upstream.tunnels().count(), 0);
}

#[tokio::test]
async fn a_drain_closes_tunnels() {
    let (upstream, mut client, mut peer) = tunnel(|settings| settings).await;
    assert_eq!(upstream.tunnels().count(), 1);
    upstream.tunnels().close_all();
    let mut rest = Vec::new();
    let (read, ()) = join!(client.read_to_end(&mut rest), peer.closed());
    assert_eq!(read.unwrap(), 0);
    until(|| upstream.tunnels().count() == 0).await;
}

#[tokio::test]
async fn a_silent_tunnel_is_closed() {
    let (upstream, mut client, mut peer) = tunnel(|settings| UpstreamSettings {
        stream_idle: Duration::from_millis(30),
        ..settings
    })
    .await;
    let mut rest = Vec::new();
    let (read, ()) = join!(client.read_to_end(&mut rest), peer.closed());
    assert_eq!(read.unwrap(), 0);
    until(|| upstream.open_tunnels() == 0).await;
}

#[tokio::test]
async fn without_leave_an_upgrade_is_an_ordinary_request() {
    let origin = Origin::bind().await;
    let mut client = ask(gateway(origin.policy()).await, ASK).await;
    let (_peer, head) = origin
        .answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        .await;
    assert!(!head.to_ascii_lowercase().contains("upgrade"), "{head}");
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn an_upstream_may_decline() {
    let origin = Origin::bind().await;
    let policy = ForwardPolicy {
        upgrade: true,
        ..origin.policy()
    };
    let upstream = Arc::clone(&policy.upstream);
    let mut client = ask(gateway(policy).await, ASK).await;
    let (_peer, _) = origin
        .answer("HTTP/1.1 403 No\r\ncontent-length: 2\r\n\r\nno")
        .await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 403"));
    until(|| upstream.in_flight() == 0).await;
    assert_eq!(upstream.open_tunnels(), 0);
}

#[tokio::test]
async fn one_tunnel_too_many_is_refused_before_the_upstream_is_asked() {
    let origin = Origin::bind().await;
    let settings = UpstreamSettings {
        max_tunnels: 0,
        ..origin.settings()
    };
    let policy = ForwardPolicy {
        upgrade: true,
        ..policy(&settings)
    };
    let upstream = Arc::clone(&policy.upstream);
    let mut client = ask(gateway(policy).await, ASK).await;
    assert!(read_head(&mut client).await.starts_with("HTTP/1.1 503"));
    assert_eq!(upstream.endpoints()[0].requests(), 0);
}

#[tokio::test]
async fn a_client_that_hangs_up_is_noticed_at_the_origin() {
    let origin = Origin::bind().await;
    let client = ask(
        gateway(origin.policy()).await,
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
    )
    .await;
    let mut peer = origin.accept().await;
    peer.head().await;
    drop(client);
    peer.closed().await;
}
