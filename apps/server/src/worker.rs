//! One worker's way to the snapshot, and its own copy of the stack.
use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};
use http::Request;

use crate::clock;
use crate::entry::Enter;
use crate::snapshot::{Held, Snapshot};

/// The snapshot in force.
pub type Current = Arc<ArcSwap<Snapshot>>;

/// Serves the requests of one thread.
pub struct Worker<S> {
    index: usize,
    compose: Box<dyn Fn(&Held) -> S>,
    mine: RefCell<Mine<S>>,
}

struct Mine<S> {
    current: Cache<Current, Arc<Snapshot>>,
    held: Held,
    stack: S,
}

impl<S> fmt::Debug for Worker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

impl<S> Worker<S> {
    /// A worker that composes its copy with `compose` whenever it meets a snapshot for the first time.
    pub fn new(index: usize, current: Current, compose: impl Fn(&Held) -> S + 'static) -> Rc<Self> {
        let held = Held::new(current.load_full(), index);
        let mine = Mine {
            stack: compose(&held),
            current: Cache::new(current),
            held,
        };
        Rc::new(Self {
            index,
            compose: Box::new(compose),
            mine: RefCell::new(mine),
        })
    }

    /// The one place where a request meets "the current" snapshot.
    pub fn ask<B>(&self, request: Request<B>, peer: Option<SocketAddr>) -> S::Future
    where
        S: Enter<Request<B>>,
    {
        clock::refresh();
        // Borrowed during the call: no layer calls the worker again.
        let Mine {
            current,
            held,
            stack,
        } = &mut *self.mine.borrow_mut();
        let newest = current.load();
        if !Arc::ptr_eq(newest, &held.snapshot) {
            *held = Held::new(Arc::clone(newest), self.index);
            *stack = (self.compose)(held);
        }
        // Every layer of ours is always ready; a program's own service is waited for where it is asked.
        stack.enter(request, peer)
    }
}
