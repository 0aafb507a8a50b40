//! Who is late: judged for all connections of a worker at once, a few times a second.
//!
//! - First request: [`HttpSettings::head_timeout`] from accept to the head's last byte, so that a silent
//!   connection is covered too.
//! - Each later head on HTTP/1: the same time from its first byte. (Its first bytes may have come with
//!   the request before; then it counts as idle.)
//! - Idle: [`HttpSettings::idle_timeout`] between requests. HTTP/2 counts streams, not bytes.
//! - Requests under way and tunnels have no limit here.
//!
//! A time is noticed at the first tick after it, so up to a tick late.

use std::time::{Duration, Instant};

use super::connection::{Phase, Stage};
use super::settings::HttpSettings;
use super::table::{Entry, Table};

/// How long a connection without a byte is kept once the listeners are closed: what its client has sent
/// may still be on its way.
const LAST_CHANCE: Duration = Duration::from_millis(500);

/// How long an HTTP/1 connection is idle before its buffers are given back, which takes it from some 12
/// KiB to under 3.
const QUIET: Duration = Duration::from_secs(1);

/// The times that connections are held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    head: Duration,
    idle: Duration,
}

impl Times {
    pub(super) fn of(settings: &HttpSettings) -> Self {
        Self {
            head: settings.head_timeout,
            idle: settings.idle_timeout,
        }
    }

    /// How often to sweep: fine enough for the shortest time, never in vain.
    pub(super) fn tick(self) -> Duration {
        (self.head.min(self.idle) / 8).clamp(Duration::from_millis(5), Duration::from_millis(250))
    }
}

/// What becomes of a connection, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Keep,
    /// Ask it to end in good form.
    Close,
    /// End it: its head took too long.
    SlowHead,
    /// End it: it was asked to and stayed.
    Stayed,
}

/// Judges a connection that has been in `phase` for `age`, and asked to end for `closing`.
fn judge(phase: Phase, age: Duration, closing: Option<Duration>, times: Times) -> Verdict {
    match phase {
        Phase::First { .. } | Phase::Head if age >= times.head => Verdict::SlowHead,
        Phase::First { silent: true }
            if closing.is_some_and(|closing| closing.min(age) >= LAST_CHANCE) =>
        {
            Verdict::Stayed
        }
        Phase::Busy | Phase::Tunnel | Phase::First { .. } | Phase::Head => Verdict::Keep,
        Phase::Idle => match closing {
            // HTTP/2 waits for the client to have seen its notice; one that does not reply ends here.
            Some(closing) if closing >= times.head => Verdict::Stayed,
            None if age >= times.idle => Verdict::Close,
            _ => Verdict::Keep,
        },
    }
}

/// Judges every connection of `table` at `now`.
pub(super) fn sweep(table: &Table, times: Times, now: Instant) {
    let (mut slow, mut idle) = (0, 0);
    table.each(|entry: &mut Entry| {
        entry.look(now);
        let age = now.saturating_duration_since(entry.since);
        let closing = entry
            .closing
            .map(|since| now.saturating_duration_since(since));
        if entry.connection.stage() == Stage::Abort {
            return;
        }
        match judge(entry.phase, age, closing, times) {
            Verdict::Keep => {
                if entry.phase == Phase::Idle && age >= QUIET && !entry.rested {
                    entry.rested = true;
                    entry.connection.ask_to_rest();
                }
            }
            Verdict::Close => {
                idle += 1;
                entry.connection.move_on(Stage::Close);
            }
            Verdict::SlowHead => {
                slow += 1;
                entry.connection.move_on(Stage::Abort);
            }
            Verdict::Stayed => entry.connection.move_on(Stage::Abort),
        }
    });
    table.tally.add_late(slow, idle);
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        head: Duration::from_secs(5),
        idle: Duration::from_secs(75),
    };

    #[track_caller]
    fn check(phase: Phase, age_s: f32, closing_s: Option<f32>, expected: Verdict) {
        let closing = closing_s.map(Duration::from_secs_f32);
        assert_eq!(
            judge(phase, Duration::from_secs_f32(age_s), closing, TIMES),
            expected
        );
    }

    #[test]
    fn a_first_request_has_the_time_of_a_head_silent_or_not() {
        for silent in [true, false] {
            check(Phase::First { silent }, 4.9, None, Verdict::Keep);
            check(Phase::First { silent }, 5.0, None, Verdict::SlowHead);
        }
    }

    #[test]
    fn a_later_head_has_its_own_time() {
        check(Phase::Head, 4.9, None, Verdict::Keep);
        check(Phase::Head, 5.0, None, Verdict::SlowHead);
    }

    #[test]
    fn an_idle_connection_is_asked_first_and_ended_when_it_stays() {
        check(Phase::Idle, 74.9, None, Verdict::Keep);
        check(Phase::Idle, 75.0, None, Verdict::Close);
        check(Phase::Idle, 75.0, Some(4.9), Verdict::Keep);
        check(Phase::Idle, 80.0, Some(5.0), Verdict::Stayed);
    }

    #[test]
    fn what_is_under_way_has_no_limit() {
        check(Phase::Busy, 1e6, Some(1e6), Verdict::Keep);
        check(Phase::Tunnel, 1e6, Some(1e6), Verdict::Keep);
    }

    #[test]
    fn a_silent_connection_has_a_last_chance_from_the_later_of_accept_and_close() {
        check(Phase::First { silent: true }, 3.0, Some(0.4), Verdict::Keep);
        check(Phase::First { silent: true }, 0.4, Some(3.0), Verdict::Keep);
        check(
            Phase::First { silent: true },
            3.0,
            Some(0.5),
            Verdict::Stayed,
        );
        check(
            Phase::First { silent: false },
            3.0,
            Some(0.5),
            Verdict::Keep,
        );
    }

    #[test]
    fn ticks_are_fine_enough_for_short_times_and_never_too_many() {
        assert_eq!(TIMES.tick(), Duration::from_millis(250));
        let short = Times {
            head: Duration::from_millis(10),
            ..TIMES
        };
        assert_eq!(short.tick(), Duration::from_millis(5));
    }
}
