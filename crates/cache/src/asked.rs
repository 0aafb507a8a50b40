//! What does this request ask of the cache? (RFC 9111 §4, §5.2.1)
//!
//! A request that the cache could only guess about bypasses it: with content that its key does not hold, for another
//! protocol, under a precondition that is the origin's to judge.

use http::header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HOST, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderName, Method};

use crate::cache_control::RequestDirectives;
use crate::policy::CachePolicy;

/// Fields that say nothing of whether a request may be answered from the store.
static COMMON: [HeaderName; 6] = [
    HOST,
    USER_AGENT,
    ACCEPT,
    ACCEPT_ENCODING,
    ACCEPT_LANGUAGE,
    REFERER,
];

/// Why a request on a cached route passes the cache by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bypass {
    /// Neither `GET` nor `HEAD`, nor a `QUERY` under a strategy that stores its answers.
    Method,
    /// It has content; of a `QUERY`: more than 64 KiB, with trailers, or content that could not be read or was not.
    Content,
    /// Its target has no legible host or path.
    Target,
    /// It wants another protocol.
    Upgrade,
    /// It carries `no-store`.
    NoStore,
    /// It carries `If-Match` or `If-Unmodified-Since`, which are the origin's to judge (§4.3.2).
    Precondition,
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
            Self::NoStore => "request-no-store",
            Self::Precondition => "precondition",
            Self::NoUser => "no-user",
            Self::Strategy => "strategy",
        }
    }
}

/// What a request that the cache has a say in asks of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field that is there or is not"
)]
pub struct Asked {
    /// There is an `If-None-Match` or `If-Modified-Since`.
    pub conditional: bool,
    /// It is a `GET` for a part.
    pub range: bool,
    /// It says who asks (`Authorization`, `Cookie`, a field that names a caller), and the strategy's answers are for
    /// all.
    pub credentials: bool,
    /// It carries cookies, perhaps ones that the route ignores.
    pub cookies: bool,
    /// There is an `Authorization`, and the strategy's answers are for all.
    pub authorization: bool,
    /// Its directives; none where the route passes them over.
    pub directives: RequestDirectives,
}

