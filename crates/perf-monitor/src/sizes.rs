//! How large contents were.

use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;

use crate::cells::add;

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

/// Buckets of a size histogram; the last one has no bound.
pub(crate) const SIZES: usize = SIZE_BOUNDS.len() + 1;

/// How large contents were. Most requests have no content, and those are not recorded: they are what
/// the series count and this does not.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    buckets: [AtomicU32; SIZES],
}

impl Sizes {
    #[inline]
    pub(crate) fn record<const OWNED: bool>(&self, bytes: u64) {
        if bytes > 0 {
            add::<OWNED>(&self.buckets[size_bucket_of(bytes)], 1);
        }
    }

    /// Adds what was recorded to sums that wrap around at 32 bits.
    pub(crate) fn add_to(&self, sums: &mut [u32; SIZES]) {
        for (sum, cell) in sums.iter_mut().zip(&self.buckets) {
            *sum = sum.wrapping_add(cell.load(Relaxed));
        }
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
    fn contents_that_are_empty_are_not_recorded() {
        let (sizes, mut sums) = (Sizes::default(), [0; SIZES]);
        for bytes in [0, 1, 256, 257, 0] {
            sizes.record::<true>(bytes);
        }
        sizes.add_to(&mut sums);
        assert_eq!(sums[..3], [2, 1, 0]);
    }
}
