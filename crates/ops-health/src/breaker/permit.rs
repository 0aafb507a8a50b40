//! What a call holds while it is under way.

use std::fmt;
use std::ops::Deref;
use std::time::Instant;

use super::Breaker;
use super::gate::passes_all;
use super::state::CallOutcome;

/// What a call that passed has to show at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// The breaker's gate when it passed.
    pub(super) gate: u64,
    /// For a call on trial, which places it is of.
    pub(super) batch: u32,
}

/// A call that a breaker let pass; `B` is how the breaker is held.
///
/// A permit that is dropped without an outcome counts as [`CallOutcome::Undecided`]: whoever gives up for reasons of their own
/// says nothing about the part that was called. A call on trial gives its place back then.
#[must_use = "a permit that is dropped counts as nothing"]
pub struct Permit<B: Deref<Target = Breaker>> {
    breaker: B,
    pass: Pass,
    began: Instant,
    answered: Option<Instant>,
    ended: bool,
}

impl<B: Deref<Target = Breaker>> Permit<B> {
    pub(super) fn new(breaker: B, pass: Pass, began: Instant) -> Self {
        Self {
            breaker,
            pass,
            began,
            answered: None,
            ended: false,
        }
    }

    /// Says how the call went, and when that was known.
    #[inline]
    pub fn complete(mut self, outcome: CallOutcome, now: Instant) {
        self.end(outcome, now);
    }

    /// Gives the call up: it counts as nothing, but as a slow one where it took longer than `slow_call` by then. So a part that
    /// hangs until the callers leave is found out.
    #[inline]
    pub fn abandon(self, now: Instant) {
        self.complete(CallOutcome::Undecided, now);
    }

    /// Says that the answer has begun, though not yet how the call went: what it takes from here on does not make it slow.
    pub fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
    }

    #[inline]
    pub(crate) fn end(&mut self, outcome: CallOutcome, now: Instant) {
        self.ended = true;
        let answered = self.answered.unwrap_or(now);
        let took = || answered.saturating_duration_since(self.began);
        self.breaker.end(self.pass, outcome, took, now);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Returns the breaker.
    pub fn breaker(&self) -> &Breaker {
        &self.breaker
    }

    /// Returns when the call passed.
    pub fn began(&self) -> Instant {
        self.began
    }

    /// Returns whether the call is one of the few that pass on trial.
    pub fn is_trial(&self) -> bool {
        !passes_all(self.pass.gate)
    }
}

impl<B: Deref<Target = Breaker>> Drop for Permit<B> {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.breaker.give_back(self.pass);
        }
    }
}

impl<B: Deref<Target = Breaker>> fmt::Debug for Permit<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("breaker", &self.breaker.name())
            .field("began", &self.began)
            .field("is_trial", &self.is_trial())
            .finish_non_exhaustive()
    }
}