/// Whether the fields and the method of a request let the cache answer it.
///
/// One pass over the fields, because this stands before every hit.
pub(crate) fn judge_request(
    method: &Method,
    headers: &HeaderMap,
    policy: &CachePolicy,
) -> Result<Asked, Bypass> {
    let is_query = *method == Method::QUERY;
    if is_query {
        if !policy.strategy().stores_queries() {
            return Err(Bypass::Method);
        }
    } else if *method != Method::GET && *method != Method::HEAD {
        return Err(Bypass::Method);
    }
    let identity = policy.identity_fields();
    let mut asked = Asked::default();
    let mut directs = false;
    for (name, value) in headers {
        // What nearly all requests have; compared as numbers, where a text would have to be fetched.
        if COMMON.contains(name) && !identity.contains(name) {
            continue;
        }
        match name.as_str() {
            // What content a `QUERY` has, its body tells.
            "content-length" | "transfer-encoding" if is_query => {}
            "content-length" if value.as_bytes() != b"0" => return Err(Bypass::Content),
            "transfer-encoding" => return Err(Bypass::Content),
            "upgrade" => return Err(Bypass::Upgrade),
            "if-match" | "if-unmodified-since" => return Err(Bypass::Precondition),
            "authorization" => {
                asked.authorization = true;
                asked.credentials = true;
            }
            "cookie" => asked.cookies = true,
            "range" => asked.range = *method == Method::GET,
            "cache-control" | "pragma" => directs = true,
            "if-none-match" | "if-modified-since" => asked.conditional = true,
            _ if identity.contains(name) => asked.credentials = true,
            _ => {}
        }
    }
    if asked.cookies {
        asked.credentials |= policy.ignored_cookies().leave_any(headers);
    }
    if !policy.minds_credentials() {
        asked.credentials = false;
        asked.authorization = false;
    }
    if directs && policy.obeys_clients() {
        asked.directives = RequestDirectives::of(headers);
        if asked.directives.no_store {
            return Err(Bypass::NoStore);
        }
    }
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::RouteCacheSettings;
    use crate::strategy::UserSpecific;
    use http::HeaderValue;
    use std::sync::Arc;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn policy() -> CachePolicy {
        CachePolicy::compile("", &RouteCacheSettings::default(), &["x-api-key"])
    }

    #[track_caller]
    fn check(fields: &[(&'static str, &'static str)], expected: Result<Asked, Bypass>) {
        let found = judge_request(&Method::GET, &headers(fields), &policy());
        assert_eq!(found, expected);
    }

    #[test]
    fn what_can_only_be_guessed_bypasses() {
        let plain = Asked::default();
        check(&[("accept", "*/*"), ("x-other", "1")], Ok(plain));
        check(&[("content-length", "0")], Ok(plain));
        check(&[("content-length", "1")], Err(Bypass::Content));
        check(&[("transfer-encoding", "chunked")], Err(Bypass::Content));
        check(&[("upgrade", "websocket")], Err(Bypass::Upgrade));
        check(&[("if-match", "*")], Err(Bypass::Precondition));
        check(&[("if-unmodified-since", "x")], Err(Bypass::Precondition));
        check(&[("cache-control", "no-store")], Err(Bypass::NoStore));
        let method = |method| judge_request(&method, &HeaderMap::new(), &policy());
        assert_eq!(method(Method::HEAD), Ok(plain));
        assert_eq!(method(Method::POST), Err(Bypass::Method));
        assert_eq!(method(Method::OPTIONS), Err(Bypass::Method));
    }

    #[test]
    fn the_strategy_says_whether_queries_are_stored() {
        let fields = headers(&[
            ("content-length", "1"),
            ("transfer-encoding", "chunked"),
            ("range", "bytes=0-1"),
        ]);
        let found = judge_request(&Method::QUERY, &fields, &policy());
        assert_eq!(found, Ok(Asked::default()), "its body is not judged here");
        let of_users = policy().with_strategy(Arc::new(UserSpecific));
        let found = judge_request(&Method::QUERY, &fields, &of_users);
        assert_eq!(found, Err(Bypass::Method));
    }

    #[test]
    fn what_is_asked_is_kept() {
        let plain = Asked::default();
        let conditional = Asked {
            conditional: true,
            ..plain
        };
        check(&[("if-none-match", "*")], Ok(conditional));
        check(&[("if-modified-since", "x")], Ok(conditional));
        let range = Asked {
            range: true,
            ..plain
        };
        check(&[("range", "bytes=0-1")], Ok(range));
        let head = judge_request(
            &Method::HEAD,
            &headers(&[("range", "bytes=0-1")]),
            &policy(),
        );
        assert_eq!(head, Ok(plain));
        let credentials = Asked {
            credentials: true,
            ..plain
        };
        let cookies = Asked {
            cookies: true,
            ..credentials
        };
        check(&[("cookie", "x=1")], Ok(cookies));
        check(&[("x-api-key", "x")], Ok(credentials));
        let authorization = Asked {
            authorization: true,
            ..credentials
        };
        check(&[("authorization", "x")], Ok(authorization));
        let no_cache = RequestDirectives {
            no_cache: true,
            ..RequestDirectives::default()
        };
        let directed = Asked {
            directives: no_cache,
            ..plain
        };
        check(&[("cache-control", "no-cache")], Ok(directed));
        check(&[("pragma", "no-cache")], Ok(directed));
    }

    #[test]
    fn a_route_may_pass_over_who_asks_and_what_for() {
        let settings = RouteCacheSettings {
            client_directives: false,
            store_authenticated: true,
            ..RouteCacheSettings::default()
        };
        let fields = headers(&[("authorization", "x"), ("cache-control", "no-store")]);
        for policy in [
            CachePolicy::compile("", &settings, &[""; 0]),
            CachePolicy::compile(
                "",
                &RouteCacheSettings {
                    store_authenticated: false,
                    ..settings.clone()
                },
                &[""; 0],
            )
            .with_strategy(Arc::new(UserSpecific)),
        ] {
            let found = judge_request(&Method::GET, &fields, &policy);
            assert_eq!(found, Ok(Asked::default()));
        }
    }
}
