//! One worker: a thread, its runtime, its sockets and their connections.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::LocalRuntime;
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::answer::Answer;
use super::connection::{Connection, Protocol, Stage};
use super::protocol::Protocols;
use super::settings::HttpSettings;
use super::sniff::sniff;
use super::socket::{Refusal, Socket};
use super::sweep::{Times, sweep};
use super::table::Table;

/// How long a worker that cannot accept (no descriptor is left, most likely) waits before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a worker is made of.
#[derive(Debug)]
pub(super) struct Worker<A> {
    answer: Rc<A>,
    table: Arc<Table>,
    protocols: Protocols,
    times: Times,
    refusal: Refusal,
}

impl<A: Answer + 'static> Worker<A> {
    pub(super) fn new(
        answer: A,
        table: Arc<Table>,
        settings: &HttpSettings,
        refusal: Refusal,
    ) -> Self {
        Self {
            answer: Rc::new(answer),
            table,
            protocols: Protocols::of(settings),
            times: Times::of(settings),
            refusal,
        }
    }

    /// Serves until the listeners are closed and the last connection has ended, or all are aborted.
    ///
    /// What still runs then ends with the runtime.
    pub(super) fn run(self, runtime: &LocalRuntime, listeners: Vec<TcpListener>) {
        let worker = Rc::new(self);
        runtime.block_on(async {
            spawn_local(Rc::clone(&worker).sweep());
            let accepting: Vec<_> = listeners
                .into_iter()
                .map(|listener| spawn_local(Rc::clone(&worker).accept(listener)))
                .collect();
            for accepting in accepting {
                if let Err(error) = accepting.await {
                    tracing::error!(%error, worker = worker.table.worker(), "a listener was lost");
                    return;
                }
            }
            worker.last_connection().await;
        });
    }

    async fn sweep(self: Rc<Self>) {
        let mut ticks = interval(self.times.tick());
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            sweep(&self.table, self.times, Instant::now());
        }
    }

    async fn last_connection(&self) {
        loop {
            let emptied = self.table.emptied.notified();
            if self.table.is_empty() || self.table.shared().stage() == Stage::Abort {
                return;
            }
            emptied.await;
        }
    }

    /// Accepts until the listeners are to close; then what waits in the queue, which closing would reset.
    async fn accept(self: Rc<Self>, listener: TcpListener) {
        let mut failing = false;
        loop {
            let stage_changed = self.table.stage_changed.notified();
            if self.table.shared().stage() >= Stage::Close {
                break;
            }
            let accepted = tokio::select! {
                biased;
                () = stage_changed => continue,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failing = false;
                    self.take(stream, peer);
                }
                Err(error) if concerns_one_client(&error) => {}
                Err(error) => {
                    if !failing {
                        tracing::warn!(%error, worker = self.table.worker(), "cannot accept connections");
                    }
                    failing = true;
                    self.table.evict(Instant::now());
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        while let Some(Ok((stream, peer))) =
            poll_fn(|cx| Poll::Ready(ready(listener.poll_accept(cx)))).await
        {
            self.take(stream, peer);
        }
    }

    /// Begins to serve an accepted connection, or closes it where there is no place.
    fn take(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        #[cfg(not(target_os = "linux"))]
        let _ = super::sockets::prepare(&socket2::SockRef::from(&stream));
        let Ok(local) = stream.local_addr() else {
            return;
        };
        let Some(connection) = self.table.enter((peer, local), Instant::now()) else {
            return;
        };
        let socket = Socket::new(stream, Arc::clone(&connection), self.refusal);
        let serving = Rc::clone(self).serve(socket, Arc::clone(&connection));
        spawn_local(Abortable {
            connection,
            work: serving,
        });
    }

    async fn serve(self: Rc<Self>, socket: Socket, connection: Arc<Connection>) {
        let Ok(Some(protocol)) = sniff(socket.stream()).await else {
            return;
        };
        connection.set_protocol(protocol);
        let answer = Rc::clone(&self.answer);
        let outcome = if protocol == Protocol::Http2 {
            // Boxed, so that an HTTP/1 connection does not carry its size.
            Box::pin(
                self.protocols
                    .serve_http2(socket, answer, Arc::clone(&connection)),
            )
            .await
        } else {
            let outcome = self
                .protocols
                .serve_http1(socket, answer, Arc::clone(&connection))
                .await;
            connection.has_upgraded(); // Or its socket is closed, and nobody asks.
            outcome
        };
        if let Err(error) = outcome {
            tracing::trace!(%error, peer = %connection.peer(), "a connection ended early");
        }
    }
}

/// `None` for what is not ready.
fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Whether accepting failed for the one client, and the next may be better.
fn concerns_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

pin_project! {
    /// A connection's task, which ends at once when its connection is aborted.
    struct Abortable<F> {
        connection: Arc<Connection>,
        #[pin]
        work: F,
    }
}

impl<F: Future<Output = ()>> Future for Abortable<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.connection.keep_waker(cx.waker());
        if this.connection.stage() == Stage::Abort {
            return Poll::Ready(());
        }
        this.work.poll(cx)
    }
}
