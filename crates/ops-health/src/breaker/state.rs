//! The words for where a breaker stands and why.

use std::fmt;
use std::time::{Duration, Instant};

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BreakerState {
    /// Calls pass, and are counted.
    Closed,
    /// Calls are refused for a while.
    Open,
    /// Some calls pass on trial, the others are refused.
    HalfOpen,
    /// An operator has calls refused.
    ForcedOpen,
    /// An operator has calls pass; they are counted all the same.
    ForcedClosed,
}

impl BreakerState {
    /// The word for it in logs, metrics and the admin API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
        }
    }

    /// Returns whether every call passes.
    pub fn passes_all(self) -> bool {
        matches!(self, Self::Closed | Self::ForcedClosed)
    }
}

impl fmt::Display for BreakerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a breaker opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TripCause {
    /// `failures_in_row` calls failed, one after the other.
    FailuresInRow,
    /// The share of failures in the window reached `failure_rate`.
    FailureRate,
    /// The share of slow calls in the window reached `slow_rate`.
    SlowCalls,
    /// A call on trial failed.
    TrialFailed,
    /// The share of slow calls among those on trial reached `slow_rate`.
    SlowTrials,
}

/// Why a breaker changed its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransitionCause {
    /// The calls went badly.
    Tripped(TripCause),
    /// It was open long enough.
    WaitOver,
    /// All calls on trial succeeded.
    TrialsPassed,
    /// An operator said so.
    ByHand,
}

impl TransitionCause {
    /// The word for it in logs, metrics and the admin API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tripped(TripCause::FailuresInRow) => "failures-in-row",
            Self::Tripped(TripCause::FailureRate) => "failure-rate",
            Self::Tripped(TripCause::SlowCalls) => "slow-calls",
            Self::Tripped(TripCause::TrialFailed) => "trial-failed",
            Self::Tripped(TripCause::SlowTrials) => "slow-trials",
            Self::WaitOver => "wait-over",
            Self::TrialsPassed => "trials-passed",
            Self::ByHand => "by-hand",
        }
    }
}

impl fmt::Display for TransitionCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the calls went that a breaker looks at: those of the window, or those on trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// Calls that ended with an outcome.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that were slow, whether they failed or not.
    pub slow: u64,
    /// Failures since the last success.
    pub failures_in_row: u64,
}

/// A change of a breaker's state; each is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Counts the breaker's changes from 1, so that observers on several threads can tell their order.
    pub number: u64,
    /// Where it stood.
    pub from: BreakerState,
    /// Where it stands since.
    pub to: BreakerState,
    /// Why.
    pub cause: TransitionCause,
    /// When.
    pub at: Instant,
    /// What it saw: for a trip from closed the window, after half-open the trials; else nothing.
    pub counts: CallCounts,
    /// How long calls are refused before some are let through on trial; where it opened by itself.
    pub wait: Option<Duration>,
}

/// How a call went, as far as the part behind the breaker is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// It was answered.
    Success,
    /// The part is away, overloaded or hung.
    Failure,
    /// It says nothing about the part: the caller left, or the call was given up for a reason of our own.
    Undecided,
}
