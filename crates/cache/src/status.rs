//! How does an answer say what the cache did? (RFC 9211)

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::asked::Bypass;
use crate::reuse::{Fresh, Why};
use crate::storing::NotStored;

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

/// Why a request went to the upstream although the cache may answer its kind (RFC 9211 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// Nothing was stored under its key.
    UriMiss,
    /// Something was, but nothing for what it says in the fields that choose.
    VaryMiss,
    /// What was stored had gone stale, or is never to be used unasked.
    Stale,
    /// The request wanted more than what was stored.
    Request,
    /// What was stored is not for those who say who they are.
    Credentials,
    /// It asks for a part of what is not stored.
    Partial,
}

impl Forwarded {
    fn as_str(self) -> &'static str {
        match self {
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
            Self::Credentials => "bypass",
            Self::Partial => "partial",
        }
    }
}

impl From<Why> for Forwarded {
    fn from(why: Why) -> Self {
        match why {
            Why::Stale => Self::Stale,
            Why::Request => Self::Request,
        }
    }
}

/// What `Cache-Status` says of a request that went to the upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) forwarded: Forwarded,
    /// The upstream's status, where the answer has another one.
    pub(crate) forward_status: Option<StatusCode>,
    /// What came of storing it.
    pub(crate) stored: Result<(), NotStored>,
    /// The request shared another's fetch.
    pub(crate) collapsed: bool,
}

impl Verdict {
    pub(crate) fn new(forwarded: Forwarded, stored: Result<(), NotStored>) -> Self {
        Self {
            forwarded,
            forward_status: None,
            stored,
            collapsed: false,
        }
    }

    /// The member of the list.
    pub(crate) fn value(self) -> HeaderValue {
        let mut text = format!("urm; fwd={}", self.forwarded.as_str());
        if let Some(status) = self.forward_status {
            // Writing into a string cannot fail.
            let _ = write!(text, "; fwd-status={}", status.as_u16());
        }
        if self.stored.is_ok() {
            text.push_str("; stored");
        }
        if self.collapsed {
            text.push_str("; collapsed");
        }
        let detail = match (self.stored, self.forwarded) {
            (Err(reason), _) => Some(reason.as_str()),
            (Ok(()), Forwarded::Credentials) => Some("credentials"),
            _ => None,
        };
        if let Some(detail) = detail {
            text.push_str("; detail=");
            text.push_str(detail);
        }
        // Tokens and digits only: this cannot fail.
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("urm"))
    }
}

/// The member for a stale response that answered; what the upstream said, where it was asked.
pub(crate) fn stale(fresh: Fresh, asked: Option<(Forwarded, StatusCode)>) -> HeaderValue {
    let over = fresh.over.as_secs();
    let text = match asked {
        None => format!("urm; hit; ttl=-{over}"),
        Some((forwarded, status)) => format!(
            "urm; fwd={}; fwd-status={}; ttl=-{over}; detail=stale-if-error",
            forwarded.as_str(),
            status.as_u16()
        ),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("urm; hit"))
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
pub(crate) fn mark_miss(headers: &mut HeaderMap, verdict: Verdict) {
    mark(headers, CacheOutcome::Miss, verdict.value());
}

/// Marks an answer that the cache had no say in.
pub(crate) fn mark_bypass(headers: &mut HeaderMap, reason: Bypass) {
    let value = match reason {
        Bypass::Method => "urm; fwd=method".to_owned(),
        other => format!("urm; fwd=bypass; detail={}", other.as_str()),
    };
    if let Ok(value) = HeaderValue::try_from(value) {
        mark(headers, CacheOutcome::Bypass, value);
    }
}

/// Marks an answer of the cache's own that nobody stored.
pub(crate) fn mark_refused(headers: &mut HeaderMap, detail: &'static str) {
    let value = format!("urm; detail={detail}");
    if let Ok(value) = HeaderValue::try_from(value) {
        mark(headers, CacheOutcome::Miss, value);
    }
}

fn mark(headers: &mut HeaderMap, outcome: CacheOutcome, status: HeaderValue) {
    headers.insert(X_CACHE, HeaderValue::from_static(outcome.as_str()));
    // Caches nearer to the origin have written before (RFC 9211 §2).
    headers.append(CACHE_STATUS, status);
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
                over: Duration::ZERO,
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
        let verdict = Verdict {
            forward_status: Some(StatusCode::NOT_FOUND),
            collapsed: true,
            ..Verdict::new(Forwarded::Stale, Err(NotStored::SetCookie))
        };
        mark_miss(&mut headers, verdict);
        mark_bypass(&mut headers, Bypass::NoUser);
        let lines: Vec<_> = headers.get_all(CACHE_STATUS).iter().collect();
        assert_eq!(
            lines[1],
            "urm; fwd=stale; fwd-status=404; collapsed; detail=set-cookie"
        );
        assert_eq!(lines[2], "urm; fwd=bypass; detail=no-user");
        assert_eq!(headers[X_CACHE], "BYPASS");
        let over = Fresh {
            age: Duration::from_secs(9),
            left: Duration::ZERO,
            over: Duration::from_secs(3),
        };
        assert_eq!(stale(over, None), "urm; hit; ttl=-3");
        for line in lines {
            assert!(
                sfv::Parser::new(line.as_bytes())
                    .parse::<sfv::List>()
                    .is_ok()
            );
        }
    }
}
