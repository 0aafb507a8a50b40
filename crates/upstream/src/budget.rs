//! How many retries an upstream bears: a share of its recent requests.
//!
//! Retries help against single faults and hurt an upstream that is down as a whole. So at most a
//! share of the requests of the last 10 s is tried again, and 3 a second in any case, so that
//! little traffic can be retried at all.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

/// The width of the window in seconds, and its number of buckets.
const WINDOW: u32 = 10;

/// Retries that are allowed in a window whatever the traffic: 3 a second.
const FLOOR: u64 = 3 * WINDOW as u64;

/// Requests and retries of the last 10 s.
#[derive(Debug)]
pub(crate) struct Budget {
    born: Instant,
    requests: [Bucket; WINDOW as usize],
    retries: [Bucket; WINDOW as usize],
}

impl Budget {
    pub(crate) fn new(born: Instant) -> Self {
        Self {
            born,
            requests: Default::default(),
            retries: Default::default(),
        }
    }

    /// Counts a request (its first try).
    pub(crate) fn count_request(&self, now: Instant) {
        let second = self.second(now);
        self.requests[(second % WINDOW) as usize].add(second);
    }

    /// Takes a retry out of the budget of `share` of the requests, unless it is spent.
    pub(crate) fn try_retry(&self, share: f64, now: Instant) -> bool {
        let second = self.second(now);
        let allowed = allowed(sum(&self.requests, second), share);
        if sum(&self.retries, second) >= allowed {
            return false;
        }
        self.retries[(second % WINDOW) as usize].add(second);
        true
    }

    fn second(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(self.born).as_secs();
        // Begins behind a whole window, so that an untouched bucket is never a recent one.
        u32::try_from(seconds).unwrap_or(u32::MAX - 64) + WINDOW + 1
    }
}

/// How many retries a window with so many requests allows.
fn allowed(requests: u64, share: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count"
    )]
    let share = (requests as f64 * share.clamp(0.0, 1.0)) as u64;
    share.max(FLOOR)
}

fn sum(buckets: &[Bucket; WINDOW as usize], second: u32) -> u64 {
    buckets.iter().map(|bucket| bucket.recent(second)).sum()
}

/// The second that a count is of, above, and the count, below.
#[derive(Debug, Default)]
struct Bucket(AtomicU64);

impl Bucket {
    fn add(&self, second: u32) {
        let mut seen = self.0.load(Relaxed);
        while (seen >> 32) as u32 != second {
            let fresh = (u64::from(second) << 32) | 1;
            match self.0.compare_exchange(seen, fresh, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
        self.0.fetch_add(1, Relaxed);
    }

    fn recent(&self, second: u32) -> u64 {
        let seen = self.0.load(Relaxed);
        let age = second.wrapping_sub((seen >> 32) as u32);
        if age < WINDOW {
            seen & u64::from(u32::MAX)
        } else {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn granted(budget: &Budget, share: f64, now: Instant) -> usize {
        (0..10_000)
            .take_while(|_| budget.try_retry(share, now))
            .count()
    }

    #[test]
    fn little_traffic_has_the_floor() {
        let start = Instant::now();
        let budget = Budget::new(start);
        budget.count_request(start);
        assert_eq!(granted(&budget, 0.2, start), 30);
    }

    #[test]
    fn much_traffic_has_its_share() {
        let start = Instant::now();
        let budget = Budget::new(start);
        for request in 0..1_000 {
            budget.count_request(start + Duration::from_millis(request * 9));
        }
        assert_eq!(granted(&budget, 0.2, start + Duration::from_secs(9)), 200);
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let start = Instant::now();
        let budget = Budget::new(start);
        for _ in 0..1_000 {
            budget.count_request(start);
        }
        assert_eq!(granted(&budget, 0.2, start), 200);
        let later = start + Duration::from_secs(10);
        assert_eq!(granted(&budget, 0.2, later), 30);
    }

    #[test]
    fn a_share_out_of_range_is_held_to_it() {
        assert_eq!(allowed(1_000, -1.0), FLOOR);
        assert_eq!(allowed(1_000, 7.0), 1_000);
        assert_eq!(allowed(1_000, f64::NAN), FLOOR);
    }
}
