//! One HTTP/2 connection an endpoint and worker, shared by all its requests.
//!
//! It runs in a task of its own. The first request that finds none connects, the others wait for
//! it.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::WorkerPools;
use crate::feed::RequestBody;
use crate::settings::UpstreamSettings;

/// What a stalled answer holds at most.
const STREAM_WINDOW: u32 = 64 * 1024;

/// Far more than a few stalled answers: they must not stop the others of the connection.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// Largest response head.
const HEAD_MAX: u32 = 64 * 1024;

/// What a worker has for an endpoint.
#[derive(Debug)]
pub(super) struct Shared {
    state: State,
    /// Since when no request was seen on it.
    idle_since: Instant,
    keep: Duration,
}

#[derive(Debug)]
enum State {
    Connecting(Arc<Notify>),
    Open(Stream),
}

impl Shared {
    /// Whether it stays; asked from time to time.
    pub(super) fn is_kept(&mut self, now: Instant) -> bool {
        match &self.state {
            State::Connecting(_) => true,
            State::Open(stream) if stream.sender.is_closed() => false,
            State::Open(stream) => {
                if stream.is_in_use() {
                    self.idle_since = now;
                }
                now.saturating_duration_since(self.idle_since) < self.keep
            }
        }
    }
}

impl Shared {
    fn is_led_by(&self, told: &Arc<Notify>) -> bool {
        matches!(&self.state, State::Connecting(connecting) if Arc::ptr_eq(connecting, told))
    }
}

/// A right to send requests on a connection.
#[derive(Clone)]
pub(crate) struct Stream {
    pub(crate) sender: SendRequest<RequestBody>,
    /// Counts the holders.
    holders: Arc<()>,
    /// Whether the connection was there before the request.
    pub(crate) used: bool,
}

impl Stream {
    fn is_in_use(&self) -> bool {
        Arc::strong_count(&self.holders) > 1
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("holders", &Arc::strong_count(&self.holders))
            .finish_non_exhaustive()
    }
}

/// What a request finds.
pub(crate) enum Found {
    /// A connection.
    Open(Stream),
    /// Somebody connects.
    Wait(Arc<Notify>),
    /// Nobody connects yet: the finder does.
    Lead(Lead),
}

/// The duty to connect for all. Dropped without a connection, it lets the others try.
pub(crate) struct Lead {
    pools: Weak<WorkerPools>,
    endpoint: u64,
    told: Arc<Notify>,
}

impl Lead {
    /// Shares the connection with those that wait and those to come.
    pub(crate) fn done(self, stream: &Stream, settings: &UpstreamSettings, now: Instant) {
        if let Some(pools) = self.pools.upgrade() {
            let shared = Shared {
                state: State::Open(Stream {
                    used: true,
                    ..stream.clone()
                }),
                idle_since: now,
                keep: settings.pool_idle,
            };
            pools.http2.lock().insert(self.endpoint, shared);
            pools.start_sweeping();
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        if let Some(pools) = self.pools.upgrade() {
            let mut all = pools.http2.lock();
            let is_mine = all
                .get(&self.endpoint)
                .map(|shared| shared.is_led_by(&self.told));
            if is_mine == Some(true) {
                all.remove(&self.endpoint);
            }
        }
        self.told.notify_waiters();
    }
}

impl WorkerPools {
    /// The connection to an endpoint, if it is open.
    pub(crate) fn open(&self, endpoint: u64, now: Instant) -> Option<Stream> {
        match self.http2.lock().get_mut(&endpoint) {
            Some(Shared {
                state: State::Open(stream),
                idle_since,
                ..
            }) if !stream.sender.is_closed() => {
                *idle_since = now;
                Some(stream.clone())
            }
            _ => None,
        }
    }

    /// Looks for the connection to an endpoint.
    pub(crate) fn find(self: &Arc<Self>, endpoint: u64, now: Instant) -> Found {
        let mut all = self.http2.lock();
        match all.get_mut(&endpoint) {
            Some(Shared {
                state: State::Connecting(told),
                ..
            }) => return Found::Wait(Arc::clone(told)),
            Some(Shared {
                state: State::Open(stream),
                idle_since,
                ..
            }) if !stream.sender.is_closed() => {
                *idle_since = now;
                return Found::Open(stream.clone());
            }
            _ => {}
        }
        let told = Arc::new(Notify::new());
        let connecting = Shared {
            state: State::Connecting(Arc::clone(&told)),
            idle_since: now,
            keep: Duration::ZERO,
        };
        let old = all.insert(endpoint, connecting);
        drop(all);
        drop(old);
        Found::Lead(Lead {
            pools: Arc::downgrade(self),
            endpoint,
            told,
        })
    }

    /// Whether the one whom `told` belongs to still connects.
    pub(crate) fn is_connecting(&self, endpoint: u64, told: &Arc<Notify>) -> bool {
        let all = self.http2.lock();
        all.get(&endpoint)
            .is_some_and(|shared| shared.is_led_by(told))
    }

    /// No further request goes to this connection; those on it go on.
    pub(crate) fn forget(&self, endpoint: u64, stream: &Stream) {
        let mut all = self.http2.lock();
        let is_it = all.get(&endpoint).is_some_and(|shared| {
            matches!(&shared.state, State::Open(open) if Arc::ptr_eq(&open.holders, &stream.holders))
        });
        if is_it {
            all.remove(&endpoint);
        }
    }
}

/// Speaks HTTP/2 on a socket at once (prior knowledge).
pub(crate) async fn over(stream: TcpStream) -> hyper::Result<Stream> {
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(STREAM_WINDOW as usize)
        .max_header_list_size(HEAD_MAX)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        // Its requests learn of its end by their own errors.
        let _ = connection.await;
    });
    Ok(Stream {
        sender,
        holders: Arc::new(()),
        used: false,
    })
}
