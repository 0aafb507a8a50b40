//! HTTP/1 or HTTP/2? Told from the first bytes, which stay in the socket.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};

use tokio::io::{Interest, ReadBuf};
use tokio::net::TcpStream;

use super::connection::Protocol;

/// What an HTTP/2 client sends first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What `first`, the connection's first bytes, say; `None` while they could still become either.
fn tell(first: &[u8]) -> Option<Protocol> {
    let seen = first.len().min(PREFACE.len());
    if first[..seen] != PREFACE[..seen] {
        Some(Protocol::Http1)
    } else if seen == PREFACE.len() {
        Some(Protocol::Http2)
    } else {
        None
    }
}

/// Waits for enough bytes to tell the protocol. `None`: the client left without a byte.
///
/// It waits without limit: the sweep ends who stays silent. It must run on a runtime of one thread, since
/// between its look at the socket and its wish to be woken nobody else may learn of new bytes.
pub(super) async fn sniff(stream: &TcpStream) -> io::Result<Option<Protocol>> {
    let mut seen = 0;
    poll_fn(|cx| {
        loop {
            let mut buffer = [0; PREFACE.len()];
            let mut buffer = ReadBuf::new(&mut buffer);
            let length = ready!(stream.poll_peek(cx, &mut buffer))?;
            if length == 0 {
                return Poll::Ready(Ok(None));
            }
            if let Some(protocol) = tell(buffer.filled()) {
                return Poll::Ready(Ok(Some(protocol)));
            }
            if length == seen {
                // Readable again and nothing new: the client has closed its side. hyper will say what
                // such a head is.
                return Poll::Ready(Ok(Some(Protocol::Http1)));
            }
            seen = length;
            // Part of the preface: say that nothing is readable, to be woken by what comes next.
            let _ = stream.try_io(Interest::READABLE, || -> io::Result<()> {
                Err(io::ErrorKind::WouldBlock.into())
            });
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(first: &[u8], expected: Option<Protocol>) {
        assert_eq!(tell(first), expected);
    }

    #[test]
    fn the_preface_tells_http_2_and_its_beginning_nothing() {
        check(PREFACE, Some(Protocol::Http2));
        for length in 0..PREFACE.len() {
            check(&PREFACE[..length], None);
        }
    }

    #[test]
    fn anything_else_is_http_1() {
        check(b"GET / HTTP/1.1\r\n", Some(Protocol::Http1));
        check(b"PO", Some(Protocol::Http1));
        check(b"PRI /x HTTP/1.1\r\n", Some(Protocol::Http1));
        check(b"\r\n", Some(Protocol::Http1));
        check(&[0x16, 3, 1], Some(Protocol::Http1));
    }
}
