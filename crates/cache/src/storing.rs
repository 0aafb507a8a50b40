//! May the cache answer this request, and may it store that response? (RFC 9111 §3)
//!
//! What is not understood is never guessed: a request with a field that could change its answer and
//! is not in the key bypasses the cache, and a response that says it varies is not stored.

use std::time::{Duration, SystemTime};

use http::header::{
    ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_ENCODING, CONTENT_LENGTH, HOST, REFERER, SET_COOKIE,
    USER_AGENT, VARY,
};
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};

use crate::age;
use crate::cache_control::CacheControl;
use crate::freshness::{self, FreshnessLifetime, FreshnessRules, LifetimeSource};
use crate::strategy::Audience;

/// Fields that say nothing of whether a request may be answered from the store.
static COMMON: [HeaderName; 6] = [
    HOST,
    USER_AGENT,
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    REFERER,
];

/// The statuses below 400 that are heuristically cacheable and need nothing beyond what is here.
const STORABLE: [StatusCode; 6] = [
    StatusCode::OK,
    StatusCode::NON_AUTHORITATIVE_INFORMATION,
    StatusCode::NO_CONTENT,
    StatusCode::MULTIPLE_CHOICES,
    StatusCode::MOVED_PERMANENTLY,
    StatusCode::PERMANENT_REDIRECT,
];

/// Why a request on a cached route passes the cache by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bypass {
    /// Neither `GET` nor `HEAD`.
    Method,
    /// It has content.
    Content,
    /// Its target has no legible host or path.
    Target,
    /// It wants another protocol.
    Upgrade,
    /// It carries `Authorization` and the answer would be for all.
    Authorization,
    /// It carries `Cookie`.
    Cookie,
    /// It asks for a part.
    Range,
    /// It carries `Cache-Control` or `Pragma`.
    Directive,
    /// It carries `If-Match` or `If-Unmodified-Since`, which are the origin's to judge (§4.3.2).
    Precondition,
    /// It carries a field that names its caller.
    Identity,
    /// The strategy wants an authenticated user.
    NoUser,
    /// A strategy of the program's own refuses it.
    Strategy,
}

impl Bypass {
    /// The reason as a token, as in `Cache-Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Content => "content",
            Self::Target => "target",
            Self::Upgrade => "upgrade",
            Self::Authorization => "authorization",
            Self::Cookie => "cookie",
            Self::Range => "range",
            Self::Directive => "directive",
            Self::Precondition => "precondition",
            Self::Identity => "identity",
            Self::NoUser => "no-user",
            Self::Strategy => "strategy",
        }
    }
}

/// What the client asks about the answer that it holds already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// There is an `If-None-Match` or `If-Modified-Since`.
    pub conditional: bool,
}

/// Whether the fields and the method of a request let the cache answer it.
///
/// One pass over the fields, because this stands before every hit.
pub(crate) fn judge_request(
    method: &Method,
    headers: &HeaderMap,
    identity: &[HeaderName],
    audience: Audience,
) -> Result<Asked, Bypass> {
    if *method != Method::GET && *method != Method::HEAD {
        return Err(Bypass::Method);
    }
    let mut asked = Asked::default();
    for (name, value) in headers {
        // What nearly all requests have; compared as numbers, where a text would have to be fetched.
        if COMMON.contains(name) && !identity.contains(name) {
            continue;
        }
        match name.as_str() {
            "content-length" if value.as_bytes() != b"0" => return Err(Bypass::Content),
            "transfer-encoding" => return Err(Bypass::Content),
            "upgrade" => return Err(Bypass::Upgrade),
            "authorization" if audience == Audience::Shared => return Err(Bypass::Authorization),
            "cookie" => return Err(Bypass::Cookie),
            "range" => return Err(Bypass::Range),
            "cache-control" | "pragma" => return Err(Bypass::Directive),
            "if-match" | "if-unmodified-since" => return Err(Bypass::Precondition),
            "if-none-match" | "if-modified-since" => asked.conditional = true,
            _ if identity.contains(name) => return Err(Bypass::Identity),
            _ => {}
        }
    }
    Ok(asked)
}

