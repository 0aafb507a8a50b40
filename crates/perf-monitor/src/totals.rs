//! From the cells of all shards to totals of 64 bits, and to what is new since the last time.

use std::ops::Range;

use crate::cells::Cells;
use crate::histogram::{Dense, OCTAVE, OCTAVES, bucket_of, middle};
use crate::key::Key;
use crate::sample::Outcome;
use crate::series::{Series, TIMES, buckets_of};
use crate::sizes::{SIZES, Sizes};
use crate::times::COUNT_BITS;

/// Plain sums over some requests. Times are nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) count: u64,
    pub(crate) client_errors: u64,
    pub(crate) server_errors: u64,
    pub(crate) aborted: u64,
    pub(crate) hits: u64,
    pub(crate) lookups: u64,
    pub(crate) nanos: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            count: 0,
            client_errors: 0,
            server_errors: 0,
            aborted: 0,
            hits: 0,
            lookups: 0,
            nanos: 0,
            bytes_in: 0,
            bytes_out: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.aborted += other.aborted;
        self.hits += other.hits;
        self.lookups += other.lookups;
        self.nanos += other.nanos;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// What came since the last fold: sums, and the buckets that are not empty, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Delta {
    pub(crate) counts: Counts,
    pub(crate) times: Vec<(u16, u32)>,
}

/// What one series counted since its route got its place. Its times are nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct SeriesTotals {
    pub(crate) key: Key,
    pub(crate) buckets: [u64; TIMES],
    pub(crate) nanos: u64,
}

/// All that a route or an arm counted since it got its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) counts: Counts,
    pub(crate) series: Vec<SeriesTotals>,
    pub(crate) request_sizes: [u64; SIZES],
    pub(crate) response_sizes: [u64; SIZES],
    /// Octaves of the histogram that anything fell into.
    times: [Option<Box<[u64; OCTAVE]>>; OCTAVES],
}

impl Totals {
    /// Adds what the cells of all shards counted since the last time; none if that is nothing.
    pub(crate) fn fold<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        period: u32,
    ) -> Option<Delta> {
        // The series come first: all else that they count is there after they were read.
        let mut came = [0; TIMES];
        let mut counts = self.fold_series(shards, &mut came);
        let [bytes_in, bytes_out] = shards.clone().map(Cells::bytes).fold([0; 2], |sum, bytes| {
            [0, 1].map(|way: usize| u64::wrapping_add(sum[way], bytes[way]))
        });
        counts.bytes_in = take_64(&mut self.counts.bytes_in, bytes_in);
        counts.bytes_out = take_64(&mut self.counts.bytes_out, bytes_out);
        if counts.count == 0 && counts.bytes_in == 0 && counts.bytes_out == 0 {
            return None;
        }
        let [hits, lookups] = shards
            .clone()
            .map(Cells::lookups)
            .fold([0; 2], |sum, found| {
                [0, 1].map(|which: usize| u32::wrapping_add(sum[which], found[which]))
            });
        counts.hits = take(&mut self.counts.hits, hits);
        counts.lookups = take(&mut self.counts.lookups, lookups);
        self.fold_sizes(shards);
        let times = self.fold_times(shards, &came);
        if let (Some(&(first, _)), Some(&(last, _))) = (times.first(), times.last()) {
            // A sample may have come between the change of the period and the reading of its
            // bucket; so both periods are asked, and only a value in the outermost bucket is taken.
            let noted = shards.clone().flat_map(|cells| {
                [
                    cells.extremes_of(period),
                    cells.extremes_of(period.wrapping_add(1)),
                ]
            });
            (counts.min, counts.max) =
                extremes(usize::from(first), usize::from(last), noted.flatten());
            self.counts.min = self.counts.min.min(counts.min);
            self.counts.max = self.counts.max.max(counts.max);
        }
        Some(Delta { counts, times })
    }

    /// Brings the series up to date, says what they counted, by outcome, and adds to `came` how
    /// many times came into each of their buckets.
    fn fold_series<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        came: &mut [u64; TIMES],
    ) -> Counts {
        let keys = shards.clone().flat_map(|cells| cells.series.iter());
        for key in keys.filter_map(Series::key) {
            if !self.series.iter().any(|known| known.key == key) {
                self.series.push(SeriesTotals {
                    key,
                    buckets: [0; TIMES],
                    nanos: 0,
                });
            }
        }
        let mut counts = Counts::default();
        for totals in &mut self.series {
            let (mut buckets, mut nanos) = ([0; TIMES], 0);
            for cells in shards.clone() {
                if let Some(series) = cells.series.find(totals.key) {
                    series.add_to(&mut buckets, &mut nanos);
                }
            }
            let mut new = 0;
            for (index, (total, sum)) in totals.buckets.iter_mut().zip(buckets).enumerate() {
                let taken = take(total, sum);
                new += taken;
                if totals.key.is_timed() {
                    came[index] += taken;
                }
            }
            counts.nanos += take_64(&mut totals.nanos, nanos);
            counts.count += new;
            match totals.key.outcome() {
                Outcome::Success => {}
                Outcome::ClientError => counts.client_errors += new,
                Outcome::ServerError => counts.server_errors += new,
                Outcome::Aborted => counts.aborted += new,
            }
        }
        let totals = &mut self.counts;
        totals.count += counts.count;
        totals.client_errors += counts.client_errors;
        totals.server_errors += counts.server_errors;
        totals.aborted += counts.aborted;
        totals.nanos += counts.nanos;
        counts
    }

    fn fold_sizes<'a>(&mut self, shards: &(impl Iterator<Item = &'a Cells> + Clone)) {
        let add = |totals: &mut [u64; SIZES], sizes: fn(&Cells) -> &Sizes| {
            let mut sums = [0; SIZES];
            for cells in shards.clone() {
                sizes(cells).add_to(&mut sums);
            }
            for (total, sum) in totals.iter_mut().zip(sums) {
                take(total, sum);
            }
        };
        add(&mut self.request_sizes, |cells| &cells.request_sizes);
        add(&mut self.response_sizes, |cells| &cells.response_sizes);
    }

    /// How many requests had a response time.
    pub(crate) fn timed(&self) -> u64 {
        let timed = self.series.iter().filter(|series| series.key.is_timed());
        timed.flat_map(|series| &series.buckets).sum()
    }

    /// Brings the histogram up to date where the series say that something came, for it is long
    /// and a route's times lie close together.
    fn fold_times<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        came: &[u64; TIMES],
    ) -> Vec<(u16, u32)> {
        let (mut times, mut first) = (Vec::new(), 0);
        for (coarse, _) in came.iter().enumerate().filter(|(_, new)| **new > 0) {
            let range = buckets_of(coarse);
            first = range.start.max(first);
            while first < range.end {
                let last = range.end.min((first / OCTAVE + 1) * OCTAVE);
                self.fold_piece(shards, first..last, &mut times);
                first = last;
            }
        }
        times
    }

    /// The same for buckets of one octave.
    fn fold_piece<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        piece: Range<usize>,
        times: &mut Vec<(u16, u32)>,
    ) {
        let mut sums = [0_u32; OCTAVE];
        for cells in shards.clone() {
            cells.times.add_to(piece.clone(), &mut sums);
        }
        let totals = &mut self.times[piece.start / OCTAVE];
        if totals.is_none() && sums.iter().all(|sum| *sum == 0) {
            return;
        }
        let totals = totals.get_or_insert_with(|| Box::new([0; OCTAVE]));
        for (bucket, sum) in piece.zip(sums) {
            let new = take_count(&mut totals[bucket % OCTAVE], sum);
            if new > 0 {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "there are 1,600 buckets, and a difference of 30 bits"
                )]
                times.push((bucket as u16, new as u32));
            }
        }
    }

    pub(crate) fn add_times_to(&self, dense: &mut Dense) {
        for (octave, totals) in self.times.iter().enumerate() {
            let Some(totals) = totals else { continue };
            for (step, &count) in totals.iter().enumerate() {
                if count > 0 {
                    dense.add(octave * OCTAVE + step, count);
                }
            }
        }
    }
}

