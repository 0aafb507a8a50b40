//! Why a call did not pass, and the answer that stands for it.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{Response, StatusCode};

use super::state::BreakerState;

/// A call did not pass. In the extensions of the layer's answer, which has the status 503, `Retry-After` and an empty body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerRefusal {
    /// Where the breaker stood: open, half-open with all trials under way, or forced open.
    pub state: BreakerState,
    /// When to come back: what is left of the wait; while trials are under way the first wait, by hand the longest.
    pub retry_after: Duration,
}

impl BreakerRefusal {
    /// `Retry-After` in whole seconds, at least 1: whoever waits that long does not come too early.
    pub fn retry_after_secs(self) -> u64 {
        let begun = u64::from(self.retry_after.subsec_nanos() > 0);
        self.retry_after.as_secs().saturating_add(begun).max(1)
    }

    pub(super) fn answer<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let after = self.retry_after_secs();
        response.headers_mut().insert(RETRY_AFTER, after.into());
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for BreakerRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit breaker is {}", self.state)
    }
}

impl Error for BreakerRefusal {}
