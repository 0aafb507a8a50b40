//! May this response be stored, and what may be done with it then? (RFC 9111 §3)

use std::time::{Duration, Instant, SystemTime};

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::age;
use crate::asked::Asked;
use crate::cache_control::CacheControl;
use crate::freshness::{self, FreshnessLifetime, FreshnessRules, LifetimeSource};
use crate::strategy::Audience;
use crate::validation::Validators;
use crate::vary::VarySet;

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStored {
    /// The request was a `HEAD`.
    Head,
    /// The program made it to refuse the request.
    Refusal,
    /// The status is that of a part, or of an answer to a condition.
    Status,
    /// `no-store`.
    NoStore,
    /// `no-cache`, and nothing to ask the origin with.
    NoCache,
    /// `private`, and it would be for all.
    Private,
    /// `must-understand`, and the status is none that is known here (§5.2.2.3).
    MustUnderstand,
    /// It matches no other request: `Vary: *`, or one that cannot be read.
    Vary,
    /// It sets a cookie.
    SetCookie,
    /// The request carried `Authorization`, and nothing in the response lets it be shared (§3.5).
    Authorization,
    /// The request said who asks, and the response does not say itself how long it is fresh.
    Credentials,
    /// Nothing says how long it is fresh.
    NoLifetime,
    /// It was stale when it came, with nothing to ask the origin with.
    Stale,
    /// It carries more tags than are kept.
    Tags,
    /// It says that it is longer than the largest body to be stored.
    TooLarge,
}

impl NotStored {
    /// The reason as a token, as in `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Refusal => "refusal",
            Self::Status => "status",
            Self::NoStore => "no-store",
            Self::NoCache => "no-cache",
            Self::Private => "private",
            Self::MustUnderstand => "must-understand",
            Self::Vary => "vary",
            Self::SetCookie => "set-cookie",
            Self::Authorization => "authorization",
            Self::Credentials => "credentials",
            Self::NoLifetime => "no-lifetime",
            Self::Stale => "stale",
            Self::Tags => "tags",
            Self::TooLarge => "too-large",
        }
    }
}

/// What is to be known about a response that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storable {
    /// How long it is fresh, from when the origin made it.
    pub(crate) lifetime: FreshnessLifetime,
    /// Who said so.
    pub(crate) source: LifetimeSource,
    /// How old it was when its head came.
    pub(crate) age_at_receipt: Duration,
    /// What may be done with it once it is stale.
    pub(crate) stale: StaleRules,
    /// It does not change while it is fresh (RFC 8246).
    pub(crate) immutable: bool,
    /// The fields of the request that chose it.
    pub(crate) vary: VarySet,
    /// Fields of it that are not for the store.
    pub(crate) withheld: Vec<HeaderName>,
}

/// What may be done with a response without asking the origin first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StaleRules {
    /// Not even a fresh one may be used without asking: `no-cache`.
    pub(crate) always_validate: bool,
    /// A client's `max-stale` counts.
    pub(crate) on_wish: bool,
    /// For so long while it is asked for in the background (RFC 5861 §3).
    pub(crate) while_revalidate: Duration,
    /// For so long where the origin fails (RFC 5861 §4).
    pub(crate) if_error: Duration,
}

impl StaleRules {
    fn of(directives: &CacheControl, rules: &ResponseRules) -> Self {
        let shared = rules.freshness.audience == Audience::Shared;
        let strict = directives.no_cache
            || directives.must_revalidate
            || (shared && directives.proxy_revalidate);
        // §5.2.2.10: it implies `proxy-revalidate`, but for windows that the response itself grants.
        let shared_age = shared && directives.s_maxage.is_some();
        let window = |own: Option<Duration>, route: Duration| match own {
            _ if strict => Duration::ZERO,
            Some(own) => own,
            None if shared_age => Duration::ZERO,
            None => route,
        };
        Self {
            always_validate: directives.no_cache,
            on_wish: !strict && !shared_age,
            while_revalidate: window(
                directives.stale_while_revalidate,
                rules.stale_while_revalidate,
            ),
            if_error: window(directives.stale_if_error, rules.stale_if_error),
        }
    }

    /// The longer of the windows.
    pub(crate) fn longest(&self) -> Duration {
        self.while_revalidate.max(self.if_error)
    }
}

/// What a route says about responses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseRules {
    pub(crate) freshness: FreshnessRules,
    /// The largest body, in bytes.
    pub(crate) max_object: u64,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
    pub(crate) store_set_cookie: bool,
}

/// When a response came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) now: Instant,
    pub(crate) wall: SystemTime,
    /// Since the request went out.
    pub(crate) waited: Duration,
    /// Anything that differs from one to the next.
    pub(crate) chance: u64,
}

