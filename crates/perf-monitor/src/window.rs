//! What came lately.
//!
//! A route's recent past is a queue of sparse slots, one for each interval in which anything came.
//! As they age they are joined: the last five minutes are kept by the interval (5 s), then by half
//! a minute, and past a quarter of an hour by the minute. A window's start is rounded down to a
//! boundary of the slots of its age, so every slot lies wholly inside or outside, and a rate
//! divides by exactly the time that the slots cover. No sample is stored.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use crate::histogram::Dense;
use crate::totals::{Counts, Delta};

/// How far back figures reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Window {
    /// As far as anything is remembered: [`MonitorSettings::retention`](crate::MonitorSettings).
    #[default]
    Retention,
    /// The last so long, at most the retention.
    Last(Duration),
    /// Since the process started, or since the route was first known.
    SinceStart,
}

impl Window {
    /// How far the window reaches back, none for all of the time. Longer than anything is
    /// remembered is as long as that.
    pub(crate) fn length(self) -> Option<Duration> {
        match self {
            Self::Retention => Some(Duration::MAX),
            Self::Last(length) => Some(length),
            Self::SinceStart => None,
        }
    }
}

/// A window that cannot be read; its text says what can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowError(());

impl std::fmt::Display for WindowError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a window is a number with s, m, h or d (`5m`), or `start`")
    }
}

impl std::error::Error for WindowError {}

impl FromStr for Window {
    type Err = WindowError;

    /// Reads `90s`, `5m`, `1h`, `1d`, or `start`.
    fn from_str(text: &str) -> Result<Self, WindowError> {
        if text == "start" {
            return Ok(Self::SinceStart);
        }
        let unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3_600,
            Some(b'd') => 86_400,
            _ => return Err(WindowError(())),
        };
        let number = &text[..text.len() - 1];
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WindowError(()));
        }
        let number: u32 = number.parse().map_err(|_| WindowError(()))?;
        match u64::from(number) * unit {
            0 => Err(WindowError(())),
            seconds => Ok(Self::Last(Duration::from_secs(seconds))),
        }
    }
}

/// How time is cut: all in numbers of intervals, called ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    interval: Duration,
    retention: u64,
    /// Past these ages slots are joined to groups of `group[0]` and `group[1]` ticks.
    fine: [u64; 2],
    group: [u64; 2],
}

impl Cut {
    pub(crate) fn new(interval: Duration, retention: Duration) -> Self {
        let ticks = |span: Duration| ceil_div(span, interval);
        let half_minute = ticks(Duration::from_secs(30)).max(1);
        let group = [half_minute, half_minute * 2];
        // One tick more than asked for, and one group more, because a window's start is rounded down.
        let fine = [
            ticks(Duration::from_mins(5)) + 1,
            ticks(Duration::from_mins(15)) + 1 + group[0],
        ];
        Self {
            interval,
            retention: ticks(retention),
            fine,
            group,
        }
    }

    /// The tick in which `age` after the start lies.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "10^9 years of ticks fit 64 bits"
    )]
    pub(crate) fn tick(&self, since_start: Duration) -> u64 {
        (since_start.as_nanos() / self.interval.as_nanos()) as u64
    }

    /// The first tick of a window that ends at tick `now`.
    pub(crate) fn first(&self, window: Duration, now: u64) -> u64 {
        let ticks = ceil_div(window, self.interval).min(self.retention);
        let first = now.saturating_sub(ticks);
        let group = if ticks < self.fine[0] {
            1
        } else if ticks < self.fine[1] - self.group[0] {
            self.group[0]
        } else {
            self.group[1]
        };
        first / group * group
    }

    /// The first tick that is still remembered at tick `now`.
    fn oldest(&self, now: u64) -> u64 {
        self.first(Duration::MAX, now)
    }

    /// How long after the start `tick` begins.
    pub(crate) fn start_of(&self, tick: u64) -> Duration {
        let nanos = self.interval.as_nanos() * u128::from(tick);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The first tick of the group that a slot starting at `tick` belongs to at tick `now`.
    fn group_of(&self, tick: u64, now: u64) -> u64 {
        for level in [1, 0] {
            let size = self.group[level];
            let first = tick / size * size;
            if first + size + self.fine[level] <= now {
                return first;
            }
        }
        tick
    }
}

fn ceil_div(span: Duration, interval: Duration) -> u64 {
    u64::try_from(span.as_nanos().div_ceil(interval.as_nanos())).unwrap_or(u64::MAX)
}

/// One slot: what came from tick `first` on, in one tick or a group of them.
#[derive(Clone, Debug)]
struct Slot {
    first: u64,
    counts: Counts,
    times: Box<[(u16, u32)]>,
}

impl Slot {
    fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.times.len() * size_of::<(u16, u32)>()) as u64
    }
}

/// The slots of one route or arm, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    slots: VecDeque<Slot>,
    bytes: u64,
}

impl Past {
    /// Adds what came in `tick`, which is not before the newest slot's.
    pub(crate) fn add(&mut self, tick: u64, delta: Delta) {
        let slot = Slot {
            first: tick,
            counts: delta.counts,
            times: delta.times.into(),
        };
        match self.slots.back_mut() {
            Some(newest) if newest.first >= tick => {
                self.bytes -= newest.bytes();
                join(newest, &slot);
                self.bytes += newest.bytes();
            }
            _ => {
                self.bytes += slot.bytes();
                self.slots.push_back(slot);
            }
        }
    }

