//! The cells that serving threads write.
//!
//! A cell only ever grows, and wraps around at 32 bits; who folds cells adds the difference to the
//! sum before to a total of 64 bits. So nobody ever has to set a cell back while a thread writes it.
//! Written by one thread, a cell takes a load and a store; shared, an atomic addition.

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use crate::histogram::bucket_of;
use crate::key::Key;
use crate::sample::Sample;
use crate::series::SeriesTable;
use crate::sizes::Sizes;
use crate::times::Times;

/// One route, or one arm of a change on a route, as one shard saw it.
///
/// With a thousand routes, recording costs what fetching their cache lines costs. So each sample
/// adds to as few places as tell everything: its series, which tells method, status and outcome and
/// so is the count of each of them; its bucket of the histogram; the sizes; and the first line, with
/// the sums that no series has. All else is derived when it is read.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Cells {
    /// The least and greatest times of two folding periods, the one being read and the one being
    /// written, taken in turns.
    extremes: [Extremes; 2],
    bytes_out: AtomicU64,
    hits: AtomicU32,
    lookups: AtomicU32,
    pub(crate) in_flight: AtomicU32,
    /// Here, so that what says who writes it is in the first line.
    pub(crate) times: Times,
    pub(crate) series: SeriesTable,
    pub(crate) response_sizes: Sizes,
    bytes_in: AtomicU64,
    pub(crate) request_sizes: Sizes,
}

/// A response time as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) nanos: u64,
    pub(crate) bucket: usize,
}

impl Timed {
    #[inline]
    pub(crate) fn new(time: Duration) -> Self {
        let nanos = nanos_of(time);
        Self {
            nanos,
            bucket: bucket_of(nanos),
        }
    }
}

impl Cells {
    /// Cells that one thread writes, or all.
    pub(crate) fn new(owned: bool) -> Self {
        Self {
            extremes: <[Extremes; 2]>::default(),
            bytes_out: AtomicU64::new(0),
            hits: AtomicU32::new(0),
            lookups: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            times: Times::new(owned),
            series: SeriesTable::default(),
            response_sizes: Sizes::default(),
            bytes_in: AtomicU64::new(0),
            request_sizes: Sizes::default(),
        }
    }

    /// Adds a sample with the response time `time` under `key`, or where the route's `pairs` let it
    /// count, in the folding period `period`.
    #[inline]
    pub(crate) fn record<const OWNED: bool>(
        &self,
        sample: &Sample,
        (key, time): (Key, Timed),
        period: u32,
        pairs: impl FnOnce() -> Option<Key>,
    ) {
        self.times.add(time.bucket);
        self.extremes[period as usize & 1].note::<OWNED>(time.nanos, period);
        if sample.response_bytes > 0 {
            add_64::<OWNED>(&self.bytes_out, sample.response_bytes);
            self.response_sizes.record::<OWNED>(sample.response_bytes);
        }
        if sample.request_bytes > 0 {
            add_64::<OWNED>(&self.bytes_in, sample.request_bytes);
            self.request_sizes.record::<OWNED>(sample.request_bytes);
        }
        self.look_up::<OWNED>(sample);
        // Last, so that whoever reads this count sees the rest of what it counts.
        self.series.record::<OWNED>(key, time, pairs);
    }

    /// Adds a sample without a response time.
    pub(crate) fn record_untimed<const OWNED: bool>(&self, sample: &Sample) {
        self.add_bytes::<OWNED>(sample.request_bytes, sample.response_bytes);
        self.look_up::<OWNED>(sample);
        self.series.record_untimed::<OWNED>(sample.outcome);
    }

    #[inline]
    fn look_up<const OWNED: bool>(&self, sample: &Sample) {
        if let Some(hit) = sample.cache.lookup() {
            add::<OWNED>(&self.lookups, 1);
            add::<OWNED>(&self.hits, u32::from(hit));
        }
    }

    pub(crate) fn add_bytes<const OWNED: bool>(&self, bytes_in: u64, bytes_out: u64) {
        if bytes_in > 0 {
            add_64::<OWNED>(&self.bytes_in, bytes_in);
        }
        if bytes_out > 0 {
            add_64::<OWNED>(&self.bytes_out, bytes_out);
        }
    }

    /// Bytes of requests and of responses.
    pub(crate) fn bytes(&self) -> [u64; 2] {
        [&self.bytes_in, &self.bytes_out].map(|cell| cell.load(Relaxed))
    }

    /// Hits and all look-ups of the cache.
    pub(crate) fn lookups(&self) -> [u32; 2] {
        [&self.hits, &self.lookups].map(|cell| cell.load(Relaxed))
    }

