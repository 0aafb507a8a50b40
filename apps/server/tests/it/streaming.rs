//! Bodies stream both ways: memory does not grow with their size, and whoever leaves is noticed.
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use crate::client::Client;
use crate::origin::{Origin, receive};
use crate::program::{PATIENCE, Program, until};

const GIB: u64 = 1 << 30;
/// What the program may take over what it had before: buffers, never the body.
const GROWTH_MAX: u64 = 32 << 20;

fn gateway(origin: &Origin) -> Program {
    Program::start(
        "",
        &["--upstream", &format!("http://{}", origin.address)],
        &[],
    )
}

#[test]
fn a_gibibyte_comes_down_with_flat_memory() {
    let origin = Origin::raw(|mut stream| {
        receive(&mut stream);
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {GIB}\r\n\r\n").as_bytes())
            .unwrap();
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..GIB >> 20 {
            if stream.write_all(&piece).is_err() {
                return;
            }
        }
    });
    let program = gateway(&origin);
    let mut client = Client::connect(program.gateway);
    let before = program.resident();
    client.send("GET /big HTTP/1.1\r\nhost: a\r\n\r\n");
    let (status, _) = client.head();
    assert_eq!(status, 200);
    let mut left = GIB - client.buffered();
    let mut piece = vec![0; 1 << 20];
    let mut most = 0;
    while left > 0 {
        let read = client.stream().read(&mut piece).unwrap() as u64;
        assert!(read > 0, "cut with {left} bytes left");
        left -= read;
        if left % (64 << 20) < read {
            most = most.max(program.resident());
        }
    }
    assert!(
        most.saturating_sub(before) < GROWTH_MAX,
        "grew from {before} to {most} bytes"
    );
}

#[test]
fn a_gibibyte_goes_up_with_flat_memory() {
    let origin = Origin::raw(|mut stream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let copied = std::io::copy(
            &mut Read::by_ref(&mut stream).take(GIB),
            &mut std::io::sink(),
        )
        .unwrap();
        let body = copied.to_string();
        let _ = stream.write_all(
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
    });
    let program = gateway(&origin);
    let mut client = Client::connect(program.gateway);
    let before = program.resident();
    client.send(format!(
        "PUT /big HTTP/1.1\r\nhost: a\r\ncontent-length: {GIB}\r\n\r\n"
    ));
    let piece = vec![b'x'; 1 << 20];
    let mut most = 0;
    for count in 0..GIB >> 20 {
        client.send(&piece);
        if count % 64 == 0 {
            most = most.max(program.resident());
        }
    }
    let answer = client.answer();
    assert_eq!(
        (answer.status, answer.text()),
        (200, GIB.to_string().as_str())
    );
    assert!(
        most.saturating_sub(before) < GROWTH_MAX,
        "grew from {before} to {most} bytes"
    );
}

#[test]
fn a_client_that_leaves_is_noticed_by_the_upstream() {
    let (told, left) = channel();
    let told = std::sync::Mutex::new(told);
    let origin = Origin::raw(move |mut stream| {
        receive(&mut stream);
        // The gateway's end of the connection closes, before any answer.
        let end = stream.read(&mut [0; 1]);
        let _ = told.lock().unwrap().send(end.is_ok_and(|count| count == 0));
    });
    let program = gateway(&origin);
    let mut client = Client::connect(program.gateway);
    client.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n");
    until(|| {
        crate::client::get(program.admin, "/metrics")
            .text()
            .contains("urm_upstream_in_flight{upstream=\"upstream\"} 1")
    });
    client.stream().shutdown(Shutdown::Both).unwrap();
    assert!(left.recv_timeout(PATIENCE).unwrap());
    let line = program.access_line(|line| line["path"] == "/slow");
    assert_eq!(line["status"], 499, "{line}");
}

#[test]
fn an_upgraded_connection_carries_bytes_both_ways() {
    let origin = Origin::raw(|mut stream| {
        let request = receive(&mut stream).unwrap();
        assert_eq!(request.field("upgrade"), Some("echo"), "{}", request.head);
        stream
            .write_all(
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
            )
            .unwrap();
        let mut back: TcpStream = stream.try_clone().unwrap();
        let _ = std::io::copy(&mut stream, &mut back);
    });
    let program = gateway(&origin);
    let mut client = Client::connect(program.gateway);
    client.send("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    let (status, fields) = client.head();
    assert_eq!(status, 101, "{fields:?}");
    for word in ["hello", "again"] {
        client.send(word);
        assert_eq!(client.exactly(word.len()), word.as_bytes());
    }
    client.stream().shutdown(Shutdown::Write).unwrap();
    assert!(client.closed());
}

#[test]
fn an_upgrade_goes_nowhere_where_the_route_does_not_allow_it() {
    let origin = Origin::raw(|mut stream| {
        let request = receive(&mut stream).unwrap();
        assert_eq!(request.field("upgrade"), None, "{}", request.head);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nplain");
        thread::park();
    });
    let program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n",
        origin.address
    ));
    let mut client = Client::connect(program.gateway);
    client.send("GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.status, answer.text()), (200, "plain"));
}
