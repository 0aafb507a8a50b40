//! May this stored response answer that request? (RFC 9111 §4)

use std::time::{Duration, Instant};

use http::{HeaderMap, Method};

use crate::stored::StoredResponse;
use crate::storing::Asked;
use crate::validation;

/// What a stored response is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It answers whole.
    Whole(Fresh),
    /// Its head answers; the request was a `HEAD`.
    Head(Fresh),
    /// The client holds it already: a 304.
    NotModified(Fresh),
    /// Its freshness lifetime is over.
    Stale,
}

/// How old a fresh response is, and for how long it stays fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fresh {
    /// Its current age (§4.2.3).
    pub(crate) age: Duration,
    /// What is left of its lifetime; more than zero.
    pub(crate) left: Duration,
}

/// Decides what `stored` is good for at `now`.
pub(crate) fn judge(
    stored: &StoredResponse,
    method: &Method,
    request: &HeaderMap,
    asked: Asked,
    now: Instant,
) -> Reuse {
    let age = stored.current_age(now);
    if !stored.lifetime().covers(age) {
        return Reuse::Stale;
    }
    let fresh = Fresh {
        age,
        left: stored.lifetime().left(age),
    };
    // Preconditions are for answers that would be a 200 (RFC 9110 §13.2.1).
    let ok = stored.status() == http::StatusCode::OK;
    if asked.conditional && ok && validation::held_by(request, stored.validators()) {
        Reuse::NotModified(fresh)
    } else if *method == Method::HEAD {
        Reuse::Head(fresh)
    } else {
        Reuse::Whole(fresh)
    }
}
