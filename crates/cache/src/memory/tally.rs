//! What became of look-ups and values, route by route.

use std::collections::HashMap;

/// At most this many routes are told apart in each part of the store; what comes then is counted for none.
const ROUTES_MAX: usize = 1024;

/// The counts of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// How often values were found that are gone.
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) evictions: u64,
    pub(super) expirations: u64,
    pub(super) purged: u64,
}

/// The counts of all routes, in one part of the store. Only misses and the ends of values come here: a hit writes to
/// its value alone.
#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<Box<str>, Counts, foldhash::fast::RandomState>);

impl Tally {
    /// Counts something for a route.
    pub(super) fn count(&mut self, route: &str, add: impl FnOnce(&mut Counts)) {
        if let Some(counts) = self.0.get_mut(route) {
            add(counts);
        } else if self.0.len() < ROUTES_MAX {
            add(self.0.entry(route.into()).or_default());
        }
    }

    pub(super) fn each(&self) -> impl Iterator<Item = (&str, &Counts)> {
        self.0.iter().map(|(route, counts)| (&**route, counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_without_end_take_no_memory_without_end() {
        let mut tally = Tally::default();
        for round in 0..2 {
            for route in 0..2 * ROUTES_MAX {
                tally.count(&route.to_string(), |counts| counts.misses += 1);
            }
            assert_eq!(tally.each().count(), ROUTES_MAX);
            assert!(tally.each().all(|(_, counts)| counts.misses == round + 1));
        }
    }
}
