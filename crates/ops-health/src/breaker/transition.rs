//! When does a breaker change its state, and who passes? Plain values: the time and the jitter come in, out comes a decision.
//!
//! - Closed: [`trips`] says what the counts come to. The counting itself is the shell's, for every call meets it.
//! - Open: everything is refused until the wait is over. The wait doubles each time that trials fail, up to `open_max`; jitter
//!   makes it up to half as long again, so that servers that saw the same outage do not try in step.
//! - Half-open: `trial_calls` calls pass and no further one. The first failure opens it again; when all have succeeded it
//!   closes. A trial without an outcome gives its place back, and one that has not ended after [`TRIAL_LEASE`] no longer keeps
//!   others out; should it end after all, it still counts.
//! - By hand it is open or closed until it is left to itself again.
//!
//! Calls that began before a change say nothing about the time after it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::settings::BreakerSettings;
use super::state::{
    BreakerState, CallCounts, CallOutcome, Transition, TransitionCause as Cause, TripCause,
};

/// How long a trial may be under way before its place is given to another.
pub(crate) const TRIAL_LEASE: Duration = Duration::from_mins(1);

/// The longest wait, whatever is configured.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Jitter adds up to this share of a wait.
const JITTER: f64 = 0.5;

/// What the counts of a closed breaker come to.
///
/// The rates are compared as quotients: 7 of 100 is exactly what is written `0.07`.
pub(crate) fn trips(settings: &BreakerSettings, counts: CallCounts) -> Option<TripCause> {
    let share = |part: u64| part as f64 / counts.calls as f64;
    let enough = counts.calls >= u64::from(settings.minimum_calls).max(1);
    if counts.failures_in_row >= u64::from(settings.failures_in_row) && counts.failures_in_row > 0 {
        Some(TripCause::FailuresInRow)
    } else if enough && counts.failures > 0 && share(counts.failures) >= settings.failure_rate {
        Some(TripCause::FailureRate)
    } else if enough && counts.slow > 0 && share(counts.slow) >= settings.slow_rate {
        Some(TripCause::SlowCalls)
    } else {
        None
    }
}

/// Where a breaker stands, with all that a decision needs.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    settings: Arc<BreakerSettings>,
    state: State,
    since: Instant,
    last: Option<Transition>,
    /// How often it opened since it was closed last.
    openings: u32,
    /// How often it opened at all.
    opened: u64,
    period: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen(Trials),
    ForcedOpen,
    ForcedClosed,
}

#[derive(Clone, Copy, Debug)]
struct Trials {
    /// Calls that passed and hold a place.
    under_way: u32,
    succeeded: u32,
    slow: u32,
    /// Counts how often places were given to others; who began before has none to give back.
    batch: u32,
    /// When the places of calls that have not ended are given to others.
    lease: Instant,
}

/// What a call that passed has to show at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    /// The time between two changes of state in which the call began.
    pub(crate) period: u64,
    /// For a call on trial, which places it is of.
    pub(crate) batch: u32,
}

/// Whether a call passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    Passes(Ticket),
    Refused,
}

impl Machine {
    /// A closed one.
    pub(crate) fn new(settings: Arc<BreakerSettings>, now: Instant) -> Self {
        Self {
            settings,
            state: State::Closed,
            since: now,
            last: None,
            openings: 0,
            opened: 0,
            period: 0,
        }
    }

    /// Takes other settings; the state and a wait that has begun stay.
    pub(crate) fn set_settings(&mut self, settings: Arc<BreakerSettings>) {
        self.settings = settings;
    }

    pub(crate) fn state(&self) -> BreakerState {
        match self.state {
            State::Closed => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen(_) => BreakerState::HalfOpen,
            State::ForcedOpen => BreakerState::ForcedOpen,
            State::ForcedClosed => BreakerState::ForcedClosed,
        }
    }

    /// When the state was entered.
    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// The latest change.
    pub(crate) fn last(&self) -> Option<Transition> {
        self.last
    }

    /// How often it opened, by itself or by hand.
    pub(crate) fn opened(&self) -> u64 {
        self.opened
    }

