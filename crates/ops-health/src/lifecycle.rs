//! Where does the server stand between its start and its end?
//!
//! A server starts, serves, and drains; there is no way back. Beside that it can be without routes, or drained by hand, and
//! both can turn back. All of it is readable everywhere at the price of an atomic load.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Where the server stands. A clone is a handle to the same.
#[derive(Clone, Debug)]
pub struct Lifecycle(Arc<State>);

#[derive(Debug)]
struct State {
    born: Instant,
    started: AtomicBool,
    draining: AtomicBool,
    no_routes: AtomicBool,
    drained: AtomicBool,
}

/// A stage of a server's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The first configuration and the listeners do not stand yet.
    Starting,
    /// It serves.
    Started,
    /// It is about to stop.
    ShuttingDown,
}

impl Lifecycle {
    /// A server that is starting now.
    pub fn new() -> Self {
        Self(Arc::new(State {
            born: Instant::now(),
            started: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            no_routes: AtomicBool::new(false),
            drained: AtomicBool::new(false),
        }))
    }

    /// Says that the first configuration and the listeners stand.
    pub fn mark_started(&self) {
        self.0.started.store(true, Ordering::Release);
    }

    /// Says that the server is about to stop: it is not ready from now on. Returns whether this call was the first to say so.
    pub fn begin_drain(&self) -> bool {
        !self.0.draining.swap(true, Ordering::AcqRel)
    }

    /// Says whether the configuration in force is without any route.
    pub fn set_no_routes(&self, no_routes: bool) {
        self.0.no_routes.store(no_routes, Ordering::Release);
    }

    /// Takes the server out of service by hand, or back in: it is not ready while it is out, and serves what comes all the same.
    pub fn set_drained(&self, drained: bool) {
        self.0.drained.store(drained, Ordering::Release);
    }

    /// The stage that the server is in.
    pub fn phase(&self) -> Phase {
        if self.is_shutting_down() {
            Phase::ShuttingDown
        } else if self.is_started() {
            Phase::Started
        } else {
            Phase::Starting
        }
    }

    /// Returns whether the server has started; that it is about to stop changes nothing about it.
    pub fn is_started(&self) -> bool {
        self.0.started.load(Ordering::Acquire)
    }

    /// Returns whether the server is about to stop.
    pub fn is_shutting_down(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Returns whether the configuration in force is without any route.
    pub fn has_no_routes(&self) -> bool {
        self.0.no_routes.load(Ordering::Acquire)
    }

    /// Returns whether the server was taken out of service by hand.
    pub fn is_drained(&self) -> bool {
        self.0.drained.load(Ordering::Acquire)
    }

    /// Time since the server began to start.
    pub fn uptime(&self) -> Duration {
        self.0.born.elapsed()
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}
