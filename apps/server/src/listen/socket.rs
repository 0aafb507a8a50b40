//! The wrapper around a connection's socket: it counts, and it gives hyper's own refusals a body.
//!
//! A head that hyper cannot read it refuses by itself: a bare status line, `Connection: close`, no hook.
//! Such a refusal is recognised here (an HTTP/1 status from 400 on, written while no service call is open and
//! every answer has left) and the program's document goes out in its place.
//!
//! After a refusal, and after an answer to a body that was not read, the client may still be sending.
//! Closing now would make the system reset the connection, and the client might lose the answer; so what
//! comes is read and thrown away, until the client closes or the sweep ends it as a slow head.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::StatusCode;
use smallvec::SmallVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connection::{Connection, Protocol};

/// A head and a small body are written as one piece.
const JOINED_MAX: usize = 2 * 1024;

/// Makes the whole response, head and body, that stands for hyper's bare one.
pub(super) type Refusal = fn(StatusCode) -> Bytes;

/// A client's socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    connection: Arc<Connection>,
    refusal: Refusal,
    /// Bytes that hyper had read and gave back.
    put_back: Bytes,
    /// What is left of the refusal that stands for hyper's.
    pending: Bytes,
    refused: bool,
    shut: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>, refusal: Refusal) -> Self {
        Self {
            stream,
            connection,
            refusal,
            put_back: Bytes::new(),
            pending: Bytes::new(),
            refused: false,
            shut: false,
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Takes back what was read and not used; it is read again first.
    pub(super) fn put_back(&mut self, unread: Bytes) {
        // Even empty it would hold all that hyper read into.
        self.put_back = if unread.is_empty() {
            Bytes::new()
        } else {
            unread
        };
    }

    pub(super) fn has_put_back(&self) -> bool {
        !self.put_back.is_empty()
    }

    /// Takes hyper's own refusal, if `written` is one, and keeps the document in its place.
    fn replace(&mut self, written: &[u8]) -> bool {
        if self.refused {
            return true; // What follows the status line, should it ever come in pieces.
        }
        if self.connection.protocol() != Protocol::Http1 || !self.connection.is_between_answers() {
            return false;
        }
        let Some(status) = refusal_status(written) else {
            return false;
        };
        self.pending = (self.refusal)(status);
        self.refused = true;
        true
    }

    /// Writes what is left of a refusal.
    fn poll_pending(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pending.is_empty() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, &self.pending))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.connection.has_written(written);
            self.pending.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads and throws away what still comes, to the client's end.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.await_head();
        let mut space = [0; 4_096];
        loop {
            let mut buffer = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// The status of `written`, if that is a refusal as hyper makes it.
fn refusal_status(written: &[u8]) -> Option<StatusCode> {
    let rest = written
        .strip_prefix(b"HTTP/1.1 ")
        .or_else(|| written.strip_prefix(b"HTTP/1.0 "))?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    (status.is_client_error() && rest.get(3) == Some(&b' ')).then_some(status)
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.put_back.is_empty() {
            let length = self.put_back.len().min(buffer.remaining());
            buffer.put_slice(&self.put_back.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        if read > 0 {
            self.connection.has_read(read);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.replace(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.connection.has_written(written);
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(first) = bytes.iter().find(|bytes| !bytes.is_empty())
            && self.replace(first)
        {
            return Poll::Ready(Ok(bytes.iter().map(|bytes| bytes.len()).sum()));
        }
        let stream = Pin::new(&mut self.stream);
        let written = if bytes.iter().map(|bytes| bytes.len()).sum::<usize>() <= JOINED_MAX {
            // A copy of so little costs less than the longer way that the kernel takes for several pieces.
            let mut joined = SmallVec::<[u8; JOINED_MAX]>::new();
            for bytes in bytes {
                joined.extend_from_slice(bytes);
            }
            ready!(stream.poll_write(cx, &joined))?
        } else {
            ready!(stream.poll_write_vectored(cx, bytes))?
        };
        self.connection.has_written(written);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pending(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.connection.has_flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.shut {
            ready!(self.poll_pending(cx))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.shut = true;
        }
        if self.refused || self.connection.left_unread() {
            return self.poll_linger(cx);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.connection.table().leave(self.connection.id());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &[u8], expected: Option<u16>) {
        assert_eq!(
            refusal_status(written).map(|status| status.as_u16()),
            expected
        );
    }

    #[test]
    fn only_a_status_line_of_a_client_error_is_a_refusal() {
        check(b"HTTP/1.1 400 Bad Request\r\n", Some(400));
        check(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
            Some(431),
        );
        check(b"HTTP/1.0 414 URI Too Long\r\n", Some(414));
        check(b"HTTP/1.1 100 Continue\r\n", None);
        check(b"HTTP/1.1 200 OK\r\n", None);
        check(b"HTTP/1.1 4000", None);
        check(b"HTTP/1.1 40", None);
        check(b"", None);
    }
}
