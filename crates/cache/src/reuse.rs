//! May this stored response answer that request? (RFC 9111 §4)

use std::time::{Duration, Instant};

use crate::asked::Asked;
use crate::freshness::LifetimeSource;
use crate::stored::StoredHead;

/// A response that is asked for so shortly before its end is fetched anew behind the answer.
const AHEAD: Duration = Duration::from_secs(2);
/// One whose whole lifetime is at most this is not.
const AHEAD_FROM: Duration = Duration::from_mins(1);

/// What a stored response is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It answers as it is.
    Fresh(Fresh),
    /// It answers as it is, and will be stale soon: whoever asks now finds a busy key.
    Ending(Fresh),
    /// It answers although it is stale: the client wishes it so.
    Stale(Fresh),
    /// It answers although it is stale, and the origin is asked in the background (RFC 5861 §3).
    Refresh(Fresh),
    /// The origin is to be asked first.
    Ask(Why),
    /// It is not for this request: who asks may have an answer of their own.
    NotForThis,
}

/// Why the origin is to be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is stale, or never to be used unasked.
    Stale,
    /// It is fresh, and the request wants more.
    Request,
}

/// How old a response is, and for how long it stays fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fresh {
    /// Its current age (§4.2.3).
    pub(crate) age: Duration,
    /// What is left of its lifetime; zero once it is stale.
    pub(crate) left: Duration,
    /// For how long it has been stale.
    pub(crate) over: Duration,
}

impl Fresh {
    /// The ages of a stored response at `now`.
    pub(crate) fn at(stored: &StoredHead, now: Instant) -> Self {
        let age = stored.current_age(now);
        Self {
            age,
            left: stored.lifetime().left(age),
            over: age.saturating_sub(stored.lifetime().as_duration()),
        }
    }
}

/// Decides what `stored` is good for at `now`.
pub(crate) fn judge(stored: &StoredHead, asked: Asked, now: Instant) -> Reuse {
    if asked.credentials && stored.source() != LifetimeSource::Explicit {
        return Reuse::NotForThis;
    }
    let fresh = Fresh::at(stored, now);
    let (rules, wants) = (stored.stale_rules(), asked.directives);
    let is_fresh = stored.lifetime().covers(fresh.age);
    if rules.always_validate {
        return Reuse::Ask(Why::Stale);
    }
    let why = if is_fresh { Why::Request } else { Why::Stale };
    // RFC 8246: what does not change while it is fresh need not be asked for on a reload.
    let too_old =
        wants.max_age.is_some_and(|most| fresh.age > most) && !(is_fresh && stored.is_immutable());
    let too_short = wants.min_fresh.is_some_and(|least| fresh.left < least);
    if wants.no_cache || too_old || too_short {
        return Reuse::Ask(why);
    }
    if is_fresh {
        let is_long = stored.lifetime().as_duration() > AHEAD_FROM;
        return if is_long && fresh.left < AHEAD {
            Reuse::Ending(fresh)
        } else {
            Reuse::Fresh(fresh)
        };
    }
    if rules.on_wish && wants.max_stale.is_some_and(|most| fresh.over <= most) {
        return Reuse::Stale(fresh);
    }
    if fresh.over < rules.while_revalidate {
        return Reuse::Refresh(fresh);
    }
    Reuse::Ask(Why::Stale)
}

/// Whether `stored` answers although the origin failed (RFC 5861 §4).
pub(crate) fn may_stand_in(stored: &StoredHead, asked: Asked, now: Instant) -> Option<Fresh> {
    let fresh = Fresh::at(stored, now);
    let (rules, wants) = (stored.stale_rules(), asked.directives);
    let wished = wants.stale_if_error.filter(|_| rules.on_wish);
    let window = rules.if_error.max(wished.unwrap_or_default());
    let allowed = fresh.over < window
        && !wants.no_cache
        && wants.max_age.is_none_or(|most| fresh.age <= most)
        && wants.min_fresh.is_none()
        && !(asked.credentials && stored.source() != LifetimeSource::Explicit);
    allowed.then_some(fresh)
}
