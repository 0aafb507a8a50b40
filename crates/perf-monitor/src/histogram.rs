//! Where does a time stand among the others?
//!
//! Log-linear buckets: 64 steps an octave from 8 µs to 128 s, and linear below, so that a quantile
//! read at the middle of its bucket is within 1 % of the exact value whatever the load looks like.
//! One unit is 2⁷ ns, which makes 64 units 8.192 µs and the index of a bucket a shift and a
//! subtraction. What is longer than the last bucket counts in it.

use std::ops::Range;

/// Nanoseconds of a unit, as a shift.
const UNIT: u32 = 7;
/// Steps of an octave, as a shift.
const STEPS: u32 = 6;
/// Buckets of an octave, and of the linear part below the first one.
pub(crate) const OCTAVE: usize = 1 << STEPS;
/// The linear part and 24 octaves above it.
pub(crate) const OCTAVES: usize = 25;
/// Buckets of a histogram.
pub(crate) const BUCKETS: usize = OCTAVE * OCTAVES;

/// The bucket of a time in nanoseconds.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "the last bucket bounds the index before it is cast"
)]
pub(crate) const fn bucket_of(nanos: u64) -> usize {
    let units = nanos >> UNIT;
    // The linear part is as wide as the first octave, and counts as one with it.
    let octave = (units | OCTAVE as u64).ilog2() - STEPS;
    let index = ((octave as u64) << STEPS) + (units >> octave);
    if index < BUCKETS as u64 {
        index as usize
    } else {
        BUCKETS - 1
    }
}

/// The least time of a bucket, in nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "there are 25 octaves")]
pub(crate) const fn lower_bound(bucket: usize) -> u64 {
    if bucket < OCTAVE {
        return (bucket as u64) << UNIT;
    }
    let octave = (bucket / OCTAVE - 1) as u32;
    (((bucket % OCTAVE + OCTAVE) as u64) << octave) << UNIT
}

/// The time that stands for all of a bucket, in nanoseconds.
pub(crate) const fn middle(bucket: usize) -> u64 {
    u64::midpoint(lower_bound(bucket), lower_bound(bucket + 1))
}

/// The sum of several sparse histograms, in which quantiles are looked up.
///
/// The times of a route lie close together, so only the buckets from the least to the greatest one
/// used are ever walked.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    counts: Box<[u64]>,
    used: Range<usize>,
    total: u64,
}

impl Default for Dense {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS].into(),
            used: 0..0,
            total: 0,
        }
    }
}

impl Dense {
    pub(crate) fn add(&mut self, bucket: usize, count: u64) {
        self.counts[bucket] += count;
        self.total += count;
        self.use_from(bucket..bucket + 1);
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        let used = other.used.clone();
        let theirs = &other.counts[used.clone()];
        for (mine, theirs) in self.counts[used.clone()].iter_mut().zip(theirs) {
            *mine += theirs;
        }
        self.total += other.total;
        self.use_from(used);
    }

    fn use_from(&mut self, range: Range<usize>) {
        if self.used.is_empty() {
            self.used = range;
        } else if !range.is_empty() {
            self.used = self.used.start.min(range.start)..self.used.end.max(range.end);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.counts[self.used.clone()].fill(0);
        (self.used, self.total) = (0..0, 0);
    }

    /// How many times were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The times at `shares` (ascending, from 0 to 1) by nearest rank, in nanoseconds; zeros when
    /// nothing was counted.
    pub(crate) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [u64; N] {
        let mut found = [0; N];
        if self.total == 0 {
            return found;
        }
        let ranks = shares.map(|share| rank(share, self.total));
        let (mut below, mut next) = (0, 0);
        for bucket in self.used.clone() {
            below += self.counts[bucket];
            while next < N && ranks[next] <= below {
                found[next] = middle(bucket);
                next += 1;
            }
            if next == N {
                break;
            }
        }
        found
    }
}

/// The nearest rank: the least number of times of which `share` are not above.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count is a count"
)]
fn rank(share: f64, total: u64) -> u64 {
    // The product of, say, 0.99 and 100 lies a hair above 99 and must not become 100.
    let exact = share * total as f64;
    let rank = (exact - exact * 1e-12).ceil() as u64;
    rank.clamp(1, total)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(lower_bound(bucket)), bucket);
            assert_eq!(bucket_of(middle(bucket)), bucket);
            assert_eq!(bucket_of(lower_bound(bucket + 1) - 1), bucket);
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn the_octaves_reach_from_8_microseconds_past_128_seconds() {
        assert!(lower_bound(OCTAVE) <= 8_200);
        assert!(lower_bound(BUCKETS) >= 128_000_000_000);
    }

    #[test]
    fn a_sum_is_cleared_wholly() {
        let (mut sum, mut other) = (Dense::default(), Dense::default());
        sum.add(700, 1);
        other.add(3, 2);
        other.add(1_599, 1);
        sum.add_all(&other);
        sum.add_all(&Dense::default());
        assert_eq!(
            (sum.total(), sum.quantiles([0.5, 0.75, 1.0])),
            (4, [3, 700, 1_599].map(middle))
        );
        sum.clear();
        assert!(sum.counts.iter().all(|count| *count == 0));
        assert_eq!((sum.total(), sum.quantiles([0.5])), (0, [0]));
    }

    #[test]
    fn nearest_rank_is_not_moved_by_rounding() {
        assert_eq!(rank(0.99, 100), 99);
        assert_eq!(rank(0.95, 20), 19);
        assert_eq!(rank(0.5, 1), 1);
        assert_eq!(rank(0.999, 1_000_000), 999_000);
        assert_eq!(rank(0.5, 3), 2);
    }

    proptest! {
        #[test]
        fn quantiles_are_within_one_per_cent(
            mut times in proptest::collection::vec(8_192_u64..128_000_000_000, 1..400),
            skew in 1_u64..1_000_000,
        ) {
            for time in &mut times {
                *time = (*time / skew).max(8_192);
            }
            let mut dense = Dense::default();
            for &time in &times {
                dense.add(bucket_of(time), 1);
            }
            times.sort_unstable();
            let shares = [0.5, 0.95, 0.99, 0.999];
            for (share, found) in shares.into_iter().zip(dense.quantiles(shares)) {
                let rank = usize::try_from(rank(share, times.len() as u64)).unwrap();
                let exact = times[rank - 1];
                prop_assert!(found.abs_diff(exact) as f64 <= exact as f64 * 0.01, "{found} {exact}");
            }
        }
    }
}