/// The statuses whose meaning for caches is known here (RFC 9110 §15).
fn is_understood(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

/// Whether a response to a `GET` that asked for the whole may be stored (§3).
pub(crate) fn judge_response(
    status: StatusCode,
    headers: &HeaderMap,
    rules: &ResponseRules,
    asked: Asked,
    arrival: Arrival,
) -> Result<Storable, NotStored> {
    if status.is_informational()
        || matches!(
            status,
            StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
        )
    {
        return Err(NotStored::Status);
    }
    let directives = CacheControl::of_response(headers);
    let shared = rules.freshness.audience == Audience::Shared;
    if directives.must_understand {
        if !is_understood(status) {
            return Err(NotStored::MustUnderstand);
        }
        // §5.2.2.3: who understands the status passes `no-store` over.
    } else if directives.no_store {
        return Err(NotStored::NoStore);
    }
    if directives.private && shared {
        return Err(NotStored::Private);
    }
    let vary = VarySet::of(headers).map_err(|_| NotStored::Vary)?;
    if headers.contains_key(SET_COOKIE) && !rules.store_set_cookie {
        return Err(NotStored::SetCookie);
    }
    let lets_share =
        directives.public || directives.must_revalidate || directives.s_maxage.is_some();
    if asked.authorization && !lets_share {
        return Err(NotStored::Authorization);
    }
    let age_at_receipt = age::at_receipt(headers, arrival.wall, arrival.waited);
    let (lifetime, source) = freshness::lifetime(
        rules.freshness,
        (status, headers),
        &directives,
        arrival.wall,
        age_at_receipt,
    )
    .ok_or(NotStored::NoLifetime)?;
    if asked.credentials && source != LifetimeSource::Explicit {
        return Err(NotStored::Credentials);
    }
    let stale = StaleRules::of(&directives, rules);
    let can_ask = Validators::of(headers).can_ask();
    if directives.no_cache && !can_ask {
        return Err(NotStored::NoCache);
    }
    if !lifetime.covers(age_at_receipt) && !can_ask && stale.longest().is_zero() {
        return Err(NotStored::Stale);
    }
    if content_length(headers).is_some_and(|length| length > rules.max_object) {
        return Err(NotStored::TooLarge);
    }
    Ok(Storable {
        lifetime,
        source,
        age_at_receipt,
        stale,
        immutable: directives.immutable,
        vary,
        withheld: directives.withheld,
    })
}

/// How many bytes the response says that it has.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Fields that the key leaves out and that an upstream may still obey: they are taken off what is
/// fetched for the store, so that two requests that differ in them cannot poison one another.
const UNKEYED: [&str; 12] = [
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-forwarded-scheme",
    "x-forwarded-prefix",
    "x-host",
    "x-original-url",
    "x-original-host",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Takes the unkeyed fields off a request.
pub(crate) fn drop_unkeyed(headers: &mut HeaderMap) {
    for name in UNKEYED {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Freshness;
    use http::HeaderValue;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn rules() -> ResponseRules {
        ResponseRules {
            freshness: FreshnessRules {
                freshness: Freshness::Origin,
                ttl: Duration::from_secs(7),
                audience: Audience::Shared,
            },
            max_object: 100,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            store_set_cookie: false,
        }
    }

    fn judge(
        rules: &ResponseRules,
        asked: Asked,
        status: u16,
        fields: &[(&'static str, &'static str)],
    ) -> Result<Storable, NotStored> {
        let arrival = Arrival {
            now: Instant::now(),
            wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            waited: Duration::ZERO,
            chance: 0,
        };
        let status = StatusCode::from_u16(status).unwrap();
        judge_response(status, &headers(fields), rules, asked, arrival)
    }

    #[track_caller]
    fn check(
        rules: ResponseRules,
        status: u16,
        fields: &[(&'static str, &'static str)],
        expected: Result<u64, NotStored>,
    ) {
        let found = judge(&rules, Asked::default(), status, fields);
        let found = found.map(|storable| storable.lifetime.as_duration().as_secs());
        assert_eq!(found, expected);
    }

    const ETAG: (&str, &str) = ("etag", "\"a\"");

    fn control(value: &'static str) -> (&'static str, &'static str) {
        ("cache-control", value)
    }

    #[test]
    fn what_may_not_be_shared_is_not_stored() {
        check(rules(), 200, &[], Ok(7));
        check(rules(), 200, &[control("max-age=60")], Ok(60));
        for (fields, why) in [
            (control("no-store"), NotStored::NoStore),
            (control("no-cache"), NotStored::NoCache),
            (control("private"), NotStored::Private),
            (("vary", "*"), NotStored::Vary),
            (("set-cookie", "a=b"), NotStored::SetCookie),
            (("content-length", "101"), NotStored::TooLarge),
        ] {
            check(rules(), 200, &[fields], Err(why));
            let mut forced = rules();
            forced.freshness.freshness = Freshness::Forced;
            check(forced, 200, &[fields, control("max-age=60")], Err(why));
        }
        check(rules(), 200, &[control("max-age=0")], Err(NotStored::Stale));
        check(rules(), 200, &[("age", "7")], Err(NotStored::Stale));
        let mut heuristic = rules();
        heuristic.freshness.ttl = Duration::ZERO;
        check(heuristic, 200, &[], Err(NotStored::NoLifetime));
        let mut one_user = rules();
        one_user.freshness.audience = Audience::OneUser;
        check(one_user, 200, &[control("private, max-age=60")], Ok(60));
        let cookies = ResponseRules {
            store_set_cookie: true,
            ..rules()
        };
        check(cookies, 200, &[("set-cookie", "a=b")], Ok(7));
    }

    #[test]
    fn what_can_be_asked_about_is_stored_stale() {
        check(rules(), 200, &[ETAG, control("no-cache")], Ok(7));
        check(rules(), 200, &[ETAG, control("max-age=0")], Ok(0));
        let stale = [control("max-age=0, stale-if-error=5")];
        check(rules(), 200, &stale, Ok(0));
    }

    #[test]
    fn a_part_is_never_stored_and_other_statuses_want_explicit_freshness() {
        for status in [200, 203, 204, 300, 301, 308] {
            check(rules(), status, &[], Ok(7));
        }
        let explicit = [control("max-age=60")];
        for status in [201, 302, 307, 404, 410, 429, 500, 503, 299, 599] {
            check(rules(), status, &[], Err(NotStored::NoLifetime));
            check(rules(), status, &explicit, Ok(60));
        }
        for status in [206, 304] {
            check(rules(), status, &explicit, Err(NotStored::Status));
        }
        let understand = [control("max-age=60, must-understand, no-store")];
        check(rules(), 200, &understand, Ok(60));
        check(rules(), 299, &understand, Err(NotStored::MustUnderstand));
    }

    #[test]
    fn heuristic_freshness_is_for_few_statuses_or_public_ones() {
        let mut heuristic = rules();
        heuristic.freshness.ttl = Duration::ZERO;
        let modified = ("last-modified", "Tue, 14 Nov 2023 21:33:20 GMT");
        check(heuristic, 404, &[modified], Ok(240));
        check(heuristic, 201, &[modified], Err(NotStored::NoLifetime));
        check(heuristic, 201, &[modified, control("public")], Ok(240));
    }

    #[test]
    fn who_asks_bars_what_the_response_does_not_allow() {
        let who = Asked {
            credentials: true,
            ..Asked::default()
        };
        let judge = |asked, fields: &[_]| judge(&rules(), asked, 200, fields).map(drop);
        assert_eq!(judge(who, &[]), Err(NotStored::Credentials));
        assert_eq!(judge(who, &[control("max-age=60")]), Ok(()));
        let authorized = Asked {
            authorization: true,
            ..who
        };
        let max_age = [control("max-age=60")];
        assert_eq!(judge(authorized, &max_age), Err(NotStored::Authorization));
        for allows in [
            "public, max-age=60",
            "s-maxage=60",
            "max-age=60, must-revalidate",
        ] {
            assert_eq!(judge(authorized, &[control(allows)]), Ok(()), "{allows}");
        }
        assert_eq!(
            judge(authorized, &[control("public")]),
            Err(NotStored::Credentials)
        );
    }

    #[test]
    fn the_responses_windows_go_before_the_routes() {
        let seconds = Duration::from_secs;
        let rules = ResponseRules {
            stale_while_revalidate: seconds(1),
            stale_if_error: seconds(2),
            ..rules()
        };
        let windows = |value| {
            let fields = [ETAG, control(value)];
            let stale = judge(&rules, Asked::default(), 200, &fields).unwrap().stale;
            (stale.on_wish, stale.while_revalidate, stale.if_error)
        };
        let none = Duration::ZERO;
        assert_eq!(windows("max-age=1"), (true, seconds(1), seconds(2)));
        let own = "max-age=1, stale-while-revalidate=8, stale-if-error=9";
        assert_eq!(windows(own), (true, seconds(8), seconds(9)));
        for strict in ["must-revalidate", "proxy-revalidate", "no-cache"] {
            let headers: &'static str = format!("{own}, {strict}").leak();
            assert_eq!(windows(headers), (false, none, none), "{strict}");
        }
        assert_eq!(windows("s-maxage=1"), (false, none, none));
        assert_eq!(
            windows("s-maxage=1, stale-if-error=9"),
            (false, none, seconds(9))
        );
    }

    #[test]
    fn unkeyed_fields_are_dropped() {
        let mut fields = headers(&[("x-forwarded-host", "evil"), ("x-forwarded-for", "::1")]);
        drop_unkeyed(&mut fields);
        assert_eq!(fields.len(), 1);
    }
}
