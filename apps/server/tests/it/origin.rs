//! Origins that do what a test tells them, on raw sockets.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::program::PATIENCE;

/// A request as the origin received it.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// A listening origin; its requests arrive at `requests`.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    requests: Receiver<Received>,
}

impl Origin {
    /// Answers each request with the bytes that `answer` makes of it, on kept connections.
    pub(crate) fn answering(answer: impl Fn(&Received) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (told, requests) = channel();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (answer, told) = (Arc::clone(&answer), told.clone());
                thread::spawn(move || {
                    while let Some(request) = receive(&mut stream) {
                        let bytes = answer(&request);
                        let _ = told.send(request);
                        if stream.write_all(bytes.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, requests }
    }

    /// Hands each connection to `serve`.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (_, requests) = channel();
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, requests }
    }

    /// The next request.
    pub(crate) fn next(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).unwrap()
    }

    /// Requests that arrived and were not looked at.
    pub(crate) fn waiting(&self) -> usize {
        self.requests.try_iter().count()
    }
}

/// An answer of status 200 with further field lines, each ending in CRLF.
pub(crate) fn ok(fields: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\n{fields}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads a request; `None` at the connection's end.
pub(crate) fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let mut request = Received {
        head: String::from_utf8_lossy(&head).into_owned(),
        body: Vec::new(),
    };
    if let Some(length) = request
        .field("content-length")
        .and_then(|length| length.parse().ok())
    {
        request.body = vec![0; length];
        stream.read_exact(&mut request.body).ok()?;
    } else if request.field("transfer-encoding").is_some() {
        while !request.body.ends_with(b"0\r\n\r\n") {
            if stream.read(&mut byte).ok()? == 0 {
                return None;
            }
            request.body.push(byte[0]);
        }
    }
    Some(request)
}

/// An address at which nothing listens.
pub(crate) fn nobody() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
}
