//! hyper's connections: how they are built, and how one is run to its end.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::ReadBuf;

use super::answer::{Answer, Service};
use super::connection::{Connection, Phase, Stage};
use super::settings::HttpSettings;
use super::socket::Socket;

/// Most bytes that hyper holds of a stalled connection, each way, and of each HTTP/2 stream's answer.
/// Its own defaults hold 1.3 MiB for a stalled download.
const BUFFER_MAX: usize = 64 * 1024;
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// A bound far above [`HttpSettings::max_head`]: what is over that gets an answer, over this it gets none.
const FIELDS_BACKSTOP: u32 = 64 * 1024;

/// An HTTP/2 client that does not answer a ping within as long again is gone.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// What hyper takes without a heap allocation for each head; asking for it would cost them.
const FIELDS_FREE: usize = 100;

/// Spawns what belongs to a connection on the worker's own thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Here;

impl<F: Future<Output: 'static> + 'static> Executor<F> for Here {
    fn execute(&self, work: F) {
        tokio::task::spawn_local(work);
    }
}

/// hyper's builders with our limits.
#[derive(Debug)]
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<Here>,
}

impl Protocols {
    pub(super) fn of(settings: &HttpSettings) -> Self {
        let limits = settings.head_limits();
        let mut http1 = http1::Builder::new();
        http1
            .header_read_timeout(None) // The sweep holds heads to their time.
            .max_header_size(limits.head_bytes_max)
            .max_buf_size(limits.head_bytes_max.max(BUFFER_MAX));
        if limits.fields_max != FIELDS_FREE {
            http1.max_headers(limits.fields_max);
        }
        let backstop = u32::try_from(limits.head_bytes_max)
            .unwrap_or(u32::MAX)
            .max(FIELDS_BACKSTOP);
        let mut http2 = http2::Builder::new(Here);
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_INTERVAL)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_concurrent_streams(settings.max_streams)
            .max_header_list_size(backstop)
            .max_send_buf_size(BUFFER_MAX);
        Self { http1, http2 }
    }

    /// Serves HTTP/1 until the connection ends or leaves for a tunnel.
    pub(super) async fn serve_http1<A: Answer + 'static>(
        &self,
        mut socket: Socket,
        answer: Rc<A>,
        connection: Arc<Connection>,
    ) -> hyper::Result<()> {
        let mut service = Service::new(answer, Arc::clone(&connection));
        loop {
            // Boxed, so that a task that rests carries neither hyper's state nor the room for a request's future.
            let mut serving = Box::new(
                self.http1
                    .serve_connection(TokioIo::new(socket), service)
                    .with_upgrades(),
            );
            let mut told = false;
            let outcome = poll_fn(|cx| {
                // First hyper sees what has come, so that a request that is already here is answered.
                if let Poll::Ready(outcome) = Pin::new(&mut *serving).poll(cx) {
                    return Poll::Ready(Some(outcome));
                }
                if connection.stage() >= Stage::Close && !told && closes_at_once(&connection) {
                    told = true;
                    Pin::new(&mut *serving).graceful_shutdown();
                    return Pin::new(&mut *serving).poll(cx).map(Some);
                }
                if connection.takes_rest() && connection.phase() == Phase::Idle {
                    return Poll::Ready(None);
                }
                Poll::Pending
            })
            .await;
            if let Some(outcome) = outcome {
                return outcome;
            }
            // Quiet: hyper's buffers go, until the next byte comes.
            let Some(parts) = unboxed(serving).into_parts() else {
                return Ok(());
            };
            socket = parts.io.into_inner();
            service = parts.service;
            socket.put_back(parts.read_buf);
            if !has_more(&socket, &connection).await {
                return Ok(());
            }
        }
    }

    /// Serves HTTP/2 until the connection ends.
    pub(super) async fn serve_http2<A: Answer + 'static>(
        &self,
        socket: Socket,
        answer: Rc<A>,
        connection: Arc<Connection>,
    ) -> hyper::Result<()> {
        let service = Service::new(answer, Arc::clone(&connection));
        let mut serving = pin!(self.http2.serve_connection(TokioIo::new(socket), service));
        // One that came when the end was announced already is told after its first request.
        let came_late = connection.is_draining();
        let mut told = false;
        poll_fn(|cx| {
            loop {
                if let Poll::Ready(outcome) = serving.as_mut().poll(cx) {
                    return Poll::Ready(outcome);
                }
                let due = connection.is_draining() && (!came_late || connection.requests() > 0);
                if told || !due {
                    return Poll::Pending;
                }
                told = true;
                serving.as_mut().graceful_shutdown();
            }
        })
        .await
    }
}

/// What is in a box, which is gone when this returns: moved out of in place, it would live as long as its name.
#[expect(
    clippy::boxed_local,
    reason = "to take it out of its box is what this is for"
)]
fn unboxed<T>(whole: Box<T>) -> T {
    *whole
}

/// Whether hyper may be told to close: not while a head is on its way, which would be lost unanswered.
/// (Its answer says `Connection: close`, and its time is limited.)
fn closes_at_once(connection: &Connection) -> bool {
    !matches!(connection.phase(), Phase::First { .. } | Phase::Head)
}

/// Waits for a resting client's next byte; `false` when it left, or is to leave.
async fn has_more(socket: &Socket, connection: &Connection) -> bool {
    if socket.has_put_back() {
        return true;
    }
    poll_fn(|cx| {
        let mut byte = [0];
        let mut byte = ReadBuf::new(&mut byte);
        match socket.stream().poll_peek(cx, &mut byte) {
            Poll::Ready(seen) => Poll::Ready(seen.is_ok_and(|length| length > 0)),
            Poll::Pending if connection.stage() >= Stage::Close => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
