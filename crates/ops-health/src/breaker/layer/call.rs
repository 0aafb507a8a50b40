//! A permit and the clock that its end is read from.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::breaker::Breaker;
use crate::breaker::permit::Permit;
use crate::breaker::state::CallOutcome;

/// A call under way; dropped, it is abandoned.
#[derive(Debug)]
pub(super) struct Call {
    permit: Permit<Arc<Breaker>>,
    clock: fn() -> Instant,
}

impl Call {
    pub(super) fn new(permit: Permit<Arc<Breaker>>, clock: fn() -> Instant) -> Self {
        Self { permit, clock }
    }

    pub(super) fn breaker(&self) -> &Breaker {
        self.permit.breaker()
    }

    /// The head is there, but does not say how the call went.
    pub(super) fn answered(&mut self) {
        self.permit.answered((self.clock)());
    }

    /// How long ago it began.
    pub(super) fn age(&self) -> Duration {
        (self.clock)().saturating_duration_since(self.permit.began())
    }

    pub(super) fn complete(mut self, outcome: CallOutcome) {
        self.permit.end(outcome, (self.clock)());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.permit.has_ended() {
            self.permit.end(CallOutcome::Undecided, (self.clock)());
        }
    }
}
