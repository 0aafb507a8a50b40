//! The cells of a histogram of times.
//!
//! A histogram is long, and each sample touches another line of it; what a thousand of them take of
//! the processor's cache is what recording costs. So where one thread writes, the low eight bits of
//! all buckets stand together, and only one sample of 128 touches what stands above them.

use std::ops::Range;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32};

use crate::histogram::BUCKETS;

/// How many times fell into each bucket, modulo 2³⁰.
#[derive(Debug)]
#[repr(u8)]
pub(crate) enum Times {
    /// Written by one thread.
    Owned(Split),
    /// Written by all.
    Shared([AtomicU32; BUCKETS]),
}

/// The counts are read modulo this power of two.
pub(crate) const COUNT_BITS: u32 = 30;

impl Times {
    pub(crate) fn new(owned: bool) -> Self {
        if owned {
            Self::Owned(Split::default())
        } else {
            Self::Shared([const { AtomicU32::new(0) }; BUCKETS])
        }
    }

    #[inline]
    pub(crate) fn add(&self, bucket: usize) {
        match self {
            Self::Owned(split) => split.add(bucket),
            Self::Shared(counts) => {
                counts[bucket].fetch_add(1, Relaxed);
            }
        }
    }

    /// Adds the counts of some buckets to sums that wrap around.
    pub(crate) fn add_to(&self, buckets: Range<usize>, sums: &mut [u32]) {
        for (bucket, sum) in buckets.zip(sums) {
            let count = match self {
                Self::Owned(split) => split.count(bucket),
                Self::Shared(counts) => counts[bucket].load(Relaxed),
            };
            *sum = sum.wrapping_add(count);
        }
    }

    /// Sets all to nothing; for a place that nobody writes any more.
    pub(crate) fn reset(&self) {
        match self {
            Self::Owned(split) => split.reset(),
            Self::Shared(counts) => counts.iter().for_each(|count| count.store(0, Relaxed)),
        }
    }
}

/// Counts in three pieces. The middle counts how often the low one reached a half or the whole of
/// what it can hold, the high one the same of the middle.
///
/// So the lowest bit of the piece above is the top bit of the one below, unless the carry between
/// them is under way: then it lacks one. That makes a count that is read while it is written exact.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Split {
    low: [AtomicU8; BUCKETS],
    middle: [AtomicU16; BUCKETS],
    high: [AtomicU8; BUCKETS],
}

impl Default for Split {
    fn default() -> Self {
        Self {
            low: [const { AtomicU8::new(0) }; BUCKETS],
            middle: [const { AtomicU16::new(0) }; BUCKETS],
            high: [const { AtomicU8::new(0) }; BUCKETS],
        }
    }
}

impl Split {
    #[inline]
    fn add(&self, bucket: usize) {
        let low = self.low[bucket].load(Relaxed).wrapping_add(1);
        // Whoever reads this has seen the carries before it.
        self.low[bucket].store(low, Release);
        if low.is_multiple_of(1 << 7) {
            self.carry(bucket);
        }
    }

    #[cold]
    #[inline(never)]
    fn carry(&self, bucket: usize) {
        let middle = self.middle[bucket].load(Relaxed).wrapping_add(1);
        self.middle[bucket].store(middle, Release);
        if middle.is_multiple_of(1 << 15) {
            let high = self.high[bucket].load(Relaxed).wrapping_add(1);
            self.high[bucket].store(high, Release);
        }
    }

    fn count(&self, bucket: usize) -> u32 {
        let high = || u32::from(self.high[bucket].load(Acquire));
        let middle = || joined::<16>(|| self.middle[bucket].load(Acquire).into(), high);
        joined::<8>(|| self.low[bucket].load(Acquire).into(), middle) & ((1 << COUNT_BITS) - 1)
    }

    fn reset(&self) {
        for bucket in 0..BUCKETS {
            self.low[bucket].store(0, Relaxed);
            self.middle[bucket].store(0, Relaxed);
            self.high[bucket].store(0, Relaxed);
        }
    }
}

/// A count from its `low` piece of so many bits and from how many `halves` of that were filled.
#[inline]
fn joined<const BITS: u32>(low: impl Fn() -> u32, halves: impl Fn() -> u32) -> u32 {
    loop {
        let (before, low, after) = (halves(), low(), halves());
        // Two carries between the readings change the halves; one, or none, tells its parity.
        if before == after {
            let halves = before + ((before ^ low >> (BITS - 1)) & 1);
            return halves >> 1 << BITS | low;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(times: &Times, bucket: usize) -> u32 {
        let mut sums = [0];
        times.add_to(bucket..bucket + 1, &mut sums);
        sums[0]
    }

    #[test]
    fn carries_reach_every_piece() {
        for times in [Times::new(true), Times::new(false)] {
            let most = (1 << 22) + 1_000;
            for count in 1..=most {
                times.add(7);
                if count % 127 == 0 || count == most {
                    assert_eq!(read(&times, 7), count);
                }
            }
            assert_eq!((read(&times, 6), read(&times, 8)), (0, 0));
            times.reset();
            assert_eq!(read(&times, 7), 0);
        }
    }

    #[test]
    fn a_carry_under_way_is_counted() {
        let split = Split::default();
        for (low, middle, high, count) in [
            (127, 0, 0, 127),
            (128, 0, 0, 128),
            (128, 1, 0, 128),
            (0, 1, 0, 256),
            (0, 2, 0, 256),
            (0, 0x7fff, 0, 0x8000 * 128),
            (0, 0x8000, 0, 0x8000 * 128),
            (0, 0x8000, 1, 0x8000 * 128),
            (0, 0xffff, 255, 0),
            (0, 0, 255, 0),
        ] {
            split.low[0].store(low, Relaxed);
            split.middle[0].store(middle, Relaxed);
            split.high[0].store(high, Relaxed);
            assert_eq!(split.count(0), count, "{low} {middle} {high}");
        }
    }

    #[test]
    fn a_count_that_is_read_while_it_is_written_never_falls_back() {
        const ALL: u32 = 400_000;
        let times = Times::new(true);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..ALL).for_each(|_| times.add(0)));
            let mut last = 0;
            while last < ALL {
                let now = read(&times, 0);
                assert!(now >= last && now <= ALL, "{now} after {last}");
                last = now;
            }
        });
    }
}
