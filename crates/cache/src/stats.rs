//! What does a store say about itself?

use std::collections::BTreeMap;
use std::time::Duration;

/// The figures of one store, since it was made; sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// How many values are held, stale and purged ones counted until they are freed.
    pub keys: u64,
    /// How many look-ups found a value, stale ones too.
    pub hits: u64,
    /// How many found none.
    pub misses: u64,
    /// How many bytes the values, their keys and what keeps them in order take.
    pub bytes: u64,
    /// How long the oldest value has been held.
    pub oldest: Option<Duration>,
    /// How long the newest has.
    pub newest: Option<Duration>,
    /// How many gave way to others.
    pub evictions: u64,
    /// How many had been kept as long as they were to be.
    pub expirations: u64,
    /// How many were found purged and freed.
    pub purged: u64,
}

impl CacheStats {
    /// The share of look-ups that found a value, 0 to 1; `None` before the first look-up.
    pub fn hit_rate(&self) -> Option<f64> {
        let all = self.hits + self.misses;
        (all > 0).then(|| self.hits as f64 / all as f64)
    }

    /// The share of look-ups that found none, 0 to 1; `None` before the first look-up.
    pub fn miss_rate(&self) -> Option<f64> {
        self.hit_rate().map(|hits| 1.0 - hits)
    }
}

/// The figures of one store route by route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatsByRoute {
    /// By the route's id.
    pub routes: BTreeMap<Box<str>, CacheStats>,
    /// Whether these are all.
    pub are_all: bool,
}