/// Brings `total` up to a sum of 32 bits that wraps around; its own low bits are the sum before.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
fn take(total: &mut u64, sum: u32) -> u64 {
    let new = u64::from(sum.wrapping_sub(*total as u32));
    *total += new;
    new
}

/// The same for a sum that wraps around with the counts of a histogram.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are meant")]
fn take_count(total: &mut u64, sum: u32) -> u64 {
    let new = u64::from(sum.wrapping_sub(*total as u32) & ((1 << COUNT_BITS) - 1));
    *total += new;
    new
}

fn take_64(total: &mut u64, sum: u64) -> u64 {
    let new = sum.wrapping_sub(*total);
    *total = sum;
    new
}

/// The least and greatest time, from the buckets and, where they fit them, the exact values noted.
fn extremes(first: usize, last: usize, noted: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    let (mut min, mut max) = (None, None);
    for (low, high) in noted {
        if bucket_of(low) == first {
            min = Some(min.map_or(low, |known: u64| known.min(low)));
        }
        if bucket_of(high) == last {
            max = Some(max.map_or(high, |known: u64| known.max(high)));
        }
    }
    (
        min.unwrap_or_else(|| middle(first)),
        max.unwrap_or_else(|| middle(last)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_wraps_around_still_counts() {
        let mut total = u64::from(u32::MAX) - 1;
        assert_eq!(take(&mut total, 3), 5);
        assert_eq!(total, (1 << 32) + 3);
        let mut total = (5 << COUNT_BITS) - 2;
        assert_eq!(take_count(&mut total, 1), 3);
        assert_eq!(total, (5 << COUNT_BITS) + 1);
    }

    #[test]
    fn an_extreme_of_another_bucket_is_not_believed() {
        let bucket = bucket_of(1_000_000);
        let noted = [(1_000_000, 1_000_001), (50, 9_000_000)];
        assert_eq!(
            extremes(bucket, bucket, noted.into_iter()),
            (1_000_000, 1_000_001)
        );
        let found = extremes(bucket, bucket, [(50, 60)].into_iter());
        assert_eq!(found, (middle(bucket), middle(bucket)));
    }
}
