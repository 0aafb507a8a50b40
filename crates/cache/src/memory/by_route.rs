//! The figures of each route.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use super::{MemoryProvider, SWEEP_SLOTS};
use crate::provider::CacheValue;
use crate::stats::{CacheStats, StatsByRoute};

impl<V: CacheValue> MemoryProvider<V> {
    /// The figures of at most `max` routes, by [`crate::CacheKey::route`].
    ///
    /// All that is held is looked at, a thousand values at a time with no lock in between: what comes and goes
    /// meanwhile may be in it twice or not at all. Not for a thread that serves requests.
    pub fn stats_by_route(&self, max: usize) -> StatsByRoute {
        let mut found = Gathered {
            max,
            ..Gathered::default()
        };
        let now = (self.clock)();
        for shard in &self.shards {
            for (route, counts) in shard.missed().lock().each() {
                found.add(route, |stats| stats.misses += counts.misses);
            }
            for (route, counts) in shard.inner.read().by_route().each() {
                found.add(route, |stats| {
                    stats.hits += counts.hits;
                    stats.evictions += counts.evictions;
                    stats.expirations += counts.expirations;
                    stats.purged += counts.purged;
                });
            }
            for start in (0..).step_by(SWEEP_SLOTS) {
                let inner = shard.inner.read();
                let Some(entries) = inner.entries_of(start..start + SWEEP_SLOTS) else {
                    break;
                };
                for entry in entries {
                    let held = now.saturating_duration_since(entry.since);
                    found.add(entry.key.route(), |stats| {
                        stats.keys += 1;
                        stats.bytes += entry.bytes;
                        stats.hits += entry.uses.load(Relaxed);
                        stats.oldest = stats.oldest.max(Some(held));
                        stats.newest = Some(stats.newest.map_or(held, |newest| newest.min(held)));
                    });
                }
            }
        }
        StatsByRoute {
            routes: found.routes,
            are_all: !found.full,
        }
    }
}

#[derive(Default)]
struct Gathered {
    max: usize,
    routes: BTreeMap<Box<str>, CacheStats>,
    full: bool,
}

impl Gathered {
    fn add(&mut self, route: &str, add: impl FnOnce(&mut CacheStats)) {
        if let Some(stats) = self.routes.get_mut(route) {
            add(stats);
        } else if self.routes.len() < self.max {
            add(self.routes.entry(route.into()).or_default());
        } else {
            self.full = true;
        }
    }
}