    /// The least and greatest times noted in `period`.
    pub(crate) fn extremes_of(&self, period: u32) -> Option<(u64, u64)> {
        self.extremes[period as usize & 1].of(period)
    }

    /// Sets all to nothing; for a place that nobody writes any more.
    pub(crate) fn reset(&self) {
        let counters = [&self.in_flight, &self.hits, &self.lookups];
        for cell in counters {
            cell.store(0, Relaxed);
        }
        self.times.reset();
        for cell in [&self.bytes_in, &self.bytes_out] {
            cell.store(0, Relaxed);
        }
        self.series.reset();
        self.request_sizes.reset();
        self.response_sizes.reset();
    }
}

/// A time in nanoseconds, as far as 48 bits go (78 hours).
#[inline]
pub(crate) fn nanos_of(time: Duration) -> u64 {
    const BEYOND: u64 = VALUE / 1_000_000_000 + 1;
    let whole = time.as_secs().min(BEYOND) * 1_000_000_000;
    (whole + u64::from(time.subsec_nanos())).min(VALUE)
}

#[inline]
pub(crate) fn add<const OWNED: bool>(cell: &AtomicU32, amount: u32) {
    if OWNED {
        cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
    } else {
        cell.fetch_add(amount, Relaxed);
    }
}

/// Adds one to a count by which readers know that the rest of what it counts is there.
#[inline]
pub(crate) fn count_one<const OWNED: bool>(cell: &AtomicU32) {
    if OWNED {
        cell.store(cell.load(Relaxed).wrapping_add(1), Release);
    } else {
        cell.fetch_add(1, Release);
    }
}

#[inline]
pub(crate) fn add_64<const OWNED: bool>(cell: &AtomicU64, amount: u64) {
    if OWNED {
        cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
    } else {
        cell.fetch_add(amount, Relaxed);
    }
}

/// Low bits of an extreme, the time; above it stands its period.
const VALUE: u64 = (1 << 48) - 1;

/// The least and greatest time of a period. The period travels with the value, so that the first
/// sample of a new one replaces what the old one left. The greatest is kept as what it lacks to the
/// longest time there is, so that both are looked for as a least value.
#[derive(Debug)]
struct Extremes {
    min: AtomicU64,
    max: AtomicU64,
}

impl Default for Extremes {
    fn default() -> Self {
        let nothing = || AtomicU64::new(u64::MAX);
        Self {
            min: nothing(),
            max: nothing(),
        }
    }
}

impl Extremes {
    #[inline]
    fn note<const OWNED: bool>(&self, nanos: u64, period: u32) {
        let tag = u64::from(period) << 48;
        note::<OWNED>(&self.min, nanos, tag);
        note::<OWNED>(&self.max, VALUE - nanos, tag);
    }

    fn of(&self, period: u32) -> Option<(u64, u64)> {
        let tag = u64::from(period) << 48;
        let [min, max] = [&self.min, &self.max].map(|cell| cell.load(Relaxed).wrapping_sub(tag));
        let max = VALUE.checked_sub(max)?;
        (min <= max).then_some((min, max))
    }
}

/// Notes `value` where it is below the cell's, or the cell's is of another period.
#[inline]
fn note<const OWNED: bool>(cell: &AtomicU64, value: u64, tag: u64) {
    let mut old = cell.load(Relaxed);
    // Without its tag, what another period left is above every value.
    while value < old.wrapping_sub(tag) {
        if OWNED {
            cell.store(tag | value, Relaxed);
            return;
        }
        match cell.compare_exchange_weak(old, tag | value, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_cut_at_48_bits() {
        for nanos in [0, 1, 999_999_999, 1_000_000_000, VALUE - 1, VALUE] {
            assert_eq!(nanos_of(Duration::from_nanos(nanos)), nanos);
        }
        assert_eq!(nanos_of(Duration::from_nanos(VALUE + 1)), VALUE);
        assert_eq!(nanos_of(Duration::MAX), VALUE);
    }

    proptest! {
        #[test]
        fn extremes_are_those_of_their_period(
            periods in proptest::collection::vec(
                (1_u32..200_000, proptest::collection::vec(0_u64..=VALUE, 1..5)), 1..5),
        ) {
            let extremes = Extremes::default();
            prop_assert_eq!(extremes.of(periods[0].0), None);
            let mut last = 0;
            for (step, values) in periods {
                // Two periods with one tag never follow each other.
                let period = last + step + u32::from(step % (1 << 16) == 0);
                for &value in &values {
                    extremes.note::<true>(value, period);
                    extremes.note::<false>(value, period);
                }
                let expected = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
                prop_assert_eq!(extremes.of(period), Some(expected));
                prop_assert_eq!(extremes.of(period + 1), None);
                last = period;
            }
        }
    }
}