/// Why a response is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStored {
    /// The request was a `HEAD`.
    Head,
    /// The program made it to refuse the request.
    Refusal,
    /// The status is not one of those that are stored.
    Status,
    /// `no-store`.
    NoStore,
    /// `no-cache`.
    NoCache,
    /// `private`, and it would be for all.
    Private,
    /// `must-understand`.
    MustUnderstand,
    /// It depends on fields of the request.
    Vary,
    /// It sets a cookie.
    SetCookie,
    /// It has a content coding, and nothing says that every client takes it.
    ContentEncoding,
    /// It is for one origin of cross-origin requests.
    CrossOrigin,
    /// Nothing says how long it is fresh.
    NoLifetime,
    /// It was stale when it came.
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
            Self::ContentEncoding => "content-encoding",
            Self::CrossOrigin => "cross-origin",
            Self::NoLifetime => "no-lifetime",
            Self::Stale => "stale",
            Self::Tags => "tags",
            Self::TooLarge => "too-large",
        }
    }
}

/// What is to be known about a response that may be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Storable {
    /// How long it is fresh, from when the origin made it.
    pub(crate) lifetime: FreshnessLifetime,
    /// Who said so.
    pub(crate) source: LifetimeSource,
    /// How old it was when its head came.
    pub(crate) age_at_receipt: Duration,
}