    /// Forgets what is too old at tick `now` and joins what has aged.
    pub(crate) fn age(&mut self, cut: &Cut, now: u64) {
        let oldest = cut.oldest(now);
        while self.slots.front().is_some_and(|slot| slot.first < oldest) {
            self.drop_oldest();
        }
        let group = |slot: &Slot| cut.group_of(slot.first, now);
        let joins = |slots: &VecDeque<Slot>| {
            let neighbours = slots.iter().zip(slots.iter().skip(1));
            neighbours
                .filter(|(slot, next)| group(slot) == group(next))
                .count()
        };
        if joins(&self.slots) == 0 {
            return;
        }
        let mut joined: VecDeque<Slot> = VecDeque::new();
        for slot in self.slots.drain(..) {
            match joined.back_mut() {
                Some(last) if group(last) == group(&slot) => join(last, &slot),
                _ => joined.push_back(slot),
            }
        }
        self.bytes = joined.iter().map(Slot::bytes).sum();
        self.slots = joined;
    }

    /// Adds up what came from tick `first` on.
    pub(crate) fn sum(&self, first: u64, counts: &mut Counts, dense: &mut Dense) {
        for slot in self
            .slots
            .iter()
            .rev()
            .take_while(|slot| slot.first >= first)
        {
            counts.add(&slot.counts);
            for &(bucket, count) in &slot.times {
                dense.add(usize::from(bucket), u64::from(count));
            }
        }
    }

    pub(crate) fn drop_oldest(&mut self) -> u64 {
        let bytes = self.slots.pop_front().map_or(0, |slot| slot.bytes());
        self.bytes -= bytes;
        bytes
    }

    /// The first tick of the oldest slot.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.slots.front().map(|slot| slot.first)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn count(&self) -> u64 {
        self.slots.iter().map(|slot| slot.counts.count).sum()
    }
}

fn join(slot: &mut Slot, other: &Slot) {
    slot.counts.add(&other.counts);
    let mut times = Vec::with_capacity(slot.times.len() + other.times.len());
    let (mut mine, mut theirs) = (slot.times.iter().peekable(), other.times.iter().peekable());
    loop {
        let next = match (mine.peek(), theirs.peek()) {
            (Some((left, _)), Some((right, _))) if left > right => theirs.next(),
            (Some(_), _) => mine.next(),
            (None, _) => theirs.next(),
        };
        let Some(&(bucket, count)) = next else { break };
        match times.last_mut() {
            Some((last, sum)) if *last == bucket => *sum = count.saturating_add(*sum),
            _ => times.push((bucket, count)),
        }
    }
    slot.times = times.into();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<Window>) {
        assert_eq!(text.parse::<Window>().ok(), expected, "{text}");
    }

    #[test]
    fn windows_are_read() {
        let last = |seconds| Some(Window::Last(Duration::from_secs(seconds)));
        check("5m", last(300));
        check("1h", last(3_600));
        check("90s", last(90));
        check("1d", last(86_400));
        check("start", Some(Window::SinceStart));
        for wrong in [
            "",
            "5",
            "m",
            "0s",
            "-5m",
            "+5m",
            "5 m",
            "5ms",
            "99999999999h",
            "5é",
        ] {
            check(wrong, None);
        }
    }

    proptest! {
        /// Whatever comes when, a window holds exactly what came since its rounded start.
        #[test]
        fn a_window_holds_what_came_since_its_start(
            gaps in proptest::collection::vec((0_u64..40, 0_u16..1600, 1_u32..5), 1..200),
            interval in 1_u64..=60,
        ) {
            let cut = Cut::new(Duration::from_secs(interval), Duration::from_hours(1));
            let (mut past, mut all, mut now) = (Past::default(), Vec::new(), 0);
            for (gap, bucket, count) in gaps {
                now += gap;
                let counts = Counts { count: u64::from(count), ..Counts::default() };
                past.age(&cut, now);
                past.add(now, Delta { counts, times: vec![(bucket, count)] });
                all.push((now, u64::from(count)));
            }
            past.age(&cut, now);
            let bytes: u64 = past.slots.iter().map(Slot::bytes).sum();
            prop_assert_eq!(bytes, past.bytes());
            for minutes in [1, 2, 5, 7, 15, 20, 60, 600] {
                let window = Duration::from_mins(minutes);
                let first = cut.first(window, now);
                let (mut counts, mut dense) = (Counts::default(), Dense::default());
                past.sum(first, &mut counts, &mut dense);
                let expected: u64 = all.iter().filter(|(tick, _)| *tick >= first).map(|(_, n)| n).sum();
                prop_assert_eq!(counts.count, expected);
                prop_assert_eq!(dense.total(), expected);
                // Rounding takes in a minute more at most, or one tick where those are longer.
                let asked = window.min(Duration::from_hours(1));
                let covered = cut.start_of(now).saturating_sub(cut.start_of(first));
                prop_assert!(first == 0 || covered >= asked);
                prop_assert!(covered < asked + Duration::from_secs(121));
            }
        }
    }

    #[test]
    fn an_hour_of_steady_load_needs_few_slots() {
        let cut = Cut::new(Duration::from_secs(5), Duration::from_hours(1));
        let mut past = Past::default();
        for tick in 0..2_000 {
            past.age(&cut, tick);
            past.add(tick, Delta::default());
        }
        assert!(past.slots.len() < 140, "{}", past.slots.len());
    }
}