    /// The time between two changes, counted.
    pub(crate) fn period(&self) -> u64 {
        self.period
    }

    /// Until when everything is refused whoever asks; none where somebody may pass now, and for ever where it is forced open.
    pub(crate) fn refuses_until(&self) -> Until {
        match self.state {
            State::Open { until } => Until::Time(until),
            State::HalfOpen(trials) if !trials.has_place(self.trial_calls()) => {
                Until::Time(trials.lease)
            }
            State::ForcedOpen => Until::Forever,
            State::Closed | State::ForcedClosed | State::HalfOpen(_) => Until::Now,
        }
    }

    /// A call asks to pass.
    pub(crate) fn ask(&mut self, now: Instant) -> (Admission, Option<Transition>) {
        let all = self.trial_calls();
        match &mut self.state {
            State::Closed | State::ForcedClosed => (self.passes(0), None),
            State::ForcedOpen => (Admission::Refused, None),
            State::Open { until } if now < *until => (Admission::Refused, None),

            // Open to half-open, with the call that finds the wait over as the first on trial.
            State::Open { .. } => {
                let trials = Trials {
                    under_way: 1,
                    succeeded: 0,
                    slow: 0,
                    batch: 0,
                    lease: later(now, TRIAL_LEASE),
                };
                let none = CallCounts::default();
                let told = self.enter(State::HalfOpen(trials), Cause::WaitOver, none, now, None);
                (self.passes(0), Some(told))
            }

            State::HalfOpen(trials) => {
                if !trials.has_place(all) {
                    if now < trials.lease {
                        return (Admission::Refused, None);
                    }
                    trials.under_way = 0;
                    trials.batch = trials.batch.wrapping_add(1);
                }
                trials.under_way += 1;
                trials.lease = later(now, TRIAL_LEASE);
                let batch = trials.batch;
                (self.passes(batch), None)
            }
        }
    }

    /// Closed to open: the counts have come to `cause` in `period`. Nothing happens where somebody was faster, or it is kept
    /// closed by hand.
    pub(crate) fn trip(
        &mut self,
        period: u64,
        cause: TripCause,
        counts: CallCounts,
        now: Instant,
        jitter: f64,
    ) -> Option<Transition> {
        let closed = matches!(self.state, State::Closed) && self.period == period;
        closed.then(|| self.open(cause, counts, now, jitter))
    }

