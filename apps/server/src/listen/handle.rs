//! Starting the workers, and the handle by which the server is watched and stopped.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::runtime::{self, LocalOptions, LocalRuntime};
use tokio::sync::watch;

use super::answer::Answer;
use super::connection::{Phase, Protocol, Stage};
use super::descriptors;
use super::settings::HttpSettings;
use super::sockets::Sockets;
use super::table::{Shared, Table, Tally};
use super::worker::Worker;

/// The running server. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct ServerHandle {
    shared: Arc<Shared>,
    tables: Arc<[Arc<Table>]>,
    workers: watch::Receiver<Workers>,
}

/// How many workers are there still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Workers {
    alive: usize,
    lost: usize,
}

/// What the listeners have seen since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that came, the refused ones included.
    pub accepted: u64,
    /// Connections that were closed at once, because `max_connections` were open and none was idle.
    pub refused: u64,
    /// Idle connections that were closed to make place for a new one.
    pub evicted: u64,
    /// Connections whose request head did not come within `head_timeout`.
    pub slow_head: u64,
    /// Connections that were idle for `idle_timeout`.
    pub idle: u64,
}

/// A connection that still has something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// The client's address.
    pub peer: SocketAddr,
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// Whether it is a tunnel.
    pub tunnel: bool,
    /// When it was accepted.
    pub opened: Instant,
    /// How many requests have begun on it.
    pub requests: u64,
    /// The index of its worker.
    pub worker: usize,
}

/// Serves `sockets` with one thread a set of them.
///
/// `make` is called once on each worker's thread, with the worker's index, and makes what answers the
/// requests of that worker. `refusal` makes the whole response, status line, fields and body, that goes
/// out in the place of the bare one that hyper sends for a head it cannot read (400, 414 or 431); the
/// connection is closed after it, and it should say so.
///
/// The limit of open files is raised to what `max_connections` need; where the system allows less, a
/// warning says how many it is enough for.
///
/// # Errors
/// When a thread, a runtime or the registration of a socket is refused by the system.
pub fn serve<A, M>(
    sockets: Sockets,
    settings: &HttpSettings,
    refusal: fn(StatusCode) -> Bytes,
    make: M,
) -> io::Result<ServerHandle>
where
    A: Answer + 'static,
    M: Fn(usize) -> A + Clone + Send + 'static,
{
    provide_descriptors(settings.max_connections);
    let shared = Arc::new(Shared::new(settings.max_connections as usize));
    let tables: Arc<[Arc<Table>]> = (0..sockets.workers())
        .map(|worker| Arc::new(Table::new(worker, Arc::clone(&shared))))
        .collect();
    let (told, workers) = watch::channel(Workers { alive: 0, lost: 0 });
    let told = Arc::new(told);

    let handle = ServerHandle {
        shared,
        tables,
        workers,
    };
    // All that may fail comes first, so that a failure leaves no worker behind: each makes itself ready on its own
    // thread, which its runtime cannot leave, and begins when all are.
    let mut starting = Vec::with_capacity(handle.tables.len());
    for (worker, listeners) in sockets.by_worker.into_iter().enumerate() {
        let table = Arc::clone(&handle.tables[worker]);
        let (make, settings) = (make.clone(), settings.clone());
        let (ready, is_ready) = mpsc::sync_channel(1);
        let (begin, begins) = mpsc::sync_channel::<Alive>(1);
        thread::Builder::new()
            .name(format!("worker-{worker}"))
            .spawn(move || {
                let (runtime, listeners) = match prepare(listeners) {
                    Ok(prepared) => prepared,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                let _ = ready.send(Ok(()));
                let Ok(alive) = begins.recv() else {
                    return; // Another one failed.
                };
                Worker::new(make(worker), table, &settings, refusal).run(&runtime, listeners);
                // A file or a look-up that hangs on a blocking thread must not hold up a stop.
                runtime.shutdown_background();
                drop(alive); // Told last, when nothing of the worker is left.
            })?;
        starting.push((is_ready, begin));
    }
    for (is_ready, _) in &starting {
        let died = |_| io::Error::other("a worker's thread ended before it began");
        is_ready.recv().map_err(died)??;
    }
    for ((_, begin), table) in starting.into_iter().zip(handle.tables.iter()) {
        let _ = begin.send(Alive::new(Arc::clone(&told), Arc::clone(table)));
    }
    Ok(handle)
}

/// A runtime for this thread, and the sockets that it waits for.
fn prepare(listeners: Vec<std::net::TcpListener>) -> io::Result<(LocalRuntime, Vec<TcpListener>)> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    let listeners = {
        let _context = runtime.enter();
        let listeners = listeners.into_iter();
        listeners
            .map(TcpListener::from_std)
            .collect::<io::Result<_>>()?
    };
    Ok((runtime, listeners))
}

