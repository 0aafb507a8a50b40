//! Least recently used: which value of a shard gives way?
//!
//! Each hit moves its value to the front, so a look-up locks its shard alone. Worth it where the set
//! of busy keys moves; otherwise see `s3_fifo`.

use lru::LruCache;

/// The order in which the values of one shard give way.
#[derive(Debug)]
pub(super) struct Lru(LruCache<u32, (), foldhash::fast::RandomState>);

impl Lru {
    pub(super) fn new() -> Self {
        Self(LruCache::unbounded_with_hasher(
            foldhash::fast::RandomState::default(),
        ))
    }

    /// A value came into `slot`.
    pub(super) fn insert(&mut self, slot: u32) {
        self.0.put(slot, ());
    }

    /// The value in `slot` was asked for.
    pub(super) fn touch(&mut self, slot: u32) {
        self.0.promote(&slot);
    }

    /// The value in `slot` is gone.
    pub(super) fn remove(&mut self, slot: u32) {
        self.0.pop(&slot);
    }

    /// Takes out the slot that gives way.
    pub(super) fn evict(&mut self) -> Option<u32> {
        self.0.pop_lru().map(|(slot, ())| slot)
    }
}
