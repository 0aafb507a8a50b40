//! Under which own subjects is anything held, being fetched or being read?

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use foldhash::quality::SeedableRandomState;
use smallvec::SmallVec;

/// A counting filter: it may take one subject for another, and then more is remembered, never less.
#[derive(Debug)]
pub(super) struct Filter {
    cells: Box<[AtomicU32]>,
    /// Seeded, so that nobody outside can aim at a cell.
    hasher: SeedableRandomState,
}

/// Own subjects, counted until this is dropped: with the fetch, the read or the value in memory that they are of.
#[derive(Debug)]
pub struct Held {
    filter: Arc<Filter>,
    own: SmallVec<[u128; 2]>,
}

impl Filter {
    /// For about so many values.
    pub(super) fn new(values: usize) -> Arc<Self> {
        let cells = values
            .saturating_mul(4)
            .clamp(1 << 10, 1 << 16)
            .next_power_of_two();
        #[cfg(not(test))]
        let hasher = SeedableRandomState::random();
        #[cfg(test)]
        let hasher = SeedableRandomState::fixed();
        Arc::new(Self {
            cells: (0..cells).map(|_| AtomicU32::new(0)).collect(),
            hasher,
        })
    }

    pub(super) fn hold(self: &Arc<Self>, own: &[u128]) -> Held {
        for subject in own {
            self.cell(*subject).fetch_add(1, SeqCst);
        }
        Held {
            filter: Arc::clone(self),
            own: SmallVec::from_slice(own),
        }
    }

    pub(super) fn holds(&self, own: u128) -> bool {
        self.cell(own).load(SeqCst) > 0
    }

    fn cell(&self, own: u128) -> &AtomicU32 {
        // There are at most 2^16 cells.
        let cell = self.hasher.hash_one(own) & (self.cells.len() as u64 - 1);
        &self.cells[usize::try_from(cell).unwrap_or_default()]
    }
}

impl Held {
    /// What is counted.
    pub fn own(&self) -> &[u128] {
        &self.own
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        for subject in &self.own {
            self.filter.cell(*subject).fetch_sub(1, SeqCst);
        }
    }
}
