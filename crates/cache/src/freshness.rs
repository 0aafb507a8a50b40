//! How long is a response fresh? (RFC 9111 §4.2.1)
//!
//! - What the origin says wins: `s-maxage` (in a shared cache), `max-age`, `Expires` minus `Date`.
//! - Where it says nothing, the route's `ttl` stands in.
//! - With a `ttl` of zero the heuristic does: a tenth of the time since `Last-Modified`, at most a day.
//! - Under [`Freshness::Forced`] the `ttl` counts from receipt, whatever the origin says.

use std::time::{Duration, SystemTime};

use http::header::{EXPIRES, LAST_MODIFIED};
use http::{HeaderMap, StatusCode};

use crate::age;
use crate::cache_control::CacheControl;
use crate::settings::Freshness;
use crate::strategy::Audience;

/// The longest lifetime that the heuristic gives (RFC 9111 §4.2.2 leaves it to the cache).
const HEURISTIC_MAX: Duration = Duration::from_hours(24);

/// Lifetimes up to here end when they say.
const SPREAD_FROM: Duration = Duration::from_mins(1);

/// How long a stored response stays fresh, counted from when the origin generated it.
///
/// The first source present wins (RFC 9111 §4.2.1): `s-maxage`, `max-age`, then `Expires` minus
/// `Date`. A malformed value counts as zero, because serving too briefly is safe and serving too
/// long is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FreshnessLifetime(Duration);

impl FreshnessLifetime {
    /// A lifetime of this length; zero is stale on arrival.
    pub const fn new(lifetime: Duration) -> Self {
        Self(lifetime)
    }

    /// Returns whether a response of `current_age` (§4.2.3) may be served without revalidation.
    pub fn covers(self, current_age: Duration) -> bool {
        current_age < self.0
    }

    /// What is left of it at `current_age`; zero once it is stale.
    pub fn left(self, current_age: Duration) -> Duration {
        self.0.saturating_sub(current_age)
    }

    /// The whole length.
    pub fn as_duration(self) -> Duration {
        self.0
    }

    /// The same with up to a twentieth less of what is left at `age`, where that is over a minute, so that what came
    /// together does not end together; `chance` is anything that differs from response to response.
    pub(crate) fn spread(self, age: Duration, chance: u64) -> Self {
        let left = self.left(age);
        if left <= SPREAD_FROM {
            return self;
        }
        let [.., low, high] = chance.to_le_bytes();
        let share = u32::from(u16::from_le_bytes([low, high]));
        // Never more than a twentieth.
        Self(
            self.0
                .saturating_sub(left / 20 / u32::from(u16::MAX) * share),
        )
    }
}

/// Where a lifetime came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LifetimeSource {
    /// The response said it.
    Explicit,
    /// The route's `ttl`, where the response said nothing.
    Ttl,
    /// A tenth of the time since `Last-Modified`.
    Heuristic,
    /// The route's `ttl`, whatever the response said.
    Forced,
}

/// What the route asks for where freshness is judged.
#[derive(Clone, Copy, Debug)]
pub struct FreshnessRules {
    /// Whose word counts.
    pub freshness: Freshness,
    /// The lifetime where the response says none; zero leaves it to the heuristic.
    pub ttl: Duration,
    /// Whether the answer is stored for all or for one user.
    pub audience: Audience,
}

/// The statuses whose responses may be stored without explicit freshness (RFC 9110 §15.1), but 206, which is no whole.
const HEURISTIC: [StatusCode; 11] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::MULTIPLE_CHOICES,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::PERMANENT_REDIRECT,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::GONE,
    StatusCode::URI_TOO_LONG,
    StatusCode::NOT_IMPLEMENTED,
];

