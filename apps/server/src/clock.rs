//! The one clock: a cell a thread, refreshed when a request comes in, when its future is polled again,
//! and when a further piece of a body passes. Layers are handed [`now`] as a plain function.
use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime};

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
    static WALL: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
    static READS: Cell<u64> = const { Cell::new(0) };
}

/// How long wall time is the monotonic clock plus an offset before it is read anew.
const OFFSET_KEPT: Duration = Duration::from_secs(1);

/// Reads the clock; what [`now`] says until the next time.
pub fn refresh() -> Instant {
    let now = Instant::now();
    NOW.set(Some(now));
    READS.set(READS.get() + 1);
    now
}

/// How often this thread has read the clock: a request that reads it often costs what nobody sees.
pub fn reads() -> u64 {
    READS.get()
}

/// The time of this thread's last [`refresh`]. A thread that never refreshed reads the clock.
pub fn now() -> Instant {
    NOW.get().unwrap_or_else(Instant::now)
}

/// Wall time at [`now`].
pub fn wall() -> SystemTime {
    let now = now();
    match WALL.get() {
        Some((read, wall)) if now.saturating_duration_since(read) < OFFSET_KEPT => {
            wall + now.saturating_duration_since(read)
        }
        _ => {
            let wall = SystemTime::now();
            WALL.set(Some((now, wall)));
            wall
        }
    }
}
