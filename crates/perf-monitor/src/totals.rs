//! From the cells of all shards to totals of 64 bits, and to what is new since the last time.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::cells::Cells;
use crate::histogram::{Dense, OCTAVE, OCTAVES, bucket_of, middle};

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

/// All that a route or an arm counted since it got its place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) counts: Counts,
    /// Octaves of the histogram that anything fell into.
    times: [Option<Box<[u64; OCTAVE]>>; OCTAVES],
    /// How many times the histogram holds.
    pub(crate) timed: u64,
}

impl Totals {
    /// Adds what the cells of all shards counted since the last time; none if that is nothing.
    pub(crate) fn fold<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
        period: u32,
    ) -> Option<Delta> {
        let sum = |cell: fn(&Cells) -> &AtomicU64| {
            let values = shards.clone().map(|cells| cell(cells).load(Relaxed));
            values.fold(0, u64::wrapping_add)
        };
        let count = {
            let values = shards.clone().map(Cells::counted);
            take(&mut self.counts.count, values.fold(0, u32::wrapping_add))
        };
        let bytes_in = take_64(&mut self.counts.bytes_in, sum(|cells| &cells.bytes_in));
        let bytes_out = take_64(&mut self.counts.bytes_out, sum(|cells| &cells.bytes_out));
        if count == 0 && bytes_in == 0 && bytes_out == 0 {
            return None;
        }
        let sum_32 = |cell: fn(&Cells) -> &AtomicU32| {
            let values = shards.clone().map(|cells| cell(cells).load(Relaxed));
            values.fold(0, u32::wrapping_add)
        };
        let totals = &mut self.counts;
        let mut counts = Counts {
            count,
            bytes_in,
            bytes_out,
            client_errors: take(
                &mut totals.client_errors,
                sum_32(|cells| &cells.client_errors),
            ),
            server_errors: take(
                &mut totals.server_errors,
                sum_32(|cells| &cells.server_errors),
            ),
            aborted: take(&mut totals.aborted, sum_32(|cells| &cells.aborted)),
            hits: take(&mut totals.hits, sum_32(|cells| &cells.hits)),
            lookups: take(&mut totals.lookups, sum_32(|cells| &cells.lookups)),
            nanos: take_64(&mut totals.nanos, sum(|cells| &cells.nanos)),
            ..Counts::default()
        };
        let times = self.fold_times(shards);
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

    fn fold_times<'a>(
        &mut self,
        shards: &(impl Iterator<Item = &'a Cells> + Clone),
    ) -> Vec<(u16, u32)> {
        let mut times = Vec::new();
        for (octave, totals) in self.times.iter_mut().enumerate() {
            let first = octave * OCTAVE;
            let mut sums = [0_u32; OCTAVE];
            for cells in shards.clone() {
                for (sum, cell) in sums.iter_mut().zip(&cells.times[first..first + OCTAVE]) {
                    *sum = sum.wrapping_add(cell.load(Relaxed));
                }
            }
            if totals.is_none() && sums.iter().all(|sum| *sum == 0) {
                continue;
            }
            let totals = totals.get_or_insert_with(|| Box::new([0; OCTAVE]));
            for (step, (total, sum)) in totals.iter_mut().zip(sums).enumerate() {
                let new = take(total, sum);
                if new > 0 {
                    self.timed += new;
                    #[expect(
                        clippy::cast_possible_truncation,
                        reason = "there are 1,600 buckets, and a difference of 32 bits"
                    )]
                    times.push(((first + step) as u16, new as u32));
                }
            }
        }
        times
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
