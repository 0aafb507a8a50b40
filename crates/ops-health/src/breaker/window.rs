//! How did the calls of the last seconds go? Counts in ten slots of time, shared by all threads without a lock.
//!
//! The window moves on by a slot at a time, so it never holds a call older than its length, and lets go of one up to a slot
//! early. A count and the time that it is of are one word: a thread that comes to a slot of an older time replaces both at
//! once, and one that comes late, with an older time, adds to what is there.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::state::CallCounts;

/// The slots of a window.
const SLOTS: u32 = 10;

/// What the window has counted of the last `SLOTS` slots of time.
#[derive(Debug)]
pub(crate) struct Window {
    born: Instant,
    slot_nanos: AtomicU64,
    /// The slot of time that was asked for last: most calls fall into the same, and need no division.
    latest: AtomicU64,
    counts: Counts,
}

/// On cache lines of its own: every call writes here, and what stands beside it is read by every call.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counts {
    calls: [Slot; SLOTS as usize],
    failures: [Slot; SLOTS as usize],
    slow: [Slot; SLOTS as usize],
}

/// A moment in slots; wraps after more than a century, with the shortest window after 13 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tick(u32);

impl Window {
    /// An empty window of `length` that knows no time before `born`.
    pub(crate) fn new(length: Duration, born: Instant) -> Self {
        Self {
            born,
            slot_nanos: AtomicU64::new(slot_nanos(length)),
            latest: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// Begins anew with another length.
    pub(crate) fn resize(&self, length: Duration, now: Instant) {
        self.slot_nanos.store(slot_nanos(length), Relaxed);
        self.latest.store(0, Relaxed);
        self.clear(now);
    }

    /// The slot of time that `now` falls into.
    #[inline]
    pub(crate) fn tick(&self, now: Instant) -> Tick {
        let elapsed = now.saturating_duration_since(self.born);
        #[expect(clippy::cast_possible_truncation, reason = "584 years of nanoseconds")]
        let nanos = elapsed.as_nanos() as u64;
        let width = self.slot_nanos.load(Relaxed);
        let latest = self.latest.load(Relaxed);
        let slot = if nanos.wrapping_sub(latest.wrapping_mul(width)) < width {
            latest
        } else {
            self.divide(nanos, width)
        };
        #[expect(clippy::cast_possible_truncation, reason = "slots wrap on purpose")]
        let slot = slot as u32;
        // Begins behind a whole window, so that an untouched slot is never a recent one.
        Tick(slot.wrapping_add(SLOTS + 1))
    }

    #[cold]
    fn divide(&self, nanos: u64, width: u64) -> u64 {
        let slot = nanos / width.max(1);
        self.latest.store(slot, Relaxed);
        slot
    }

    /// Counts a call. Returns whether it is the first of its slot: then older calls may have left the window.
    #[inline]
    pub(crate) fn count(&self, tick: Tick, failed: bool, slow: bool) -> bool {
        if failed {
            slot(&self.counts.failures, tick).add(tick);
        }
        if slow {
            slot(&self.counts.slow, tick).add(tick);
        }
        slot(&self.counts.calls, tick).add(tick)
    }

    /// Adds up what the window holds.
    pub(crate) fn sum(&self, tick: Tick) -> CallCounts {
        let recent =
            |slots: &[Slot]| -> u64 { slots.iter().map(|slot| u64::from(slot.recent(tick))).sum() };
        CallCounts {
            calls: recent(&self.counts.calls),
            failures: recent(&self.counts.failures),
            slow: recent(&self.counts.slow),
            failures_in_row: 0,
        }
    }

    /// Forgets every call.
    pub(crate) fn clear(&self, now: Instant) {
        let long_ago = self.tick(now).0.wrapping_sub(SLOTS + 1);
        let Counts {
            calls,
            failures,
            slow,
        } = &self.counts;
        for slot in calls.iter().chain(failures).chain(slow) {
            slot.0.store(u64::from(long_ago) << 32, Relaxed);
        }
    }
}

fn slot_nanos(length: Duration) -> u64 {
    let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    (nanos / u64::from(SLOTS)).max(1)
}

#[inline]
fn slot(slots: &[Slot; SLOTS as usize], tick: Tick) -> &Slot {
    &slots[(tick.0 % SLOTS) as usize]
}

/// The tick that a count is of, above, and the count, below.
#[derive(Debug, Default)]
struct Slot(AtomicU64);

impl Slot {
    /// Adds one; returns whether it is the first of `tick`.
    #[inline]
    fn add(&self, tick: Tick) -> bool {
        let seen = self.0.load(Relaxed);
        if stamp(seen) == tick.0 {
            self.0.fetch_add(1, Relaxed);
            return false;
        }
        self.begin(tick, seen)
    }

    #[cold]
    fn begin(&self, tick: Tick, mut seen: u64) -> bool {
        // A slot of a later time: this thread's clock is behind another's.
        while tick.0.wrapping_sub(stamp(seen)).wrapping_sub(1) < u32::MAX / 2 {
            let fresh = (u64::from(tick.0) << 32) | 1;
            match self.0.compare_exchange(seen, fresh, Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        self.0.fetch_add(1, Relaxed);
        false
    }

    #[expect(clippy::cast_possible_truncation, reason = "the lower half")]
    fn recent(&self, tick: Tick) -> u32 {
        let seen = self.0.load(Relaxed);
        if tick.0.wrapping_sub(stamp(seen)) < SLOTS {
            seen as u32
        } else {
            0
        }
    }
}

#[inline]
fn stamp(seen: u64) -> u32 {
    (seen >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(10);

    fn at(window: &Window, seconds: f64) -> Tick {
        window.tick(window.born + Duration::from_secs_f64(seconds))
    }

    #[track_caller]
    fn check(counted_at: f64, asked_at: f64, expected: u64) {
        let window = Window::new(LENGTH, Instant::now());
        window.count(at(&window, counted_at), true, false);
        let sum = window.sum(at(&window, asked_at));
        assert_eq!((sum.calls, sum.failures, sum.slow), (expected, expected, 0));
    }

    #[test]
    fn a_call_is_in_the_window_until_its_slot_has_left() {
        check(0.0, 0.0, 1);
        check(0.0, 9.9, 1);
        check(0.0, 10.0, 0);
        check(0.9, 9.9, 1);
        check(0.9, 10.0, 0);
        check(0.0, 1e6, 0);
    }

    #[test]
    fn a_thread_whose_clock_is_behind_takes_nothing_away() {
        let window = Window::new(LENGTH, Instant::now());
        assert!(window.count(at(&window, 12.0), false, false));
        assert!(!window.count(at(&window, 2.0), false, true));
        assert_eq!(window.sum(at(&window, 12.0)).calls, 2);
    }

    #[test]
    fn the_first_of_a_slot_is_told() {
        let window = Window::new(LENGTH, Instant::now());
        let told = [0.0, 0.5, 1.0, 1.0, 11.0].map(|s| window.count(at(&window, s), false, false));
        assert_eq!(told, [true, false, true, false, true]);
    }

    #[test]
    fn nothing_is_left_when_it_is_cleared() {
        let window = Window::new(LENGTH, Instant::now());
        window.count(at(&window, 1.0), true, true);
        window.clear(window.born);
        assert_eq!(window.sum(at(&window, 1.0)), CallCounts::default());
    }
}