fn provide_descriptors(connections_max: u32) {
    let connections_max = u64::from(connections_max);
    match descriptors::provide(connections_max) {
        Ok(enough_for) if enough_for < connections_max => {
            tracing::warn!(
                connections_max,
                enough_for,
                "the limit of open files is too low for http.max_connections"
            );
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "cannot raise the limit of open files"),
    }
}

impl ServerHandle {
    /// Announces the end: each HTTP/1 answer says `Connection: close`, HTTP/2 connections get their
    /// `GOAWAY` notice (later ones after their first request). New connections are still accepted, and
    /// idle HTTP/1 ones stay open.
    pub fn begin_drain(&self) {
        self.move_on(Stage::Drain);
    }

    /// Closes the listeners, after accepting what waits in their queues, and idle connections. Requests
    /// under way finish; [`closed`](Self::closed) tells when all have.
    pub fn close_listeners(&self) {
        self.move_on(Stage::Close);
    }

    /// Ends every connection at once, tunnels too, and the workers.
    pub fn abort_all(&self) {
        self.move_on(Stage::Abort);
    }

    /// Waits until every worker has ended: after [`close_listeners`](Self::close_listeners) with its last
    /// connection, tunnels included, and after [`abort_all`](Self::abort_all) at once.
    pub fn closed(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut workers = self.workers.clone();
        async move {
            // An error says that the last worker is gone, too.
            let _ = workers.wait_for(|workers| workers.alive == 0).await;
        }
    }

    /// Whether the end was announced.
    pub fn is_draining(&self) -> bool {
        self.shared.stage() >= Stage::Drain
    }

    /// How many workers were started.
    pub fn workers(&self) -> usize {
        self.tables.len()
    }

    /// How many workers ended though nobody asked them to: their listeners are closed.
    pub fn lost_workers(&self) -> usize {
        self.workers.borrow().lost
    }

    /// How many connections are open, tunnels included.
    pub fn connections(&self) -> usize {
        self.tables.iter().map(|table| table.len()).sum()
    }

    /// How many requests are under way, without tunnels.
    pub fn in_flight(&self) -> usize {
        self.tables.iter().map(|table| table.in_flight()).sum()
    }

    /// How many requests are under way on each worker.
    pub fn in_flight_by_worker(&self) -> impl Iterator<Item = usize> + '_ {
        self.tables.iter().map(|table| table.in_flight())
    }

    /// What the listeners have seen since the start.
    pub fn counts(&self) -> Counts {
        let sum = |of: fn(&Tally) -> &AtomicU64| {
            self.tables
                .iter()
                .map(|table| of(&table.tally).load(Relaxed))
                .sum()
        };
        Counts {
            accepted: sum(|tally| &tally.accepted),
            refused: sum(|tally| &tally.refused),
            evicted: sum(|tally| &tally.evicted),
            slow_head: sum(|tally| &tally.slow_head),
            idle: sum(|tally| &tally.idle),
        }
    }

    /// The connections that still have something to do, for the line that says what was cut.
    pub fn running(&self) -> Vec<Running> {
        let mut running = Vec::new();
        for table in self.tables.iter() {
            table.each(|entry| {
                let connection = &entry.connection;
                let phase = connection.phase();
                if matches!(phase, Phase::Busy | Phase::Tunnel) {
                    running.push(Running {
                        peer: connection.peer(),
                        protocol: connection.protocol(),
                        tunnel: phase == Phase::Tunnel,
                        opened: connection.opened(),
                        requests: connection.requests(),
                        worker: connection.worker(),
                    });
                }
            });
        }
        running
    }

    fn move_on(&self, stage: Stage) {
        if self.shared.move_on(stage) {
            for table in self.tables.iter() {
                table.move_on(stage);
            }
        }
    }
}

/// Tells, when it is dropped, that a worker has ended, and whether it was asked to.
struct Alive {
    told: Arc<watch::Sender<Workers>>,
    table: Arc<Table>,
}

impl Alive {
    fn new(told: Arc<watch::Sender<Workers>>, table: Arc<Table>) -> Self {
        told.send_modify(|workers| workers.alive += 1);
        Self { told, table }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        let lost = thread::panicking() || self.table.shared().stage() < Stage::Close;
        if lost {
            tracing::error!(worker = self.table.worker(), "a worker was lost");
        }
        self.told.send_modify(|workers| {
            workers.alive -= 1;
            workers.lost += usize::from(lost);
        });
    }
}
