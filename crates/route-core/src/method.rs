//! Which methods a route takes, and what `Allow` says of them.
//!
//! - No method listed: all of them.
//! - `GET` also answers `HEAD` (RFC 9110 §9.3.2).
//! - `TRACE` and `CONNECT` are never a route's: the first would reflect a request's credentials,
//!   the second would make the gateway an open proxy.
//! - `OPTIONS` is always in `Allow`, as it is answered where no route takes it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::{HeaderValue, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A method in a route's settings.
///
/// ```
/// use route_core::MethodToken;
///
/// assert_eq!(http::Method::from("PURGE".parse::<MethodToken>()?), "PURGE");
/// assert!("get".parse::<MethodToken>().is_err());
/// # Ok::<(), route_core::MethodError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MethodToken(Method);

/// Why a text is no method that a route can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MethodError {
    /// Not a token of RFC 9110 §5.6.2.
    #[error("\"{0}\" is not a method")]
    Token(String),
    /// Methods are case-sensitive, and this one in capitals is meant.
    #[error("methods are case-sensitive: write \"{0}\"")]
    Case(String),
    /// `TRACE` or `CONNECT`.
    #[error("{0} is always answered with 405")]
    Refused(Method),
}

impl MethodToken {
    /// The method.
    pub fn as_method(&self) -> &Method {
        &self.0
    }
}

impl FromStr for MethodToken {
    type Err = MethodError;

    fn from_str(text: &str) -> Result<Self, MethodError> {
        let method =
            Method::from_bytes(text.as_bytes()).map_err(|_| MethodError::Token(text.to_owned()))?;
        if is_refused(&method) {
            return Err(MethodError::Refused(method));
        }
        let capitals = text.to_ascii_uppercase();
        let known = Method::from_bytes(capitals.as_bytes())
            .is_ok_and(|method| bit(&method) != OTHER || is_refused(&method));
        if bit(&method) == OTHER && known {
            return Err(MethodError::Case(capitals));
        }
        Ok(Self(method))
    }
}

impl From<MethodToken> for Method {
    fn from(token: MethodToken) -> Self {
        token.0
    }
}

impl TryFrom<String> for MethodToken {
    type Error = MethodError;

    fn try_from(text: String) -> Result<Self, MethodError> {
        text.parse()
    }
}

impl From<MethodToken> for String {
    fn from(token: MethodToken) -> Self {
        token.0.as_str().to_owned()
    }
}

impl fmt::Display for MethodToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

impl JsonSchema for MethodToken {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MethodToken".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$" })
    }
}

/// Whether every route refuses `method`.
pub(crate) fn is_refused(method: &Method) -> bool {
    *method == Method::TRACE || *method == Method::CONNECT
}

/// The methods that have a bit of their own, in the order in which `Allow` lists them.
const KNOWN: [Method; 8] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
    Method::QUERY,
];
const HEAD: u16 = 1 << 1;
pub(crate) const OPTIONS: u16 = 1 << 6;
/// Some method without a bit, which then has to be looked for by name.
pub(crate) const OTHER: u16 = 1 << 8;
/// Every method, by whatever name.
pub(crate) const ANY: u16 = 1 << 9;

/// The bit of `method`.
pub(crate) fn bit(method: &Method) -> u16 {
    match *method {
        Method::GET => 1,
        Method::HEAD => HEAD,
        Method::POST => 1 << 2,
        Method::PUT => 1 << 3,
        Method::PATCH => 1 << 4,
        Method::DELETE => 1 << 5,
        Method::OPTIONS => OPTIONS,
        Method::QUERY => 1 << 7,
        _ => OTHER,
    }
}

/// The bits of the methods that a route lists; none listed means any.
pub(crate) fn bits(listed: &[Method]) -> u16 {
    if listed.is_empty() {
        return ANY;
    }
    let bits = listed.iter().map(bit).fold(0, |all, bit| all | bit);
    if bits & bit(&Method::GET) == 0 {
        bits
    } else {
        bits | HEAD
    }
}

/// Whether a route with these `bits` takes `method`, whose bit is `asked`, and which is not one that
/// every route refuses. `listed` is what the route lists, of which few methods need a look.
#[inline]
pub(crate) fn takes<'a>(
    bits: u16,
    asked: u16,
    method: &Method,
    listed: impl FnOnce() -> &'a [Method],
) -> bool {
    bits & (asked | ANY) != 0 && (asked != OTHER || bits & ANY != 0 || listed().contains(method))
}

