//! The series of one route: method, status, scheme, what failed, and how it went.
//!
//! They are what `/metrics` shows, and added up by how it went they are the counts of errors and
//! aborts too, so that a sample counts in one place.
//!
//! A client chooses methods and, in part, statuses, so both are bounded: a route has 16 pairs of
//! method and status below 500 and 16 from 500 on, first come, first served, the same ones in all
//! shards. Past them the method is `_OTHER` and the status its class, and because the two ranges
//! count apart, no client can hide a 503 behind invented 404s.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::cells::{Timed, add_64, count_one};
use crate::histogram::{BUCKETS, bucket_of, lower_bound};
use crate::key::Key;
use crate::sample::Outcome;

/// Upper bounds of the buckets of `http_server_request_duration_seconds`, in microseconds:
/// OpenTelemetry's, and five below them, so that a hit can be seen.
pub(crate) const BOUNDS: [u64; 19] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000,
    750_000, 1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

/// For each bucket of the fine histogram the coarse one of its least time. A fine bucket is so
/// narrow that at most one bound lies in it.
static COARSE: [u8; BUCKETS] = {
    let mut table = [0; BUCKETS];
    let (mut bucket, mut coarse) = (0, 0);
    while bucket < BUCKETS {
        while coarse < BOUNDS.len() && lower_bound(bucket) > BOUNDS[coarse] * 1_000 {
            coarse += 1;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are 20 coarse buckets"
        )]
        {
            table[bucket] = coarse as u8;
        }
        bucket += 1;
    }
    table
};

/// The bounds in nanoseconds, and none above the last; as many as a mask of bits can index.
static BOUNDS_NANOS: [u64; 32] = {
    let mut bounds = [u64::MAX; 32];
    let mut index = 0;
    while index < BOUNDS.len() {
        bounds[index] = BOUNDS[index] * 1_000;
        index += 1;
    }
    bounds
};

#[inline]
fn coarse_of(Timed { nanos, bucket }: Timed) -> usize {
    let coarse = usize::from(COARSE[bucket]);
    coarse + usize::from(nanos > BOUNDS_NANOS[coarse % BOUNDS_NANOS.len()])
}

/// The buckets of the fine histogram that a coarse one has times in. Neighbours share the one in
/// which the bound lies.
pub(crate) fn buckets_of(coarse: usize) -> Range<usize> {
    let first = coarse
        .checked_sub(1)
        .map_or(0, |below| bucket_of(BOUNDS_NANOS[below] + 1));
    first..bucket_of(BOUNDS_NANOS[coarse]) + 1
}

/// Buckets of a series; the last one has no bound.
pub(crate) const TIMES: usize = BOUNDS.len() + 1;

/// The pairs of method and status that a route tells apart, the same in all shards.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    below_500: [AtomicU32; 16],
    from_500: [AtomicU32; 16],
}

impl Pairs {
    /// The key itself while its pair has a place, otherwise the folded one.
    fn admit(&self, key: Key) -> Key {
        let range = match key.status() {
            ..500 => &self.below_500,
            500.. => &self.from_500,
        };
        let pair = key.pair() + 1; // Zero is a free place.
        for place in range {
            match place.compare_exchange(0, pair, Relaxed, Relaxed) {
                Ok(_) => return key,
                Err(taken) if taken == pair => return key,
                Err(_) => {}
            }
        }
        key.folded()
    }

    pub(crate) fn reset(&self) {
        for place in self.below_500.iter().chain(&self.from_500) {
            place.store(0, Relaxed);
        }
    }
}

/// One series in one shard.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Series {
    nanos: AtomicU64,
    key: AtomicU32,
    buckets: [AtomicU32; TIMES],
}

impl Series {
    #[inline]
    fn add<const OWNED: bool>(&self, time: Timed) {
        add_64::<OWNED>(&self.nanos, time.nanos);
        count_one::<OWNED>(&self.buckets[coarse_of(time)]);
    }

    pub(crate) fn key(&self) -> Option<Key> {
        let key = self.key.load(Relaxed);
        (key != 0).then_some(Key(key))
    }

    /// Adds what this series counted to sums that wrap around at 32 bits, and at 64 for
    /// nanoseconds. What it counted is visible after this.
    pub(crate) fn add_to(&self, buckets: &mut [u32; TIMES], nanos: &mut u64) {
        for (sum, cell) in buckets.iter_mut().zip(&self.buckets) {
            *sum = sum.wrapping_add(cell.load(Acquire));
        }
        *nanos = nanos.wrapping_add(self.nanos.load(Relaxed));
    }
}

const PART: usize = 3;
/// Parts that ordinary series may fill; beyond them only the last resorts are added.
const PARTS: usize = 64;

/// The series of a route in one shard, from the first one on in the order in which they came.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct SeriesTable {
    part: [Series; PART],
    more: OnceLock<Box<SeriesTable>>,
}

impl SeriesTable {
    /// Counts a time under `key`, or where the route's `pairs` let it count.
    #[inline]
    pub(crate) fn record<const OWNED: bool>(
        &self,
        key: Key,
        time: Timed,
        pairs: impl FnOnce() -> Option<Key>,
    ) {
        if let Some(series) = self.find(key) {
            return series.add::<OWNED>(time);
        }
        if let Some(series) = self.admit(key, pairs) {
            series.add::<OWNED>(time);
        }
    }

