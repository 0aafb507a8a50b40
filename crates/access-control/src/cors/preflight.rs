//! The answer to a browser that asks first.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

use super::policy::{CorsPolicy, Grant, sole};

/// The most field names, and bytes of them, that a preflight may ask for.
const NAMES_MAX: usize = 64;
const NAMES_BYTES_MAX: usize = 4096;

/// What a preflight depends on besides the origin. It is `OPTIONS`, which no cache keeps but a careless one.
const VARY_REQUEST: HeaderValue =
    HeaderValue::from_static("Access-Control-Request-Method, Access-Control-Request-Headers");

/// How a preflight was answered; in the extensions of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preflight {
    /// The page may go on.
    Allowed,
    /// Its origin is not among those that may.
    OriginRefused,
    /// The route does not have the method, or the policy keeps it from pages.
    MethodRefused,
    /// It wants to send a field that the policy does not list, or its list is malformed or too long.
    HeadersRefused,
}

impl Preflight {
    /// The reason as one word, for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::OriginRefused => "origin-refused",
            Self::MethodRefused => "method-refused",
            Self::HeadersRefused => "headers-refused",
        }
    }
}

/// Whether a browser asks first, rather than a program for the options of a path.
pub(super) fn is_preflight(method: &Method, fields: &HeaderMap) -> bool {
    *method == Method::OPTIONS
        && fields.contains_key(ORIGIN)
        && fields.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The fields of the answer. `methods` is the list of those that the path answers, where the policy has none.
pub(super) fn answer(
    policy: &CorsPolicy,
    asked: &HeaderMap,
    methods: Option<HeaderValue>,
) -> (Preflight, HeaderMap) {
    let mut fields = HeaderMap::new();
    let grant = policy.grant(asked);
    let reason = match decide(policy, &grant, asked, methods) {
        Ok((methods, headers)) => {
            grant.apply_preflight(&mut fields);
            fields.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
            if let Some(headers) = headers {
                fields.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
            }
            fields.insert(ACCESS_CONTROL_MAX_AGE, policy.max_age.clone());
            Preflight::Allowed
        }
        Err(refused) => {
            grant.refused().apply_preflight(&mut fields);
            refused
        }
    };
    fields.append(VARY, VARY_REQUEST);
    (reason, fields)
}

/// The methods and fields to allow, or why not.
fn decide(
    policy: &CorsPolicy,
    grant: &Grant,
    asked: &HeaderMap,
    methods: Option<HeaderValue>,
) -> Result<(HeaderValue, Option<HeaderValue>), Preflight> {
    if !grant.allowed() {
        return Err(Preflight::OriginRefused);
    }
    let method = sole(asked, &ACCESS_CONTROL_REQUEST_METHOD).ok_or(Preflight::MethodRefused)?;
    let methods = match (&policy.methods, methods) {
        (Some(listed), _) => listed.value.clone(),
        (None, Some(answered)) => answered,
        // Any: the one asked for, once it is known to be a method.
        (None, None) => method.clone(),
    };
    let named = method.as_bytes();
    // Who may `GET` may `HEAD`.
    let allows = |name: &[u8]| name == named || (name == b"GET" && named == b"HEAD");
    if Method::from_bytes(named).is_err() || !members(methods.as_bytes()).any(allows) {
        return Err(Preflight::MethodRefused);
    }

    let mut lines = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).into_iter();
    let headers = match (lines.next(), lines.next()) {
        (None, _) => None,
        (Some(line), None) if may_send(policy, line.as_bytes()) => Some(match &policy.headers {
            Some(listed) => listed.value.clone(),
            // Any: the list as it was asked for, since `*` would leave out `Authorization`.
            None => line.clone(),
        }),
        // A browser sends one line.
        _ => return Err(Preflight::HeadersRefused),
    };
    Ok((methods, headers))
}

/// Whether each name of the list `asked` may be sent.
fn may_send(policy: &CorsPolicy, asked: &[u8]) -> bool {
    if asked.len() > NAMES_BYTES_MAX {
        return false;
    }
    let mut count = 0;
    members(asked).all(|name| {
        count += 1;
        let listed = policy.headers.as_ref().is_none_or(|listed| {
            let mut names = listed.names.iter();
            names.any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        });
        count <= NAMES_MAX && is_token(name) && listed
    })
}

/// The members of a list field; empty ones do not count (RFC 9110 §5.6.1.2).
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let members = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    members.filter(|member| !member.is_empty())
}

/// RFC 9110 §5.6.2.
fn is_token(name: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(token)
}