/// The lifetime of a response that came at `received` with an age of `age_at_receipt`.
///
/// `None`: nothing says how long, so it is not to be stored.
pub(crate) fn lifetime(
    rules: FreshnessRules,
    (status, headers): (StatusCode, &HeaderMap),
    directives: &CacheControl,
    received: SystemTime,
    age_at_receipt: Duration,
) -> Option<(FreshnessLifetime, LifetimeSource)> {
    let heuristic_status = HEURISTIC.contains(&status);
    // The route's word is about answers, not about errors.
    let is_the_routes = heuristic_status && status.as_u16() < 400;
    if rules.freshness == Freshness::Forced && is_the_routes {
        // Counted from receipt: the age that the response came with takes nothing away.
        let lifetime = FreshnessLifetime(rules.ttl.saturating_add(age_at_receipt));
        return Some((lifetime, LifetimeSource::Forced));
    }
    if let Some(explicit) = explicit(headers, directives, rules.audience, received) {
        return Some((explicit, LifetimeSource::Explicit));
    }
    if rules.ttl > Duration::ZERO {
        let ttl = FreshnessLifetime(rules.ttl);
        return is_the_routes.then_some((ttl, LifetimeSource::Ttl));
    }
    if !heuristic_status && !directives.public {
        return None;
    }
    let heuristic = match heuristic(headers, received) {
        Some(heuristic) => heuristic,
        // It is asked for each time, however long it would be fresh.
        None if directives.no_cache => FreshnessLifetime::default(),
        None => return None,
    };
    Some((heuristic, LifetimeSource::Heuristic))
}

fn explicit(
    headers: &HeaderMap,
    directives: &CacheControl,
    audience: Audience,
    received: SystemTime,
) -> Option<FreshnessLifetime> {
    let shared = directives.s_maxage.filter(|_| audience == Audience::Shared);
    if let Some(seconds) = shared.or(directives.max_age) {
        return Some(FreshnessLifetime(seconds));
    }
    if directives.targeted {
        return None;
    }
    let mut expires = headers.get_all(EXPIRES).iter();
    let (first, second) = (expires.next()?, expires.next());
    if second.is_some() {
        return Some(FreshnessLifetime(Duration::ZERO));
    }
    let ends = first.to_str().ok().map(httpdate::parse_http_date);
    let made = age::date(headers).unwrap_or(received);
    // "0" and every other malformed date mean "already expired" (§5.3).
    let lifetime = match ends {
        Some(Ok(ends)) => ends.duration_since(made).unwrap_or_default(),
        _ => Duration::ZERO,
    };
    Some(FreshnessLifetime(lifetime))
}

