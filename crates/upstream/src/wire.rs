//! A connection for a try: a kept one, or a new one.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::connect::{self, ConnectError};
use crate::endpoint::Endpoint;
use crate::exchange::{Received, Wire};
use crate::http1::{Buffers, Connection};
use crate::pool::WorkerPools;
use crate::pool::http2::{self, Found, Stream};
use crate::refusal::Refusal;
use crate::settings::UpstreamSettings;

/// A new connection to `endpoint`, or the shared one where it speaks HTTP/2, within `limit`.
///
/// Boxed, for most requests find a kept one, and the future is larger than all the rest of a request's.
pub(crate) fn connect<'a>(
    pools: &'a Arc<WorkerPools>,
    endpoint: &'a Endpoint,
    settings: &'a UpstreamSettings,
    limit: Duration,
    clock: fn() -> Instant,
) -> Pin<Box<dyn Future<Output = Result<Wire, Refusal>> + Send + 'a>> {
    if endpoint.is_http2() {
        return Box::pin(async move {
            let stream = shared(pools, endpoint, settings, limit, clock).await;
            stream.map(Wire::Http2)
        });
    }
    Box::pin(async move {
        connect::within(limit, endpoint.url())
            .await
            .map(|stream| Wire::Http1(Connection::over(stream)))
            .map_err(|error| refusal_of(&error))
    })
}

/// One of the worker's own connections that is free; `safe`: the request may be repeated.
pub(crate) fn kept(
    pools: &WorkerPools,
    endpoint: &Endpoint,
    safe: bool,
    now: Instant,
) -> Option<Wire> {
    if endpoint.is_http2() {
        return pools.open(endpoint.id(), now).map(Wire::Http2);
    }
    pools.take(endpoint.id(), safe, now).map(Wire::Http1)
}

/// The endpoint's HTTP/2 connection; whoever finds none makes it, the others wait for that one.
async fn shared(
    pools: &Arc<WorkerPools>,
    endpoint: &Endpoint,
    settings: &UpstreamSettings,
    limit: Duration,
    clock: fn() -> Instant,
) -> Result<Stream, Refusal> {
    // Nearly every request finds it open.
    let first = match pools.find(endpoint.id(), clock()) {
        Found::Open(stream) => return Ok(stream),
        other => other,
    };
    let waiting: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(async {
        let mut found = first;
        loop {
            match found {
                Found::Open(stream) => return Ok(stream),
                Found::Lead(lead) => {
                    let stream = connect::tcp(endpoint.url())
                        .await
                        .map_err(|error| refusal_of(&error))?;
                    let stream = http2::over(stream)
                        .await
                        .map_err(|_| Refusal::ConnectionLost)?;
                    lead.done(&stream, settings, clock());
                    return Ok(stream);
                }
                Found::Wait(told) => {
                    let mut done = pin!(told.notified());
                    done.as_mut().enable();
                    // Else it ended between the look and the listening.
                    if pools.is_connecting(endpoint.id(), &told) {
                        done.await;
                    }
                }
            }
            found = pools.find(endpoint.id(), clock());
        }
    });
    match tokio::time::timeout(limit, waiting).await {
        Ok(found) => found,
        Err(_) => Err(Refusal::ConnectTimeout),
    }
}

fn refusal_of(error: &ConnectError) -> Refusal {
    match error {
        ConnectError::TimedOut => Refusal::ConnectTimeout,
        ConnectError::Dns(_) => Refusal::Dns,
        ConnectError::Connect(error) => match error.kind() {
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Refusal::Unreachable
            }
            io::ErrorKind::TimedOut => Refusal::ConnectTimeout,
            _ => Refusal::ConnectionRefused,
        },
    }
}

/// Whether the whole body is there, so that the connection is free once it is read. Looks only at
/// what has arrived.
pub(crate) fn is_drained(wire: &mut Wire, received: &mut Received, buffers: &Buffers) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    // A piece is at most a buffer, so a few looks see all that may be waiting.
    for _ in 0..4 {
        match received.poll_frame(wire, buffers, &mut cx) {
            Poll::Ready(Some(Ok(_))) => {}
            Poll::Ready(None) => return true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => return false,
        }
    }
    false
}
