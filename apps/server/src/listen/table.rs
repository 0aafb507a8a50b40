//! A worker's connections and counters.
//!
//! One worker writes it. The lock is taken when a connection opens or closes, by the sweep, and when
//! the server's stage changes: never for a request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::connection::{Connection, Phase, Stage};

/// What all workers share; touched when a connection opens or closes.
#[derive(Debug)]
pub(super) struct Shared {
    next_id: AtomicU64,
    open: AtomicUsize,
    stage: AtomicU8,
    connections_max: usize,
}

impl Shared {
    pub(super) fn new(connections_max: usize) -> Self {
        Self {
            next_id: AtomicU64::new(1),
            open: AtomicUsize::new(0),
            stage: AtomicU8::new(Stage::Open as u8),
            connections_max,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Relaxed))
    }

    /// Moves the server on; returns whether that was news.
    pub(super) fn move_on(&self, stage: Stage) -> bool {
        self.stage.fetch_max(stage as u8, Relaxed) < stage as u8
    }
}

/// Why connections ended, or never began, against their will.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) slow_head: AtomicU64,
    pub(super) idle: AtomicU64,
}

impl Tally {
    pub(super) fn add_late(&self, slow_head: u64, idle: u64) {
        self.slow_head.fetch_add(slow_head, Relaxed);
        self.idle.fetch_add(idle, Relaxed);
    }
}

/// One worker's connections.
#[derive(Debug)]
pub(super) struct Table {
    worker: usize,
    shared: Arc<Shared>,
    entries: Mutex<HashMap<u64, Entry>>,
    in_flight: AtomicU32,
    /// Wakes the worker's accepting tasks when the server's stage changes.
    pub(super) stage_changed: Notify,
    /// Wakes the worker when its last connection has ended.
    pub(super) emptied: Notify,
    pub(super) tally: Tally,
}

/// A connection as the sweep last saw it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) connection: Arc<Connection>,
    pub(super) phase: Phase,
    pub(super) marks: u32,
    /// Since when it is in this phase.
    pub(super) since: Instant,
    /// Since when it is asked to end.
    pub(super) closing: Option<Instant>,
    /// It was asked to give its buffers back, in this phase.
    pub(super) rested: bool,
}

impl Entry {
    /// Notes what the connection does at `now`.
    pub(super) fn look(&mut self, now: Instant) {
        let (phase, marks) = (self.connection.phase(), self.connection.marks());
        let first = matches!(
            (self.phase, phase),
            (Phase::First { .. }, Phase::First { .. })
        );
        if !first && (phase != self.phase || marks != self.marks) {
            self.since = now;
            self.rested = false;
        }
        (self.phase, self.marks) = (phase, marks);
        if self.closing.is_none() && self.connection.stage() >= Stage::Close {
            self.closing = Some(now);
        }
    }
}

impl Table {
    pub(super) fn new(worker: usize, shared: Arc<Shared>) -> Self {
        Self {
            worker,
            shared,
            entries: Mutex::default(),
            in_flight: AtomicU32::new(0),
            stage_changed: Notify::new(),
            emptied: Notify::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn worker(&self) -> usize {
        self.worker
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Enters an accepted connection, or refuses it (`None`) where no place is left.
    pub(super) fn enter(
        self: &Arc<Self>,
        addresses: (SocketAddr, SocketAddr),
        now: Instant,
    ) -> Option<Arc<Connection>> {
        self.tally.accepted.fetch_add(1, Relaxed);
        if self.shared.open.fetch_add(1, Relaxed) >= self.shared.connections_max && !self.evict(now)
        {
            self.shared.open.fetch_sub(1, Relaxed);
            self.tally.refused.fetch_add(1, Relaxed);
            return None;
        }
        let id = self.shared.next_id.fetch_add(1, Relaxed);
        let connection = Arc::new(Connection::new(id, addresses, Arc::clone(self), now));
        let mut entries = self.entries.lock();
        // Read under the lock: whoever raises the stage does so first and then walks the table.
        connection.move_on(self.shared.stage());
        entries.insert(
            id,
            Entry {
                connection: Arc::clone(&connection),
                phase: Phase::First { silent: true },
                marks: 0,
                since: now,
                closing: None,
                rested: false,
            },
        );
        Some(connection)
    }

    /// Ends the connection that has been idle longest. Returns whether there was one.
    pub(super) fn evict(&self, now: Instant) -> bool {
        let mut entries = self.entries.lock();
        let longest = entries
            .values_mut()
            .filter_map(|entry| {
                entry.look(now);
                let idle = entry.phase == Phase::Idle && entry.connection.stage() < Stage::Abort;
                idle.then_some((entry.since, &entry.connection))
            })
            .min_by_key(|(since, _)| *since);
        let Some((_, connection)) = longest else {
            return false;
        };
        connection.move_on(Stage::Abort);
        self.tally.evicted.fetch_add(1, Relaxed);
        true
    }

    /// Takes out a connection whose socket is closed.
    pub(super) fn leave(&self, id: u64) {
        let empty = {
            let mut entries = self.entries.lock();
            if entries.remove(&id).is_none() {
                return;
            }
            entries.is_empty()
        };
        self.shared.open.fetch_sub(1, Relaxed);
        if empty {
            self.emptied.notify_waiters();
        }
    }

    /// Hands every entry to `see`, under the lock.
    pub(super) fn each(&self, mut see: impl FnMut(&mut Entry)) {
        self.entries.lock().values_mut().for_each(&mut see);
    }

    /// Moves every connection on, and wakes who waits for the server's stage.
    pub(super) fn move_on(&self, stage: Stage) {
        self.each(|entry| entry.connection.move_on(stage));
        self.stage_changed.notify_waiters();
        self.emptied.notify_waiters();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.lock().is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.lock().len()
    }

    pub(super) fn begin_request(&self) {
        // Requests begin and end on the worker's own thread.
        let in_flight = self.in_flight.load(Relaxed);
        self.in_flight.store(in_flight + 1, Relaxed);
    }

    pub(super) fn end_request(&self) {
        let in_flight = self.in_flight.load(Relaxed);
        self.in_flight.store(in_flight - 1, Relaxed);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed) as usize
    }
}