fn heuristic(headers: &HeaderMap, received: SystemTime) -> Option<FreshnessLifetime> {
    let modified = headers.get(LAST_MODIFIED)?.to_str().ok()?;
    let modified = httpdate::parse_http_date(modified).ok()?;
    let made = age::date(headers).unwrap_or(received);
    let since = made.duration_since(modified).ok()?;
    Some(FreshnessLifetime((since / 10).min(HEURISTIC_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use http::header::{CACHE_CONTROL, DATE};
    use proptest::prelude::*;

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
    }

    fn date(offset: i64) -> HeaderValue {
        let seconds = 1_700_000_000_u64.saturating_add_signed(offset);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        HeaderValue::from_str(&httpdate::fmt_http_date(date)).unwrap()
    }

    fn fields(control: &'static str, others: &[(http::HeaderName, HeaderValue)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !control.is_empty() {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
        }
        for (name, value) in others {
            headers.append(name, value.clone());
        }
        headers
    }

    fn rules(ttl: u64) -> FreshnessRules {
        FreshnessRules {
            freshness: Freshness::Origin,
            ttl: Duration::from_secs(ttl),
            audience: Audience::Shared,
        }
    }

    #[track_caller]
    fn check(rules: FreshnessRules, headers: &HeaderMap, expected: Option<(u64, LifetimeSource)>) {
        let directives = CacheControl::of_response(headers);
        let age = age::at_receipt(headers, now(), Duration::ZERO);
        let response = (StatusCode::OK, headers);
        let found = lifetime(rules, response, &directives, now(), age);
        let expected =
            expected.map(|(secs, source)| (FreshnessLifetime(Duration::from_secs(secs)), source));
        assert_eq!(found, expected);
    }

    #[test]
    fn longer_lifetimes_end_a_little_apart() {
        let seconds = Duration::from_secs;
        let spread = |lifetime, age, chance| {
            let lifetime = FreshnessLifetime(seconds(lifetime)).spread(seconds(age), chance);
            lifetime.as_duration()
        };
        assert_eq!(spread(60, 0, u64::MAX), seconds(60));
        assert_eq!(spread(600, 550, u64::MAX), seconds(600));
        assert_eq!(spread(600, 0, 0), seconds(600));
        let least = spread(600, 0, u64::MAX);
        assert!(least >= seconds(570) && least < seconds(571), "{least:?}");
        let least = spread(600, 500, u64::MAX);
        assert!(least >= seconds(595) && least < seconds(596), "{least:?}");
    }

    #[test]
    fn s_maxage_outranks_max_age_and_expires() {
        let explicit = |seconds| Some((seconds, LifetimeSource::Explicit));
        let expires = [(EXPIRES, date(300)), (DATE, date(0))];
        check(
            rules(7),
            &fields("max-age=60, s-maxage=10", &expires),
            explicit(10),
        );
        check(rules(7), &fields("max-age=60", &expires), explicit(60));
        check(rules(7), &fields("public", &expires), explicit(300));
        check(
            rules(7),
            &fields("", &[(EXPIRES, date(300)), (DATE, date(-100))]),
            explicit(400),
        );
        check(
            rules(7),
            &fields("", &[(EXPIRES, date(300))]),
            explicit(300),
        );
        check(rules(7), &fields("", &[(EXPIRES, date(-300))]), explicit(0));
        check(
            rules(7),
            &fields("", &[(EXPIRES, HeaderValue::from_static("0"))]),
            explicit(0),
        );
        let twice = [(EXPIRES, date(300)), (EXPIRES, date(400))];
        check(rules(7), &fields("", &twice), explicit(0));
        check(rules(7), &fields("max-age=nonsense", &expires), explicit(0));
        let private = FreshnessRules {
            audience: Audience::OneUser,
            ..rules(7)
        };
        check(
            private,
            &fields("max-age=60, s-maxage=10", &[]),
            explicit(60),
        );
        check(
            private,
            &fields("s-maxage=10", &[]),
            Some((7, LifetimeSource::Ttl)),
        );
    }

    #[test]
    fn the_ttl_stands_in_and_the_heuristic_after_it() {
        let old = [(LAST_MODIFIED, date(-1000)), (DATE, date(0))];
        check(
            rules(7),
            &fields("public", &old),
            Some((7, LifetimeSource::Ttl)),
        );
        check(
            rules(0),
            &fields("", &old),
            Some((100, LifetimeSource::Heuristic)),
        );
        let day = Some((86_400, LifetimeSource::Heuristic));
        check(
            rules(0),
            &fields("", &[(LAST_MODIFIED, date(-100_000_000))]),
            day,
        );
        check(rules(0), &fields("", &[]), None);
        check(rules(0), &fields("", &[(LAST_MODIFIED, date(1000))]), None);
        let targeted = [
            (
                "cdn-cache-control".parse().unwrap(),
                HeaderValue::from_static("public"),
            ),
            (EXPIRES, date(300)),
        ];
        check(
            rules(7),
            &fields("max-age=1", &targeted),
            Some((7, LifetimeSource::Ttl)),
        );
    }

    #[test]
    fn forced_counts_from_receipt() {
        let forced = FreshnessRules {
            freshness: Freshness::Forced,
            ..rules(7)
        };
        check(
            forced,
            &fields("max-age=1", &[]),
            Some((7, LifetimeSource::Forced)),
        );
        let aged = [(http::header::AGE, HeaderValue::from_static("100"))];
        check(
            forced,
            &fields("max-age=1", &aged),
            Some((107, LifetimeSource::Forced)),
        );
    }

    proptest! {
        #[test]
        fn a_longer_lifetime_never_makes_a_response_stale(
            shorter in 0_u64..1 << 32, more in 0_u64..1 << 32, age in 0_u64..1 << 33,
        ) {
            let age = Duration::from_secs(age);
            let shorter = FreshnessLifetime(Duration::from_secs(shorter));
            let longer = FreshnessLifetime(shorter.0 + Duration::from_secs(more));
            prop_assert!(!shorter.covers(age) || longer.covers(age));
            prop_assert!(longer.left(age) >= shorter.left(age));
            prop_assert_eq!(longer.covers(age), longer.left(age) > Duration::ZERO);
        }
    }
}
