//! How does an answer say what the cache did? (RFC 9211)

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::reuse::Fresh;
use crate::storing::{Bypass, NotStored};

/// `Cache-Status` (RFC 9211); `http` has no constant for it.
pub(crate) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// `X-Cache`, the short word that people look for.
pub(crate) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
pub(crate) const X_CACHE_KEY: HeaderName = HeaderName::from_static("x-cache-key");

/// What the cache did with a request, as it tells the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CacheOutcome {
    /// A fresh stored response answered.
    Hit,
    /// A stale one did.
    Stale,
    /// A stored one did after the upstream had confirmed it.
    Revalidated,
    /// The upstream was asked.
    Miss,
    /// The upstream was asked because the cache has no say in this request.
    Bypass,
}

impl CacheOutcome {
    /// The word of `X-Cache`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Revalidated => "REVALIDATED",
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }
}

/// Why a request went to the upstream although the cache may answer its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// Nothing was stored under its key.
    UriMiss,
    /// What was stored had gone stale.
    Stale,
}

/// The values that a hit's answer has beyond the stored ones.
///
/// They change once a second, and many hits fall into one: what was written is kept for the next that says the same.
#[derive(Debug, Default)]
pub(crate) struct HitValues {
    ages: Written,
    statuses: Written,
}

impl HitValues {
    /// `Age` and `Cache-Status`.
    pub(crate) fn write(&mut self, fresh: Fresh) -> (HeaderValue, HeaderValue) {
        let age = self.ages.of(fresh.age.as_secs(), HeaderValue::from);
        let status = self.statuses.of(fresh.left.as_secs(), status_of_hit);
        (age, status)
    }

    /// The same, where nothing is kept.
    pub(crate) fn once(fresh: Fresh) -> (HeaderValue, HeaderValue) {
        let age = HeaderValue::from(fresh.age.as_secs());
        (age, status_of_hit(fresh.left.as_secs()))
    }
}

fn status_of_hit(left: u64) -> HeaderValue {
    // Digits and letters only: this cannot fail.
    HeaderValue::try_from(format!("urm; hit; ttl={left}"))
        .unwrap_or(HeaderValue::from_static("urm; hit"))
}

/// The last value of each of some numbers.
#[derive(Debug, Default)]
struct Written(Vec<Option<(u64, HeaderValue)>>);

impl Written {
    /// One for each low byte of a number: numbers that follow each other have places of their own.
    const PLACES: usize = 256;

    fn of(&mut self, number: u64, write: impl FnOnce(u64) -> HeaderValue) -> HeaderValue {
        if self.0.is_empty() {
            self.0.resize(Self::PLACES, None);
        }
        let place = &mut self.0[usize::from(number.to_le_bytes()[0])];
        match place {
            Some((of, value)) if *of == number => value.clone(),
            _ => {
                let value = write(number);
                *place = Some((number, value.clone()));
                value
            }
        }
    }
}

/// Marks an answer that came from the upstream.
pub(crate) fn mark_miss(
    headers: &mut HeaderMap,
    forwarded: Forwarded,
    stored: Result<(), NotStored>,
) {
    let why = match forwarded {
        Forwarded::UriMiss => "uri-miss",
        Forwarded::Stale => "stale",
    };
    let value = match stored {
        Ok(()) => format!("urm; fwd={why}; stored"),
        Err(reason) => format!("urm; fwd={why}; detail={}", reason.as_str()),
    };
    mark(headers, CacheOutcome::Miss, value);
}

/// Marks an answer that the cache had no say in.
pub(crate) fn mark_bypass(headers: &mut HeaderMap, reason: Bypass) {
    let value = match reason {
        Bypass::Method => "urm; fwd=method".to_owned(),
        other => format!("urm; fwd=bypass; detail={}", other.as_str()),
    };
    mark(headers, CacheOutcome::Bypass, value);
}

fn mark(headers: &mut HeaderMap, outcome: CacheOutcome, status: String) {
    headers.insert(X_CACHE, HeaderValue::from_static(outcome.as_str()));
    // Caches nearer to the origin have written before (RFC 9211 §2).
    if let Ok(status) = HeaderValue::try_from(status) {
        headers.append(CACHE_STATUS, status);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_hit_says_its_age_and_what_is_left() {
        let mut values = HitValues::default();
        for (age, left) in [(0, 1), (59, 1), (59, 257), (315, 1), (u64::MAX, u64::MAX)] {
            let fresh = Fresh {
                age: Duration::from_secs(age),
                left: Duration::from_secs(left),
            };
            let (written, status) = values.write(fresh);
            assert_eq!(written, age.to_string());
            assert_eq!(status, format!("urm; hit; ttl={left}"));
            assert_eq!(HitValues::once(fresh), (written, status));
        }
    }

    #[test]
    fn a_status_is_appended_and_is_a_structured_field() {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_STATUS, HeaderValue::from_static("inner; hit"));
        headers.insert(X_CACHE, HeaderValue::from_static("HIT"));
        mark_miss(&mut headers, Forwarded::Stale, Err(NotStored::SetCookie));
        mark_bypass(&mut headers, Bypass::NoUser);
        let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().collect();
        assert_eq!(lines[1], "urm; fwd=stale; detail=set-cookie");
        assert_eq!(lines[2], "urm; fwd=bypass; detail=no-user");
        assert_eq!(headers[X_CACHE], "BYPASS");
        for line in lines {
            assert!(
                sfv::Parser::new(line.as_bytes())
                    .parse::<sfv::List>()
                    .is_ok()
            );
        }
    }
}
