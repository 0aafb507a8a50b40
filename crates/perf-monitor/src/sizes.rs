//! How large contents were.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::cells::add_64;

/// Upper bounds of the size histograms: 256 bytes times the powers of four.
pub(crate) const SIZE_BOUNDS: [u64; 12] = {
    let mut bounds = [256; 12];
    let mut power = 1;
    while power < bounds.len() {
        bounds[power] = bounds[power - 1] * 4;
        power += 1;
    }
    bounds
};

/// How large contents were. The last bucket has no bound. Most requests have no content, and those
/// are not recorded: they are what the series count and this does not.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    buckets: [AtomicU64; SIZE_BOUNDS.len() + 1],
}

impl Sizes {
    #[inline]
    pub(crate) fn record<const OWNED: bool>(&self, bytes: u64) {
        if bytes > 0 {
            add_64::<OWNED>(&self.buckets[size_bucket_of(bytes)], 1);
        }
    }

    /// Adds what was recorded, and what was not of `all` requests, to `buckets`.
    pub(crate) fn add_to(&self, buckets: &mut [u64; SIZE_BOUNDS.len() + 1], all: u64) {
        let mut recorded = 0;
        for (sum, cell) in buckets.iter_mut().zip(&self.buckets) {
            let count = cell.load(Relaxed);
            *sum += count;
            recorded += count;
        }
        buckets[0] += all.saturating_sub(recorded);
    }

    pub(crate) fn reset(&self) {
        for cell in &self.buckets {
            cell.store(0, Relaxed);
        }
    }
}

#[inline]
fn size_bucket_of(bytes: u64) -> usize {
    // 256 is 2^8, and a bucket is two powers of two wide; its bound belongs to it.
    let above = bytes.saturating_sub(1) >> 8;
    let bits = u64::BITS - above.leading_zeros();
    (bits.div_ceil(2) as usize).min(SIZE_BOUNDS.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_counts_below_the_bound_that_it_equals() {
        for (index, bound) in SIZE_BOUNDS.into_iter().enumerate() {
            assert_eq!(size_bucket_of(bound), index, "{bound}");
            assert_eq!(size_bucket_of(bound + 1), index + 1, "{bound}");
        }
        assert_eq!(size_bucket_of(0), 0);
        assert_eq!(size_bucket_of(u64::MAX), SIZE_BOUNDS.len());
    }

    #[test]
    fn contents_that_are_empty_are_counted_by_what_is_missing() {
        let (sizes, mut buckets) = (Sizes::default(), [0; SIZE_BOUNDS.len() + 1]);
        for bytes in [0, 1, 256, 257, 0] {
            sizes.record::<true>(bytes);
        }
        sizes.add_to(&mut buckets, 5);
        assert_eq!(buckets[..3], [4, 1, 0]);
    }
}
