//! What the monitor keeps of routes and arms beside the cells: totals and windows.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::arms::ChangeId;
use crate::cells::Cells;
use crate::registry::Registry;
use crate::totals::Totals;
use crate::window::{Cut, Past};

/// A route, or an arm of a change on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) totals: Totals,
    pub(crate) past: Past,
    /// Since when it is known, after the monitor's start.
    pub(crate) since: Duration,
    /// When it last counted anything, after the monitor's start.
    pub(crate) updated: Option<Duration>,
}

impl Kept {
    pub(crate) fn new(since: Duration) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// Adds what the cells of all shards counted until `at`, in the folding period `period`, to
    /// totals and to the window's slot `tick`.
    pub(crate) fn fold<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        period: u32,
        tick: u64,
        at: Duration,
    ) {
        if let Some(delta) = self.totals.fold(shards, period) {
            self.updated = Some(at);
            self.past.add(tick, delta);
        }
    }
}

/// A route with the arms of all changes that bore on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeptRoute {
    pub(crate) kept: Kept,
    pub(crate) arms: BTreeMap<(ChangeId, bool), Kept>,
}

impl KeptRoute {
    /// Whether no window holds anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.pasts().all(|past| past.oldest().is_none())
    }

    fn pasts(&self) -> impl Iterator<Item = &Past> {
        let arms = self.arms.values().map(|arm| &arm.past);
        arms.chain([&self.kept.past])
    }

    fn pasts_mut(&mut self) -> impl Iterator<Item = &mut Past> {
        let arms = self.arms.values_mut().map(|arm| &mut arm.past);
        arms.chain([&mut self.kept.past])
    }
}

/// Everything that is read and written under the monitor's one lock, never by a request.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) routes: Registry,
    pub(crate) changes: Registry,
    pub(crate) kept: BTreeMap<u32, KeptRoute>,
    /// When the cells were read last.
    pub(crate) collected: Instant,
    /// When the windows were emptied, after the monitor's start.
    pub(crate) cleared: Duration,
}

impl State {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            routes: Registry::default(),
            changes: Registry::default(),
            kept: BTreeMap::new(),
            collected: started,
            cleared: Duration::ZERO,
        }
    }

    /// What is kept of a route, which is known since `since` if it was not known before.
    pub(crate) fn route(&mut self, slot: u32, since: Duration) -> &mut KeptRoute {
        self.kept.entry(slot).or_insert_with(|| KeptRoute {
            kept: Kept::new(since),
            arms: BTreeMap::new(),
        })
    }

    pub(crate) fn age(&mut self, cut: &Cut, now: u64) {
        for past in self.kept.values_mut().flat_map(KeptRoute::pasts_mut) {
            past.age(cut, now);
        }
    }

    pub(crate) fn clear(&mut self, at: Duration) {
        self.cleared = at;
        for past in self.kept.values_mut().flat_map(KeptRoute::pasts_mut) {
            *past = Past::default();
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.kept
            .values()
            .flat_map(KeptRoute::pasts)
            .map(Past::bytes)
            .sum()
    }

    /// Drops slots until the windows fit into `memory`, the oldest of the quietest routes first, and
    /// says how many. The last minutes of all routes outlast the last hour of any.
    pub(crate) fn shed(&mut self, cut: &Cut, now: u64, memory: u64) -> u64 {
        let mut bytes = self.bytes();
        if bytes <= memory {
            return 0;
        }
        // Somewhat below the bound, so that the next fold need not do it again.
        let wanted = memory / 8 * 7;
        let mut pasts: Vec<_> = self
            .kept
            .values_mut()
            .flat_map(KeptRoute::pasts_mut)
            .collect();
        pasts.sort_by_cached_key(|past| past.count());
        let mut dropped = 0;
        for minutes in [15, 5, 1, 0] {
            let age = Duration::from_mins(minutes);
            let first = if minutes == 0 {
                u64::MAX
            } else {
                cut.first(age, now)
            };
            for past in &mut pasts {
                while bytes > wanted && past.oldest().is_some_and(|oldest| oldest < first) {
                    bytes -= past.drop_oldest();
                    dropped += 1;
                }
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totals::{Counts, Delta};

    #[test]
    fn the_oldest_of_the_quietest_go_first() {
        let cut = Cut::new(Duration::from_secs(5), Duration::from_hours(1));
        let mut state = State::new(Instant::now());
        for (slot, count) in [(1, 10), (2, 1_000)] {
            let route = state.route(slot, Duration::ZERO);
            for tick in 0..720 {
                let counts = Counts {
                    count,
                    ..Counts::default()
                };
                let times = (0..20).map(|bucket| (bucket, 1)).collect();
                route.kept.past.age(&cut, tick);
                route.kept.past.add(tick, Delta { counts, times });
            }
        }
        let full = state.bytes();
        assert_eq!(state.shed(&cut, 720, full), 0);
        assert!(state.shed(&cut, 720, full - 1) > 0);
        assert!(state.bytes() < full);
        assert!(state.kept[&1].kept.past.oldest() > Some(0));
        assert_eq!(state.kept[&2].kept.past.oldest(), Some(0));
        state.shed(&cut, 720, 0);
        assert_eq!(state.bytes(), 0);
    }
}
