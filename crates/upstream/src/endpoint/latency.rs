//! How long an endpoint takes, as balancing wants to know it: the peak EWMA.
//!
//! A slower answer than the average counts at once, a faster one only little by little, so that an
//! endpoint that turns slow is left within one answer and comes back over [`DECAY`].

use std::time::{Duration, Instant};

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The time over which an old observation loses 63 % of its weight.
const DECAY: Duration = Duration::from_secs(10);

/// A failed try counts as at least this slow, so that an endpoint that refuses at once does not
/// look like the fastest of all.
const FAILURE: Duration = Duration::from_secs(1);

/// The average of one endpoint, in one atomic: microseconds above, milliseconds since `born` below.
///
/// Two workers that write at the same moment may lose one observation, which balancing does not
/// notice.
#[derive(Debug)]
pub(crate) struct PeakEwma {
    born: Instant,
    packed: AtomicU64,
}

impl PeakEwma {
    pub(crate) fn new(born: Instant) -> Self {
        Self {
            born,
            packed: AtomicU64::new(0),
        }
    }

    /// Takes in an answer that came after `took`.
    pub(crate) fn observe(&self, took: Duration, now: Instant) {
        let stamp = self.stamp(now);
        let average = weigh(self.unpack(stamp), micros(took));
        self.packed
            .store((u64::from(average) << 32) | u64::from(stamp), Relaxed);
    }

    /// Takes in a try that failed after `took`.
    pub(crate) fn observe_failure(&self, took: Duration, now: Instant) {
        self.observe(took.max(FAILURE), now);
    }

    /// Returns the average now, in microseconds, at least 1; an old one fades towards it.
    pub(crate) fn micros(&self, now: Instant) -> u64 {
        let (average, age) = self.unpack(self.stamp(now));
        // The cast saturates and the factor lies in 0..=1.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0..=u32::MAX"
        )]
        let faded = (f64::from(average) * fading(age)) as u64;
        faded.max(1)
    }

    fn stamp(&self, now: Instant) -> u32 {
        let since = now.saturating_duration_since(self.born).as_millis();
        // Wraps after 49 days, as does the difference below: at worst one average fades at once.
        #[expect(clippy::cast_possible_truncation, reason = "wraps on purpose")]
        let stamp = since as u32;
        stamp
    }

    fn unpack(&self, stamp: u32) -> (u32, Duration) {
        let packed = self.packed.load(Relaxed);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves of a word")]
        let (average, then) = ((packed >> 32) as u32, packed as u32);
        let age = stamp.wrapping_sub(then);
        // A stamp from another worker may lie a little ahead.
        let age = if age > u32::MAX / 2 { 0 } else { age };
        (average, Duration::from_millis(age.into()))
    }
}

fn micros(took: Duration) -> u32 {
    u32::try_from(took.as_micros()).unwrap_or(u32::MAX)
}

fn fading(age: Duration) -> f64 {
    (-age.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

fn weigh((average, age): (u32, Duration), seen: u32) -> u32 {
    if seen >= average {
        return seen;
    }
    let keep = fading(age);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two u32"
    )]
    let weighed = (f64::from(average) * keep + f64::from(seen) * (1.0 - keep)) as u32;
    weighed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_at_once_and_fades() {
        let start = Instant::now();
        let latency = PeakEwma::new(start);
        latency.observe(Duration::from_millis(1), start);
        latency.observe(Duration::from_millis(100), start);
        assert_eq!(latency.micros(start), 100_000);
        latency.observe(Duration::from_millis(1), start);
        assert!(
            latency.micros(start) > 99_000,
            "one fast answer is no proof"
        );
        let later = start + DECAY;
        assert!(latency.micros(later) < 40_000);
        latency.observe(Duration::from_millis(1), later);
        assert!(latency.micros(later) < 40_000);
    }

    #[test]
    fn a_fast_failure_is_slow() {
        let start = Instant::now();
        let latency = PeakEwma::new(start);
        latency.observe_failure(Duration::from_micros(50), start);
        assert_eq!(latency.micros(start), 1_000_000);
    }

    #[test]
    fn time_that_runs_backwards_is_no_fault() {
        let start = Instant::now() + Duration::from_secs(100);
        let latency = PeakEwma::new(start);
        latency.observe(Duration::from_millis(3), start + Duration::from_secs(5));
        assert_eq!(latency.micros(start), 3_000);
    }
}
