//! One HTTP/1 connection, driven by whoever uses it.
//!
//! No task runs it in the background: the request's future and then the answer's body poll it, so
//! that dropping either closes the socket at once, and an idle one costs no wake-up.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::meter::{Meter, Metered};
use crate::feed::RequestBody;

/// hyper's own bound of some 400 KiB a stalled answer is more than a gateway can afford; a larger
/// response head is refused.
const BUFFER_MAX: usize = 64 * 1024;

/// A connection to an endpoint.
pub(crate) struct Line {
    pub(crate) sender: SendRequest<RequestBody>,
    connection: Connection<TokioIo<Metered>, RequestBody>,
    /// hyper's connection may not be polled past its end.
    done: bool,
    meter: Arc<Meter>,
    /// Whether it served a request before.
    pub(crate) used: bool,
    /// How long the endpoint said that it keeps it.
    pub(crate) keep_alive: Option<Duration>,
}

impl Line {
    pub(crate) async fn over(stream: TcpStream) -> hyper::Result<Box<Self>> {
        let (metered, meter) = Metered::new(stream);
        let (sender, connection) = Builder::new()
            .max_buf_size(BUFFER_MAX)
            // The buffer's bound alone lets a larger head through that arrives at once.
            .max_header_size(BUFFER_MAX)
            .handshake(TokioIo::new(metered))
            .await?;
        Ok(Box::new(Self {
            sender,
            connection,
            done: false,
            meter,
            used: false,
            keep_alive: None,
        }))
    }

    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Moves bytes in both directions; ready when the connection is at its end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.done && Pin::new(&mut self.connection).poll(cx).is_ready() {
            self.done = true;
        }
        if self.done {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Whether nothing is under way on it and, as far as the runtime knows, nothing is there to
    /// read. Costs no system call where nothing has arrived.
    pub(crate) fn is_idle(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        self.poll(&mut cx).is_pending() && self.sender.is_ready()
    }

    /// As [`Line::is_idle`], but the kernel is asked.
    pub(crate) fn is_surely_idle(&mut self) -> bool {
        self.meter.ask();
        self.is_idle()
    }

    /// Takes the socket out of HTTP, with what was read beyond the head; after a 101.
    pub(crate) async fn into_socket(mut self) -> (Metered, Bytes) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
        let parts = self.connection.into_parts();
        (parts.io.into_inner(), parts.read_buf)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("done", &self.done)
            .field("meter", &self.meter)
            .finish_non_exhaustive()
    }
}