/// A method that two routes take both, if there is one.
pub(crate) fn shared(first: &[Method], second: &[Method]) -> Option<Shared> {
    let (first_bits, second_bits) = (bits(first), bits(second));
    match (first_bits & ANY != 0, second_bits & ANY != 0) {
        (true, true) => return Some(Shared::Any),
        (true, false) => return second.first().cloned().map(Shared::One),
        (false, true) => return first.first().cloned().map(Shared::One),
        (false, false) => {}
    }
    let known = KNOWN
        .into_iter()
        .find(|method| first_bits & second_bits & bit(method) != 0);
    let other = || first.iter().find(|method| second.contains(method)).cloned();
    known.or_else(other).map(Shared::One)
}

/// What [`shared`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    Any,
    One(Method),
}

/// The union of what several routes take, for `Allow` (RFC 9110 §10.2.1).
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    bits: u16,
    others: Vec<Method>,
}

impl Allowed {
    pub(crate) fn add(&mut self, listed: &[Method]) {
        // Any method cannot be listed; the ones that everybody knows are.
        let all = bits(listed);
        self.bits |= if all & ANY == 0 { all } else { OTHER - 1 } | OPTIONS;
        let others = listed.iter().filter(|method| bit(method) == OTHER);
        for method in others {
            if !self.others.contains(method) {
                self.others.push(method.clone());
            }
        }
    }

    /// Empty where nothing was added: a resource that takes no method at all.
    pub(crate) fn header(mut self) -> HeaderValue {
        self.others.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        let known = KNOWN.iter().filter(|method| self.bits & bit(method) != 0);
        let names: Vec<&str> = known.chain(&self.others).map(Method::as_str).collect();
        // Tokens and commas are a value always.
        HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_allow(routes: &[&[Method]], allow: &str) {
        let mut allowed = Allowed::default();
        for listed in routes {
            allowed.add(listed);
        }
        assert_eq!(allowed.header(), allow);
    }

    #[test]
    fn allow_is_the_union() {
        let purge = Method::from_bytes(b"PURGE").unwrap();
        let ban = Method::from_bytes(b"BAN").unwrap();
        check_allow(&[], "");
        check_allow(&[&[Method::GET]], "GET, HEAD, OPTIONS");
        check_allow(
            &[&[Method::POST], &[Method::DELETE]],
            "POST, DELETE, OPTIONS",
        );
        check_allow(
            &[&[purge.clone(), Method::PUT], &[ban, purge]],
            "PUT, OPTIONS, BAN, PURGE",
        );
        check_allow(
            &[&[]],
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY",
        );
    }

    #[test]
    fn get_answers_head_and_other_methods_go_by_name() {
        let ask = |listed: &[Method], method: &Method| {
            takes(bits(listed), bit(method), method, || listed)
        };
        let purge = Method::from_bytes(b"PURGE").unwrap();
        assert!(ask(&[Method::GET], &Method::HEAD));
        assert!(!ask(&[Method::HEAD], &Method::GET));
        assert!(ask(&[], &purge));
        assert!(ask(std::slice::from_ref(&purge), &purge));
        assert!(!ask(&[Method::from_bytes(b"BAN").unwrap()], &purge));
    }

    #[test]
    fn two_routes_share_a_method() {
        let purge = || Method::from_bytes(b"PURGE").unwrap();
        assert_eq!(shared(&[], &[]), Some(Shared::Any));
        assert_eq!(shared(&[], &[Method::PUT]), Some(Shared::One(Method::PUT)));
        assert_eq!(
            shared(&[Method::GET], &[Method::HEAD]),
            Some(Shared::One(Method::HEAD))
        );
        assert_eq!(
            shared(&[purge()], &[Method::PUT, purge()]),
            Some(Shared::One(purge()))
        );
        assert_eq!(shared(&[Method::GET], &[Method::PUT]), None);
        assert_eq!(
            shared(&[purge()], &[Method::from_bytes(b"BAN").unwrap()]),
            None
        );
    }

    #[test]
    fn a_method_that_no_route_can_take_is_refused() {
        assert!(matches!(
            "TRACE".parse::<MethodToken>(),
            Err(MethodError::Refused(_))
        ));
        assert!(matches!(
            "connect".parse::<MethodToken>(),
            Err(MethodError::Case(_))
        ));
        assert!(matches!(
            "GE T".parse::<MethodToken>(),
            Err(MethodError::Token(_))
        ));
        assert!(matches!(
            "".parse::<MethodToken>(),
            Err(MethodError::Token(_))
        ));
        assert!("purge".parse::<MethodToken>().is_ok());
    }
}
