//! How many answers may be under way in an encoder at once.
//!
//! An encoder is a megabyte or two, and a client that reads slowly keeps its answer's alive: so there is a bound, and an
//! answer beyond it leaves as it is, which its client can read too.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// So many at once in one process: half a gigabyte where all of them are brotli's.
const PLACES: usize = 256;

/// The places of a process.
#[derive(Clone, Debug)]
pub struct Places(Arc<AtomicUsize>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(AtomicUsize::new(PLACES)))
    }
}

impl Places {
    /// A place, if one is free.
    pub(super) fn take(&self) -> Option<Place> {
        let taken = self
            .0
            .fetch_update(Relaxed, Relaxed, |free| free.checked_sub(1));
        taken.ok().map(|_| Place(Arc::clone(&self.0)))
    }
}

/// One answer's place, free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}
