//! Counts the bytes of a connection, below HTTP.
//!
//! Whether a request may be sent again depends on whether a byte of it was written, and whether a
//! byte of an answer was seen; hyper tells neither.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What passed so far.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    written: AtomicU64,
    read: AtomicU64,
    /// The next read asks the kernel, whatever the runtime believes.
    asks: AtomicBool,
}

impl Meter {
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    pub(crate) fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// Lets the next read fail if there is anything to read, or an end. The runtime learns of what
    /// has arrived only when it next turns; the kernel knows at once.
    pub(super) fn ask(&self) {
        self.asks.store(true, Relaxed);
    }
}

/// A socket whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Metered {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Metered {
    pub(super) fn new(stream: TcpStream) -> (Self, Arc<Meter>) {
        let meter = Arc::new(Meter::default());
        let metered = Self {
            stream,
            meter: Arc::clone(&meter),
        };
        (metered, meter)
    }

    fn wrote(&self, written: io::Result<usize>) -> io::Result<usize> {
        if let Ok(count) = written {
            self.meter.written.fetch_add(count as u64, Relaxed);
        }
        written
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.meter.asks.swap(false, Relaxed) {
            let nothing = SockRef::from(&self.stream).peek(&mut [MaybeUninit::uninit()]);
            if !nothing.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        self.meter.read.fetch_add(count as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, buf));
        Poll::Ready(self.wrote(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, bufs));
        Poll::Ready(self.wrote(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
