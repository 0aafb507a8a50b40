//! What is known of one connection: an `Arc` of relaxed atomics.
//!
//! The wrapper around the socket, hyper's service and the bodies write it; the sweep reads it and tells
//! from it which phase the connection is in. No part of it is a lock or a timer, so that a request costs
//! a few plain additions here: what only the connection's own thread writes is not even added atomically.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;

use super::table::Table;

/// One client's connection.
#[derive(Debug)]
pub struct Connection {
    id: u64,
    peer: SocketAddr,
    local: SocketAddr,
    opened: Instant,
    table: Arc<Table>,
    protocol: AtomicU8,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    requests: AtomicU64,
    /// Service calls whose answer is not yet given to hyper to the end.
    calls: AtomicU32,
    /// Request bodies that have not ended; one may outlive its call.
    bodies: AtomicU32,
    /// Counts changes of phase, so that the sweep sees that a phase ended and began again between its ticks.
    marks: AtomicU32,
    /// An answer was begun and is not yet flushed.
    answering: AtomicBool,
    /// Bytes of a next head have come.
    reading: AtomicBool,
    /// The HTTP/1 request body was let go before its end.
    unread: AtomicBool,
    /// The socket left hyper for a tunnel.
    upgraded: AtomicBool,
    /// Its buffers are to be given back, if it is still idle.
    rest: AtomicBool,
    stage: AtomicU8,
    waker: OnceLock<Waker>,
}

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Not told yet: its first bytes have not come.
    Unknown,
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2, by prior knowledge.
    Http2,
}

/// How far a connection, or the whole server, is on its way to the end. It only ever rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Serving.
    Open = 0,
    /// Serving, and each answer announces the end.
    Drain = 1,
    /// No new request: it ends when the ones under way do.
    Close = 2,
    /// It ends now.
    Abort = 3,
}

impl Stage {
    pub(super) fn of(value: u8) -> Self {
        match value {
            0 => Self::Open,
            1 => Self::Drain,
            2 => Self::Close,
            _ => Self::Abort,
        }
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Its first request's head has not come whole; `silent` while not a byte has.
    First {
        /// Not a byte of it was read.
        silent: bool,
    },
    /// A later request's head has begun.
    Head,
    /// Requests are under way.
    Busy,
    /// Between requests.
    Idle,
    /// A tunnel, which the program that made it looks after.
    Tunnel,
}

impl Connection {
    pub(super) fn new(
        id: u64,
        (peer, local): (SocketAddr, SocketAddr),
        table: Arc<Table>,
        opened: Instant,
    ) -> Self {
        Self {
            id,
            peer,
            local,
            opened,
            table,
            protocol: AtomicU8::new(0),
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            calls: AtomicU32::new(0),
            bodies: AtomicU32::new(0),
            marks: AtomicU32::new(0),
            answering: AtomicBool::new(false),
            reading: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            upgraded: AtomicBool::new(false),
            rest: AtomicBool::new(false),
            stage: AtomicU8::new(Stage::Open as u8),
            waker: OnceLock::new(),
        }
    }

    /// A number that no other connection of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The address that it came from (a proxy's, where one stands before us).
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The address of ours that it came to.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// When it was accepted.
    pub fn opened(&self) -> Instant {
        self.opened
    }

    /// The index of the worker that serves it.
    pub fn worker(&self) -> usize {
        self.table.worker()
    }

    /// Which protocol it speaks.
    pub fn protocol(&self) -> Protocol {
        match self.protocol.load(Relaxed) {
            1 => Protocol::Http1,
            2 => Protocol::Http2,
            _ => Protocol::Unknown,
        }
    }

    /// How many bytes were read from it, heads and framing included.
    pub fn bytes_in(&self) -> u64 {
        self.bytes_in.load(Relaxed)
    }

    /// How many bytes were written to it, heads and framing included.
    pub fn bytes_out(&self) -> u64 {
        self.bytes_out.load(Relaxed)
    }

    /// How many requests have begun on it, the current ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Whether the server is stopping, so that this connection takes no further request.
    pub fn is_draining(&self) -> bool {
        self.stage() >= Stage::Drain
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn set_protocol(&self, protocol: Protocol) {
        self.protocol.store(protocol as u8, Relaxed);
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Relaxed))
    }