/// Whether a response to a `GET` may be stored.
///
/// `received` is the wall time of its head, `waited` the time since the request went out.
pub(crate) fn judge_response<B>(
    response: &Response<B>,
    rules: FreshnessRules,
    max_object: u64,
    received: SystemTime,
    waited: Duration,
) -> Result<Storable, NotStored> {
    let headers = response.headers();
    let directives = CacheControl::of_response(headers);
    if !STORABLE.contains(&response.status()) {
        return Err(NotStored::Status);
    }
    if directives.must_understand {
        return Err(NotStored::MustUnderstand);
    }
    if directives.no_store {
        return Err(NotStored::NoStore);
    }
    if directives.no_cache {
        return Err(NotStored::NoCache);
    }
    if directives.private && rules.audience == Audience::Shared {
        return Err(NotStored::Private);
    }
    if headers.contains_key(VARY) {
        return Err(NotStored::Vary);
    }
    if headers.contains_key(SET_COOKIE) {
        return Err(NotStored::SetCookie);
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Err(NotStored::ContentEncoding);
    }
    let allowed = headers.get(ACCESS_CONTROL_ALLOW_ORIGIN);
    if allowed.is_some_and(|origin| origin != "*")
        || headers.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS)
    {
        return Err(NotStored::CrossOrigin);
    }
    let age_at_receipt = age::at_receipt(headers, received, waited);
    let (lifetime, source) =
        freshness::lifetime(rules, headers, &directives, received, age_at_receipt)
            .ok_or(NotStored::NoLifetime)?;
    if !lifetime.covers(age_at_receipt) {
        return Err(NotStored::Stale);
    }
    if content_length(headers).is_some_and(|length| length > max_object) {
        return Err(NotStored::TooLarge);
    }
    Ok(Storable {
        lifetime,
        source,
        age_at_receipt,
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

    #[track_caller]
    fn asks(fields: &[(&'static str, &'static str)], expected: Result<bool, Bypass>) {
        let identity = [HeaderName::from_static("x-api-key")];
        let headers = headers(fields);
        let found = judge_request(&Method::GET, &headers, &identity, Audience::Shared);
        assert_eq!(found.map(|asked| asked.conditional), expected);
    }

    #[test]
    fn a_field_that_is_not_in_the_key_bypasses() {
        asks(&[("accept", "*/*"), ("x-other", "1")], Ok(false));
        asks(&[("if-none-match", "*")], Ok(true));
        asks(&[("if-modified-since", "x")], Ok(true));
        asks(&[("content-length", "0")], Ok(false));
        asks(&[("content-length", "1")], Err(Bypass::Content));
        asks(&[("transfer-encoding", "chunked")], Err(Bypass::Content));
        asks(&[("upgrade", "websocket")], Err(Bypass::Upgrade));
        asks(&[("authorization", "x")], Err(Bypass::Authorization));
        asks(&[("cookie", "x")], Err(Bypass::Cookie));
        asks(&[("range", "bytes=0-1")], Err(Bypass::Range));
        asks(&[("cache-control", "no-cache")], Err(Bypass::Directive));
        asks(&[("pragma", "no-cache")], Err(Bypass::Directive));
        asks(&[("if-match", "*")], Err(Bypass::Precondition));
        asks(&[("if-unmodified-since", "x")], Err(Bypass::Precondition));
        asks(&[("x-api-key", "x")], Err(Bypass::Identity));
    }

    #[test]
    fn other_methods_bypass_and_one_users_authorization_does_not() {
        let none = HeaderMap::new();
        let judge = |method, headers: &HeaderMap, audience| {
            judge_request(&method, headers, &[], audience).map(|_| ())
        };
        let shared = Audience::Shared;
        assert_eq!(judge(Method::HEAD, &none, shared), Ok(()));
        assert_eq!(judge(Method::POST, &none, shared), Err(Bypass::Method));
        assert_eq!(judge(Method::OPTIONS, &none, shared), Err(Bypass::Method));
        let authorized = headers(&[("authorization", "x")]);
        assert_eq!(judge(Method::GET, &authorized, Audience::OneUser), Ok(()));
    }

    fn rules() -> FreshnessRules {
        FreshnessRules {
            freshness: Freshness::Origin,
            ttl: Duration::from_secs(7),
            audience: Audience::Shared,
        }
    }

    #[track_caller]
    fn check(
        rules: FreshnessRules,
        status: u16,
        fields: &[(&'static str, &'static str)],
        expected: Result<u64, NotStored>,
    ) {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = headers(fields);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let found = judge_response(&response, rules, 100, now, Duration::ZERO);
        let found = found.map(|storable| storable.lifetime.as_duration().as_secs());
        assert_eq!(found, expected);
    }

    #[test]
    fn what_may_not_be_shared_is_not_stored() {
        check(rules(), 200, &[], Ok(7));
        check(rules(), 200, &[("cache-control", "max-age=60")], Ok(60));
        for (fields, why) in [
            (("cache-control", "no-store"), NotStored::NoStore),
            (("cache-control", "no-cache"), NotStored::NoCache),
            (("cache-control", "private"), NotStored::Private),
            (
                ("cache-control", "must-understand, no-store"),
                NotStored::MustUnderstand,
            ),
            (("vary", "accept"), NotStored::Vary),
            (("set-cookie", "a=b"), NotStored::SetCookie),
            (("content-encoding", "gzip"), NotStored::ContentEncoding),
            (
                ("access-control-allow-origin", "https://a"),
                NotStored::CrossOrigin,
            ),
            (
                ("access-control-allow-credentials", "true"),
                NotStored::CrossOrigin,
            ),
            (("content-length", "101"), NotStored::TooLarge),
        ] {
            check(rules(), 200, &[fields], Err(why));
            let forced = FreshnessRules {
                freshness: Freshness::Forced,
                ..rules()
            };
            check(
                forced,
                200,
                &[fields, ("cache-control", "max-age=60")],
                Err(why),
            );
        }
        check(rules(), 200, &[("access-control-allow-origin", "*")], Ok(7));
        check(
            rules(),
            200,
            &[("cache-control", "max-age=0")],
            Err(NotStored::Stale),
        );
        check(rules(), 200, &[("age", "7")], Err(NotStored::Stale));
        check(rules(), 200, &[("age", "x")], Err(NotStored::Stale));
        let heuristic = FreshnessRules {
            ttl: Duration::ZERO,
            ..rules()
        };
        check(heuristic, 200, &[], Err(NotStored::NoLifetime));
        let private = FreshnessRules {
            audience: Audience::OneUser,
            ..rules()
        };
        check(
            private,
            200,
            &[("cache-control", "private, max-age=60")],
            Ok(60),
        );
    }

    #[test]
    fn few_statuses_are_stored() {
        for status in [200, 203, 204, 300, 301, 308] {
            check(rules(), status, &[], Ok(7));
        }
        for status in [201, 206, 302, 303, 304, 307, 400, 404, 410, 429, 500, 503] {
            let explicit = [("cache-control", "max-age=60")];
            check(rules(), status, &explicit, Err(NotStored::Status));
        }
    }

    #[test]
    fn unkeyed_fields_are_dropped() {
        let mut fields = headers(&[("x-forwarded-host", "evil"), ("x-forwarded-for", "::1")]);
        drop_unkeyed(&mut fields);
        assert_eq!(fields.len(), 1);
    }
}
