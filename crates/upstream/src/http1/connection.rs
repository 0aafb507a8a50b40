//! A connection to an endpoint.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::buffers::{Buffers, READ};

/// What is read at once from here on has an allocation of its own; less is copied out of the worker's room, so that
/// a small piece does not hold a large buffer.
const LARGE: usize = 16 * 1024;

/// A socket, and whether it may serve another request.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Whether it served a request before.
    pub(crate) used: bool,
    /// How long the endpoint said that it keeps it.
    pub(crate) keep_alive: Option<Duration>,
    /// The last exchange came to its clean end and left nothing behind.
    is_free: bool,
}

impl Connection {
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self {
            stream,
            used: false,
            keep_alive: None,
            is_free: false,
        }
    }

    /// Whether nothing is under way on it.
    pub(crate) fn is_free(&self) -> bool {
        self.is_free
    }

    pub(super) fn set_free(&mut self, is_free: bool) {
        self.is_free = is_free;
    }

    /// Whether nothing is there to read, as far as the runtime knows: a late 408 or an end that the endpoint left there
    /// would be taken for the next answer. Costs no system call where nothing has arrived.
    pub(crate) fn is_quiet(&self) -> bool {
        is_would_block(self.stream.try_read(&mut [0]))
    }

    /// As [`Connection::is_quiet`], but the kernel is asked, which knows at once what the runtime learns when it next
    /// turns.
    pub(crate) fn is_surely_quiet(&self) -> bool {
        let seen = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
        is_would_block(seen) && self.is_quiet()
    }

    /// Takes the socket out of HTTP.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = Pin::new(&mut self.stream);
        match pieces {
            // The kernel's shorter way.
            [piece] => stream.poll_write(cx, piece),
            pieces => stream.poll_write_vectored(cx, pieces),
        }
    }

    /// Reads into `room`; how many bytes, none at the end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut room = ReadBuf::new(room);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }

    /// Reads a piece of at most `want` bytes, empty at the end. `expects_much`: whether the piece before was large.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        want: u64,
        expects_much: &mut bool,
        buffers: &Buffers,
    ) -> Poll<io::Result<Bytes>> {
        let want = usize::try_from(want).map_or(READ, |want| want.min(READ));
        let piece = if *expects_much && want >= LARGE {
            ready!(self.poll_large(cx, want))?
        } else {
            ready!(buffers.with_room(|room| {
                self.poll_read(cx, &mut room[..want])
                    .map_ok(|count| Bytes::copy_from_slice(&room[..count]))
            }))?
        };
        *expects_much = piece.len() >= LARGE;
        Poll::Ready(Ok(piece))
    }

    fn poll_large(&mut self, cx: &mut Context<'_>, want: usize) -> Poll<io::Result<Bytes>> {
        // No buffer while there is nothing to read.
        ready!(self.stream.poll_read_ready(cx))?;
        let mut piece = BytesMut::with_capacity(want);
        {
            let mut room = (&mut piece).limit(want);
            let read = pin!(self.stream.read_buf(&mut room));
            ready!(read.poll(cx))?;
        }
        if piece.len() < LARGE {
            return Poll::Ready(Ok(Bytes::copy_from_slice(&piece)));
        }
        Poll::Ready(Ok(piece.freeze()))
    }
}

fn is_would_block(read: io::Result<usize>) -> bool {
    read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
