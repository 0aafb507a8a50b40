//! Tunnels: bytes both ways after a 101.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::admission::Admission;

/// Relays between the client and the upstream's socket, from which `early` was read already, until one side fails, both have ended,
/// neither says anything for `idle`, or the process drains.
pub(crate) fn start(
    client: OnUpgrade,
    (socket, early): (TcpStream, Bytes),
    idle: Duration,
    admission: Admission,
) {
    // Nothing of the caller's types is in it, so any runtime can run it.
    tokio::spawn(async move {
        let Ok(client) = client.await else {
            // The client left before its 101 was written.
            return;
        };
        let told = Arc::new(Activity::new());
        let mut client = Watched::new(TokioIo::new(client), Bytes::new(), &told);
        let mut upstream = Watched::new(socket, early, &told);
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut upstream) => {}
            () = told.silent_for(idle) => {}
            () = admission.upstream().tunnels().closing() => {}
        }
        // A FIN both ways; whoever is gone already needs none.
        let _ = client.shutdown().await;
        let _ = upstream.shutdown().await;
        drop(admission);
    });
}

/// When bytes last passed in either direction.
struct Activity {
    start: Instant,
    millis: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            millis: AtomicU64::new(0),
        }
    }

    fn note(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Relaxed);
    }

    async fn silent_for(&self, idle: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.millis.load(Relaxed));
            let Some(end) = last.checked_add(idle) else {
                return std::future::pending().await;
            };
            if end <= Instant::now() {
                return;
            }
            sleep_until(end).await;
        }
    }
}

/// A side of the tunnel, with what was read from it before the tunnel began.
struct Watched<S> {
    inner: S,
    early: Bytes,
    told: Arc<Activity>,
}

impl<S> Watched<S> {
    fn new(inner: S, early: Bytes, told: &Arc<Activity>) -> Self {
        Self {
            inner,
            early,
            told: Arc::clone(told),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            ready!(Pin::new(&mut self.inner).poll_read(cx, buf))?;
        } else {
            let count = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..count]);
            self.early.advance(count);
        }
        self.told.note();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(cx, buf))?;
        self.told.note();
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