    /// A call on trial has ended.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        outcome: CallOutcome,
        slow: bool,
        now: Instant,
        jitter: f64,
    ) -> Option<Transition> {
        let all = self.trial_calls();
        let State::HalfOpen(trials) = &mut self.state else {
            return None;
        };
        if ticket.period != self.period {
            return None;
        }
        match outcome {
            CallOutcome::Undecided => {
                self.give_back(ticket);
                None
            }

            // Half-open to open.
            CallOutcome::Failure => {
                let mut counts = trials.counts();
                counts.calls += 1;
                counts.failures = 1;
                counts.failures_in_row = 1;
                counts.slow += u64::from(slow);
                Some(self.open(TripCause::TrialFailed, counts, now, jitter))
            }

            CallOutcome::Success => {
                trials.leave(ticket);
                trials.succeeded += 1;
                trials.slow += u32::from(slow);
                if trials.succeeded < all {
                    return None;
                }
                let counts = trials.counts();
                let share = counts.slow as f64 / counts.calls as f64;
                if counts.slow > 0 && share >= self.settings.slow_rate {
                    // Half-open to open: what was slow would only be shut again.
                    return Some(self.open(TripCause::SlowTrials, counts, now, jitter));
                }
                // Half-open to closed.
                self.openings = 0;
                Some(self.enter(State::Closed, Cause::TrialsPassed, counts, now, None))
            }
        }
    }

    /// A call on trial has come to nothing: another may have its place.
    pub(crate) fn give_back(&mut self, ticket: Ticket) {
        if let State::HalfOpen(trials) = &mut self.state
            && ticket.period == self.period
        {
            trials.leave(ticket);
        }
    }

    /// An operator puts it into `to`; half-open nobody can.
    fn by_hand(&mut self, to: State, now: Instant) -> Transition {
        self.openings = 0;
        self.enter(to, Cause::ByHand, CallCounts::default(), now, None)
    }

    /// Refuses all until it is told otherwise.
    pub(crate) fn force_open(&mut self, now: Instant) -> Option<Transition> {
        let new = !matches!(self.state, State::ForcedOpen);
        new.then(|| self.by_hand(State::ForcedOpen, now))
    }

    /// Lets all pass until it is told otherwise.
    pub(crate) fn force_closed(&mut self, now: Instant) -> Option<Transition> {
        let new = !matches!(self.state, State::ForcedClosed);
        new.then(|| self.by_hand(State::ForcedClosed, now))
    }

    /// Leaves it to itself: it begins closed where it was held by hand, else nothing changes.
    pub(crate) fn auto(&mut self, now: Instant) -> Option<Transition> {
        let held = matches!(self.state, State::ForcedOpen | State::ForcedClosed);
        held.then(|| self.by_hand(State::Closed, now))
    }

    /// Closes it and leaves it to itself.
    pub(crate) fn reset(&mut self, now: Instant) -> Option<Transition> {
        if matches!(self.state, State::Closed) {
            self.openings = 0;
            // What is under way belongs to what is forgotten.
            self.period += 1;
            return None;
        }
        Some(self.by_hand(State::Closed, now))
    }

    fn open(
        &mut self,
        cause: TripCause,
        counts: CallCounts,
        now: Instant,
        jitter: f64,
    ) -> Transition {
        self.openings = self.openings.saturating_add(1);
        let wait = wait(&self.settings, self.openings, jitter);
        let until = later(now, wait);
        self.enter(
            State::Open { until },
            Cause::Tripped(cause),
            counts,
            now,
            Some(wait),
        )
    }

    fn enter(
        &mut self,
        state: State,
        cause: Cause,
        counts: CallCounts,
        at: Instant,
        wait: Option<Duration>,
    ) -> Transition {
        let from = self.state();
        self.state = state;
        self.since = at;
        self.period += 1;
        self.opened += u64::from(matches!(state, State::Open { .. } | State::ForcedOpen));
        let transition = Transition {
            number: self.last.map_or(0, |last| last.number) + 1,
            from,
            to: self.state(),
            cause,
            at,
            counts,
            wait,
        };
        self.last = Some(transition);
        transition
    }

    fn passes(&self, batch: u32) -> Admission {
        Admission::Passes(Ticket {
            period: self.period,
            batch,
        })
    }

    fn trial_calls(&self) -> u32 {
        self.settings.trial_calls.max(1)
    }
}

impl Trials {
    fn has_place(&self, all: u32) -> bool {
        self.under_way.saturating_add(self.succeeded) < all
    }

    /// A call gives its place back, if it is still its own.
    fn leave(&mut self, ticket: Ticket) {
        if ticket.batch == self.batch {
            self.under_way = self.under_way.saturating_sub(1);
        }
    }

    fn counts(&self) -> CallCounts {
        CallCounts {
            calls: self.succeeded.into(),
            slow: self.slow.into(),
            ..CallCounts::default()
        }
    }
}

/// Until when everything is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    Now,
    Time(Instant),
    Forever,
}

/// How long it stays open for the `openings`th time in a row; `jitter` is from 0 to 1.
fn wait(settings: &BreakerSettings, openings: u32, jitter: f64) -> Duration {
    let longest = settings.open_max.min(LONGEST_WAIT);
    let doubled = 2_u32.saturating_pow(openings.saturating_sub(1));
    let base = settings.open.saturating_mul(doubled).min(longest);
    let more = base.as_secs_f64() * JITTER * jitter.clamp(0.0, 1.0);
    let more = Duration::try_from_secs_f64(more).unwrap_or_default();
    base.saturating_add(more).min(longest)
}

/// Bounded times alone are added; a clock near its end would stay where it is.
fn later(now: Instant, by: Duration) -> Instant {
    now.checked_add(by).unwrap_or(now)
}
