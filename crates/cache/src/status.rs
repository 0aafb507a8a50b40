//! How does an answer say what the cache did? (RFC 9211)

use bytes::BytesMut;
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

/// Writes the field values of hits, many into one piece of memory.
#[derive(Debug, Default)]
pub(crate) struct HitValues(BytesMut);

impl HitValues {
    /// The longest that both values of a hit can be together.
    const ROOM: usize = 96;

    /// `Age` and `Cache-Status` of a hit.
    pub(crate) fn write(&mut self, fresh: Fresh) -> (HeaderValue, HeaderValue) {
        if self.0.capacity() < Self::ROOM {
            self.0.reserve(64 * Self::ROOM);
        }
        self.digits(fresh.age.as_secs());
        let age = self.cut();
        self.0.extend_from_slice(b"urm; hit; ttl=");
        self.digits(fresh.left.as_secs());
        (age, self.cut())
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.extend_from_slice(&digits[start..]);
    }

    fn cut(&mut self) -> HeaderValue {
        // Digits and letters only: this cannot fail.
        HeaderValue::from_maybe_shared(self.0.split().freeze())
            .unwrap_or(HeaderValue::from_static(""))
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
        for (age, left) in [(0, 1), (59, 1), (u64::MAX, u64::MAX)] {
            let fresh = Fresh {
                age: Duration::from_secs(age),
                left: Duration::from_secs(left),
            };
            let (written, status) = values.write(fresh);
            assert_eq!(written, age.to_string());
            assert_eq!(status, format!("urm; hit; ttl={left}"));
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
