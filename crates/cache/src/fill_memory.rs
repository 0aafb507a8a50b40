//! How much memory may responses take while they are being fetched?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The memory of all fills together; a program makes one beside its store.
///
/// A fill that finds no room just streams: at its client's pace, and it is not stored.
#[derive(Debug)]
pub struct FillMemory {
    used: AtomicU64,
    max: u64,
}

impl FillMemory {
    /// A memory of at most `bytes`.
    pub fn new(bytes: u64) -> Arc<Self> {
        Arc::new(Self {
            used: AtomicU64::new(0),
            max: bytes,
        })
    }

    /// How many bytes fills take at this moment.
    pub fn memory_in_use(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// How many bytes they may take.
    pub fn bytes_max(&self) -> u64 {
        self.max
    }

    pub(crate) fn take(&self, bytes: u64) -> bool {
        let taken = self.used.fetch_update(Relaxed, Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= self.max)
        });
        taken.is_ok()
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}
