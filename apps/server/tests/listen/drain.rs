//! The way to the end: announced, then closed, then waited for.

use std::net::TcpStream as StdTcpStream;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::client::{PATIENCE, wait_for};
use super::site::{Site, patient};

type Sender = http2::SendRequest<Full<Bytes>>;

async fn http2(site: &Site) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(site.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

async fn get(sender: &mut Sender, path: &str) -> hyper::Result<Bytes> {
    let request = Request::get(format!("http://h{path}"))
        .body(Full::default())
        .unwrap();
    Ok(sender
        .send_request(request)
        .await?
        .into_body()
        .collect()
        .await?
        .to_bytes())
}

#[test]
fn while_draining_each_http_1_answer_says_close_and_idle_connections_stay() {
    let site = Site::start(&patient());
    let (mut client, mut idle) = (site.client(), site.client());
    client.get("/a");
    idle.get("/a");
    site.handle.begin_drain();
    assert!(site.handle.is_draining());

    assert!(client.get("/b").closes());
    assert_eq!(client.rest(), b"");
    assert!(idle.is_quiet());
    assert!(idle.get("/b").closes());
    // New connections are still taken.
    let mut late = site.client();
    let answer = late.get("/c");
    assert_eq!((answer.text(), answer.closes()), ("/c", true));
}

#[test]
fn closing_ends_idle_connections_and_waits_for_requests_under_way() {
    let site = Site::start(&patient());
    let (mut busy, mut idle, mut silent) = (site.client(), site.client(), site.client());
    idle.get("/a");
    busy.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("the request", || site.handle.in_flight() == 1);
    site.handle.begin_drain();
    site.handle.close_listeners();

    assert_eq!(idle.rest(), b"");
    assert_eq!(silent.rest(), b"");
    wait_for("the listener's close", || {
        StdTcpStream::connect(site.address).is_err()
    });
    let running = site.handle.running();
    assert_eq!(
        (running.len(), running[0].requests, running[0].tunnel),
        (1, 1, false)
    );

    site.gate.add_permits(1);
    let answer = busy.answer();
    assert_eq!((answer.text(), answer.closes()), ("/wait", true));
    assert_eq!(busy.rest(), b"");
    site.wait_closed();
    assert_eq!(
        (site.handle.connections(), site.handle.lost_workers()),
        (0, 0)
    );
}

#[test]
fn a_request_whose_head_has_begun_is_answered_after_the_close() {
    let site = Site::start(&patient());
    let (mut first, mut later) = (site.client(), site.client());
    later.get("/a");
    first.send("GET /first HTTP/1.1\r\nho");
    later.send("GET /later HTTP/1.1\r\nho");
    // Both are read once a request that came after them is answered.
    site.client().get("/a");
    site.handle.close_listeners();
    for (client, path) in [(&mut first, "/first"), (&mut later, "/later")] {
        client.send("st: h\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.text(), answer.closes()), (path, true));
    }
    site.wait_closed();
}

#[tokio::test]
async fn http_2_gets_its_notice_at_once_and_finishes() {
    let site = Site::start(&patient());
    let (mut sender, connection) = http2(&site).await;
    get(&mut sender, "/a").await.unwrap();
    let mut waiting = sender.clone();
    let under_way = tokio::spawn(async move { get(&mut waiting, "/wait").await });
    tokio::task::spawn_blocking({
        let handle = site.handle.clone();
        move || wait_for("the request", || handle.in_flight() == 1)
    })
    .await
    .unwrap();

    site.handle.begin_drain();
    // The client learns it, and sends no further request on this connection.
    let refused = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Err(error) = get(&mut sender, "/b").await {
                break error;
            }
        }
    });
    refused.await.unwrap();
    site.gate.add_permits(1);
    assert_eq!(under_way.await.unwrap().unwrap(), "/wait");
    connection.await.unwrap().unwrap();
}

#[tokio::test]
async fn http_2_that_comes_while_draining_has_one_request() {
    let site = Site::start(&patient());
    site.handle.begin_drain();
    let (mut sender, connection) = http2(&site).await;
    assert_eq!(get(&mut sender, "/a").await.unwrap(), "/a");
    tokio::time::timeout(PATIENCE, connection)
        .await
        .expect("no GOAWAY")
        .unwrap()
        .unwrap();
}

#[test]
fn http_2_that_comes_while_draining_is_not_told_before_its_request() {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const PING: [u8; 17] = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    const PONG: u8 = 6;
    const GOAWAY: u8 = 7;

    let site = Site::start(&patient());
    site.handle.begin_drain();
    let mut client = site.client();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send(SETTINGS);
    client.send(PING);
    loop {
        match client.frame() {
            GOAWAY => panic!("told before its first request"),
            PONG => break,
            _ => {}
        }
    }
}

#[test]
fn an_abort_cuts_what_is_under_way() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("the request", || site.handle.in_flight() == 1);
    site.handle.abort_all();
    assert_eq!(client.rest(), b"");
    site.wait_closed();
    assert_eq!((site.handle.connections(), site.handle.in_flight()), (0, 0));
}

#[test]
fn without_connections_the_end_is_at_once() {
    let site = Site::start(&patient());
    site.handle.close_listeners();
    site.wait_closed();
    assert!(StdTcpStream::connect(site.address).is_err());
}