    /// Moves it on to `stage`, if it is not further already, and wakes its task to see to it.
    pub(super) fn move_on(&self, stage: Stage) {
        if self.stage.fetch_max(stage as u8, Relaxed) < stage as u8 {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Asks its task to give its buffers back.
    pub(super) fn ask_to_rest(&self) {
        self.rest.store(true, Relaxed);
        self.wake();
    }

    /// Whether it was asked to, since this was last called.
    pub(super) fn takes_rest(&self) -> bool {
        self.rest.load(Relaxed) && self.rest.swap(false, Relaxed)
    }

    /// Keeps the task's waker. A task has one for its whole life, so the first poll's will do.
    pub(super) fn keep_waker(&self, waker: &Waker) {
        self.waker.get_or_init(|| waker.clone());
    }

    pub(super) fn phase(&self) -> Phase {
        if self.upgraded.load(Relaxed) {
            Phase::Tunnel
        } else if self.calls.load(Relaxed) > 0
            || self.bodies.load(Relaxed) > 0
            || self.is_unflushed()
        {
            Phase::Busy
        } else if self.requests() == 0 {
            Phase::First {
                silent: self.bytes_in() == 0,
            }
        } else if self.reading.load(Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    pub(super) fn marks(&self) -> u32 {
        self.marks.load(Relaxed)
    }

    /// HTTP/2 has its own buffers behind the socket's; there only streams count.
    fn is_unflushed(&self) -> bool {
        self.answering.load(Relaxed) && self.protocol() != Protocol::Http2
    }

    fn mark(&self) {
        self.marks.fetch_add(1, Relaxed);
    }

    pub(super) fn has_read(&self, bytes: usize) {
        add(&self.bytes_in, bytes as u64);
        if self.protocol() == Protocol::Http1
            && self.is_between_answers()
            && self.bodies.load(Relaxed) == 0
        {
            self.await_head();
        }
    }

    /// Holds it to the time of a head from now on.
    pub(super) fn await_head(&self) {
        if !self.reading.load(Relaxed) {
            self.reading.store(true, Relaxed);
            self.mark();
        }
    }

    pub(super) fn has_written(&self, bytes: usize) {
        add(&self.bytes_out, bytes as u64);
    }

    pub(super) fn has_flushed(&self) {
        if self.answering.load(Relaxed) && self.calls.load(Relaxed) == 0 {
            self.answering.store(false, Relaxed);
            self.mark();
        }
    }

    /// Whether no service call is open and every answer has left: what is written now is hyper's own.
    pub(super) fn is_between_answers(&self) -> bool {
        self.calls.load(Relaxed) == 0 && !self.answering.load(Relaxed)
    }

    pub(super) fn has_upgraded(&self) {
        self.upgraded.store(true, Relaxed);
    }

    /// Whether an HTTP/1 request's body was let go before its end, so that bytes of it may still come.
    pub(super) fn left_unread(&self) -> bool {
        self.unread.load(Relaxed) && self.protocol() == Protocol::Http1
    }
}

/// Adds to a counter that no other thread writes.
fn add(counter: &AtomicU64, amount: u64) {
    counter.store(counter.load(Relaxed) + amount, Relaxed);
}

/// A request under way: from the service's call until the answer's body has ended or is dropped.
#[derive(Debug)]
pub(super) struct Call {
    connection: Arc<Connection>,
    /// It stays on the connection's thread, the only one that counts calls.
    _here: PhantomData<*const ()>,
}

impl Call {
    pub(super) fn begin(connection: &Arc<Connection>) -> Self {
        let calls = connection.calls.load(Relaxed);
        connection.calls.store(calls + 1, Relaxed);
        add(&connection.requests, 1);
        connection.answering.store(true, Relaxed);
        connection.reading.store(false, Relaxed);
        connection.unread.store(false, Relaxed);
        connection.table.begin_request();
        Self {
            connection: Arc::clone(connection),
            _here: PhantomData,
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let calls = self.connection.calls.load(Relaxed);
        self.connection.calls.store(calls - 1, Relaxed);
        self.connection.mark();
        self.connection.table.end_request();
    }
}

/// A request body that has not ended.
#[derive(Debug)]
pub(super) struct Unfinished {
    connection: Arc<Connection>,
    finished: bool,
}

impl Unfinished {
    pub(super) fn begin(connection: &Arc<Connection>) -> Self {
        connection.bodies.fetch_add(1, Relaxed);
        Self {
            connection: Arc::clone(connection),
            finished: false,
        }
    }

    /// The body was read to its end.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.finished {
            self.connection.unread.store(true, Relaxed);
        }
        self.connection.bodies.fetch_sub(1, Relaxed);
        self.connection.mark();
    }
}
