//! HTTP/1 and HTTP/2 on one port, request bodies, and a page that panics.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use super::client::wait_for;
use super::site::{Site, patient};

#[test]
fn http_1_keeps_its_connection() {
    let site = Site::start(&patient());
    let mut client = site.client();
    for _ in 0..3 {
        let answer = client.get("/a");
        assert_eq!(
            (answer.status(), answer.text(), answer.closes()),
            (200, "/a", false)
        );
    }
    assert_eq!(client.get("/requests").text(), "4");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = Site::start(&patient());
    let mut client = site.client();
    let paths: Vec<_> = (0..50).map(|number| format!("/{number}")).collect();
    for path in &paths {
        client.send(format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n"));
    }
    for path in &paths {
        assert_eq!(client.answer().text(), path);
    }
}

#[tokio::test]
async fn http_2_by_prior_knowledge() {
    let site = Site::start(&patient());
    let stream = TcpStream::connect(site.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for path in ["/a", "/b"] {
        let request = Request::get(format!("http://h{path}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(
            response.into_body().collect().await.unwrap().to_bytes(),
            path
        );
    }
    let request = Request::post("http://h/read")
        .body(Full::from(vec![0; 300_000]))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "read 300000"
    );
    drop(sender);
    connection.await.unwrap().unwrap();
}

#[test]
fn a_preface_in_pieces_is_http_2_and_its_likeness_is_not() {
    let site = Site::start(&patient());
    let mut client = site.client();
    for piece in ["P", "RI * HTTP", "/2.0\r\n\r\nSM\r\n", "\r\n"] {
        client.send(piece);
        // The server has seen it once it is back from answering another connection.
        site.client().get("/a");
    }
    client.send([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    wait_for("HTTP/2's settings", || !client.is_quiet());

    let mut client = site.client();
    client.send("PRI");
    site.client().get("/a");
    client.send("NT /x HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(client.answer().text(), "/x");
}

#[test]
fn a_client_that_closes_within_the_preface_is_let_go() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send("PRI *");
    client.finish_sending();
    client.rest();
    wait_for("its end", || site.handle.connections() == 0);
}

#[test]
fn a_body_that_is_read_keeps_the_connection_and_an_unread_one_closes_it() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send("POST /read HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\n12345");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.closes()), ("read 5", false));

    client.send(
        "POST /read HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    let answer = client.answer();
    assert_eq!((answer.text(), answer.closes()), ("read 3", false));

    client.send("POST /ignored HTTP/1.1\r\nhost: h\r\ncontent-length: 100000000\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.closes()), ("/ignored", true));
    // What is still sent does not cost the client its answer.
    client.try_send(&vec![0; 1 << 20]);
    client.finish_sending();
    assert_eq!(client.rest(), b"");
}

#[test]
fn an_uploader_that_expects_100_and_is_refused_sees_the_close() {
    let site = Site::start(&patient());
    let mut client = site.client();
    let head = "content-length: 5\r\nexpect: 100-continue\r\n\r\n";
    client.send(format!("POST /read HTTP/1.1\r\nhost: h\r\n{head}"));
    assert_eq!(client.answer().status(), 100);
    client.send("12345");
    assert_eq!(client.answer().text(), "read 5");
    client.send(format!("POST /ignored HTTP/1.1\r\nhost: h\r\n{head}"));
    let answer = client.answer();
    assert_eq!((answer.status(), answer.closes()), (200, true));
}

#[test]
fn a_client_that_leaves_ends_its_request() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("the request", || site.handle.in_flight() == 1);
    drop(client);
    wait_for("its end", || {
        site.handle.in_flight() == 0 && site.handle.connections() == 0
    });
}

#[test]
fn a_panic_ends_its_connection_and_no_other() {
    let site = Site::start(&patient());
    let mut other = site.client();
    other.get("/a");
    let mut client = site.client();
    client.send("GET /panic HTTP/1.1\r\nhost: h\r\n\r\n");
    assert_eq!(client.rest(), b"");
    assert_eq!(other.get("/b").text(), "/b");
    wait_for("its guards", || {
        site.handle.in_flight() == 0 && site.handle.connections() == 1
    });
    assert_eq!(site.handle.lost_workers(), 0);
}

#[test]
fn every_worker_serves() {
    let mut settings = patient();
    settings.workers = std::num::NonZeroUsize::new(3);
    let site = Site::start(&settings);
    assert_eq!(site.handle.workers(), 3);
    let mut clients: Vec<_> = (0..60).map(|_| site.client()).collect();
    for client in &mut clients {
        client.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    }
    wait_for("a request on each", || {
        site.handle
            .in_flight_by_worker()
            .all(|requests| requests > 0)
    });
    site.gate.add_permits(60);
    for client in &mut clients {
        assert_eq!(client.answer().text(), "/wait");
    }
}