    /// Counts what has no response time.
    pub(crate) fn record_untimed<const OWNED: bool>(&self, outcome: Outcome) {
        let key = Key::untimed(outcome);
        if let Some(series) = self.claim(key, usize::MAX) {
            count_one::<OWNED>(&series.buckets[0]);
        }
    }

    #[cold]
    #[inline(never)]
    fn admit(&self, key: Key, pairs: impl FnOnce() -> Option<Key>) -> Option<&Series> {
        let admitted = pairs().unwrap_or(key);
        self.claim(admitted, PARTS)
            .or_else(|| self.claim(admitted.lost(), usize::MAX))
    }

    /// The series of `key`, if it has one.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<&Series> {
        let mut table = self;
        loop {
            for series in &table.part {
                match series.key.load(Relaxed) {
                    found if found == key.0 => return Some(series),
                    0 => return None, // Places fill from the front.
                    _ => {}
                }
            }
            table = table.more.get()?;
        }
    }

    fn claim(&self, key: Key, parts: usize) -> Option<&Series> {
        let mut table = self;
        for _ in 0..parts {
            for series in &table.part {
                match series.key.compare_exchange(0, key.0, Relaxed, Relaxed) {
                    Ok(_) => return Some(series),
                    Err(taken) if taken == key.0 => return Some(series),
                    Err(_) => {}
                }
            }
            table = table.more.get_or_init(Box::default);
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Series> {
        let tables =
            std::iter::successors(Some(self), |table| table.more.get().map(|more| &**more));
        tables.flat_map(|table| &table.part)
    }

    /// Frees every place; for a route that nobody writes any more.
    pub(crate) fn reset(&self) {
        for series in self.iter() {
            for cell in series.buckets.iter().chain([&series.key]) {
                cell.store(0, Relaxed);
            }
            series.nanos.store(0, Relaxed);
        }
    }
}

/// The key under which a route with `pairs` counts `key`.
pub(crate) fn admit(pairs: Option<&Pairs>, key: Key) -> Option<Key> {
    pairs.map(|pairs| pairs.admit(key))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::key::ErrorTypes;
    use crate::method::Method;
    use crate::sample::{Sample, SlotIndex};

    fn sample(method: Method, status: u16) -> Sample {
        let mut sample = Sample::new(SlotIndex::NONE, status, Duration::ZERO, Instant::now());
        sample.method = method;
        sample
    }

    fn time(nanos: u64) -> Timed {
        Timed::new(Duration::from_nanos(nanos))
    }

    #[test]
    fn a_time_counts_below_the_bound_that_it_equals() {
        for (index, bound) in BOUNDS.into_iter().enumerate() {
            assert_eq!(coarse_of(time(bound * 1_000)), index, "{bound}");
            assert_eq!(coarse_of(time(bound * 1_000 + 1)), index + 1, "{bound}");
        }
        assert_eq!(coarse_of(time(0)), 0);
        assert_eq!(coarse_of(time(u64::MAX)), BOUNDS.len());
    }

    #[test]
    fn a_coarse_bucket_knows_its_fine_ones() {
        let mut covered = 0;
        for coarse in 0..TIMES {
            let range = buckets_of(coarse);
            assert!(range.start + 1 >= covered && range.start <= covered);
            covered = range.end;
            for bucket in range {
                let ends = [lower_bound(bucket), lower_bound(bucket + 1) - 1];
                assert!(
                    ends.into_iter()
                        .any(|nanos| coarse_of(time(nanos)) == coarse)
                );
            }
        }
        assert_eq!(covered, BUCKETS);
    }

    #[test]
    fn invented_statuses_do_not_hide_a_503() {
        let (table, pairs, errors) = (
            SeriesTable::default(),
            Pairs::default(),
            ErrorTypes::default(),
        );
        let record = |method, status| {
            let key = Key::of(&sample(method, status), &errors);
            table.record::<true>(key, time(1), || admit(Some(&pairs), key));
        };
        for status in 400..450 {
            record(Method::Get, status);
        }
        record(Method::Get, 503);
        let keys: Vec<_> = table.iter().filter_map(Series::key).collect();
        let shown: Vec<_> = keys
            .iter()
            .map(|key| (key.method(), key.status()))
            .collect();
        assert_eq!(shown.len(), 18);
        assert_eq!(shown[15], (Method::Get, 415));
        assert_eq!(shown[16], (Method::Other, 4));
        assert_eq!(shown[17], (Method::Get, 503));
        let mut buckets = [0; TIMES];
        table.iter().nth(16).unwrap().add_to(&mut buckets, &mut 0);
        assert_eq!(buckets[0], 34);
    }

    #[test]
    fn a_full_table_still_counts_everything() {
        let (table, errors) = (SeriesTable::default(), ErrorTypes::default());
        for status in 100..1000 {
            let key = Key::of(&sample(Method::Get, status), &errors);
            table.record::<false>(key, time(1), || None);
        }
        let (mut buckets, mut nanos) = ([0; TIMES], 0);
        for series in table.iter() {
            series.add_to(&mut buckets, &mut nanos);
        }
        assert_eq!((buckets[0], nanos), (900, 900));
        assert!(table.iter().count() <= (PARTS + 3) * PART);
    }
}
