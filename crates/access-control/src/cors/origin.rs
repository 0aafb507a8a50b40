//! Which origins are meant: one, all below a domain, or any.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// An origin that may read answers: `https://app.example.com`, `https://*.example.com` (every name below the domain, not
/// the domain itself), or `*`.
///
/// Kept as browsers send origins (RFC 6454 §6.2): lower case, without the scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AllowedOrigin(Pattern);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pattern {
    Any,
    Exact(Box<str>),
    Below {
        /// With `://`.
        scheme: Box<str>,
        /// With its leading dot, and the port where there is one.
        domain: Box<str>,
    },
}

/// Why a text is no [`AllowedOrigin`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is no origin: {reason}")]
pub struct OriginError {
    text: String,
    reason: &'static str,
}

impl AllowedOrigin {
    /// Whether every origin is meant.
    pub fn is_any(&self) -> bool {
        self.0 == Pattern::Any
    }

    /// Whether `origin`, the value of a request's `Origin`, is meant.
    pub fn matches(&self, origin: &[u8]) -> bool {
        match &self.0 {
            Pattern::Any => true,
            Pattern::Exact(exact) => origin == exact.as_bytes(),
            Pattern::Below { scheme, domain } => origin
                .strip_prefix(scheme.as_bytes())
                .and_then(|host| host.strip_suffix(domain.as_bytes()))
                .is_some_and(are_labels),
        }
    }
}

/// Labels of a host name with dots between them, as browsers write them.
fn are_labels(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'.').all(|label| {
        let plain =
            |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(byte);
        !label.is_empty() && label.len() <= 63 && label.iter().all(plain)
    }) && text.len() <= 253
}

impl FromStr for AllowedOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refuse = |reason| {
            let text = text.to_owned();
            Err(OriginError { text, reason })
        };
        if text == "*" {
            return Ok(Self(Pattern::Any));
        }
        let lower = text.to_ascii_lowercase();
        if lower == "null" {
            return refuse("any sandboxed page calls itself null");
        }
        let Some((scheme, authority)) = lower.split_once("://") else {
            return refuse("it needs a scheme, such as https://app.example.com");
        };
        if !is_scheme(scheme) {
            return refuse("its scheme is not written as one");
        }
        if authority.contains(['/', '?', '#']) {
            return refuse("it has a path, and an origin ends with its host or port");
        }
        if authority.contains('@') {
            return refuse("it has user information");
        }
        if !authority.is_ascii() {
            return refuse("a host outside ASCII is written in its xn-- form");
        }
        let (host, port) = split_port(authority);
        let port = match port {
            None => None,
            Some(digits) => match digits.parse::<u16>() {
                Ok(port) if port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Some(port)
                }
                _ => return refuse("its port is no number from 1 to 65535"),
            },
        };
        // The scheme's own port is never sent.
        let port = match (scheme, port) {
            (_, None) | ("http", Some(80)) | ("https", Some(443)) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        if let Some(domain) = host.strip_prefix("*.") {
            if !are_labels(domain.as_bytes()) {
                return refuse("its host is not written as one");
            }
            return Ok(Self(Pattern::Below {
                scheme: format!("{scheme}://").into(),
                domain: format!(".{domain}{port}").into(),
            }));
        }
        if host.contains('*') {
            return refuse(
                "a * stands alone, or for the names below a domain as in https://*.example.com",
            );
        }
        if !are_labels(host.as_bytes()) && !is_ipv6(host) {
            return refuse("its host is not written as one");
        }
        Ok(Self(Pattern::Exact(
            format!("{scheme}://{host}{port}").into(),
        )))
    }
}

fn is_scheme(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(plain)
}

fn is_ipv6(host: &str) -> bool {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    // A browser sends the shortest form: another would never match.
    inner.is_some_and(|text| {
        let address = text.parse::<std::net::Ipv6Addr>();
        address.is_ok_and(|address| address.to_string() == text)
    })
}

/// The host, and what stands behind its last colon outside brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Pattern::Any => f.write_str("*"),
            Pattern::Exact(exact) => f.write_str(exact),
            Pattern::Below { scheme, domain } => write!(f, "{scheme}*{domain}"),
        }
    }
}

impl Serialize for AllowedOrigin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AllowedOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for AllowedOrigin {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "AllowedOrigin".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An origin, all origins below a domain, or `*`.",
            "examples": ["https://app.example.com", "https://*.example.com"]
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(allowed: &str, origin: &str, expected: bool) {
        let pattern: AllowedOrigin = allowed.parse().unwrap();
        assert_eq!(
            pattern.matches(origin.as_bytes()),
            expected,
            "{origin} by {allowed}"
        );
    }

    #[test]
    fn an_exact_origin_is_that_one() {
        check("https://app.example.com", "https://app.example.com", true);
        check(
            "HTTPS://App.Example.com:443",
            "https://app.example.com",
            true,
        );
        check("http://localhost:3000", "http://localhost:3000", true);
        check("http://[::1]:3000", "http://[::1]:3000", true);
        check("capacitor://localhost", "capacitor://localhost", true);
        check("https://app.example.com", "http://app.example.com", false);
        check(
            "https://app.example.com",
            "https://app.example.com:8443",
            false,
        );
        check(
            "https://app.example.com",
            "https://app.example.com.evil.test",
            false,
        );
        check("https://app.example.com", "null", false);
        check("https://app.example.com", "", false);
    }

    #[test]
    fn a_wildcard_is_every_name_below_the_domain() {
        check("https://*.example.com", "https://a.example.com", true);
        check("https://*.example.com", "https://a.b.example.com", true);
        check(
            "https://*.example.com:8443",
            "https://a.example.com:8443",
            true,
        );
        check("https://*.example.com", "https://example.com", false);
        check("https://*.example.com", "https://.example.com", false);
        check("https://*.example.com", "https://evilexample.com", false);
        check(
            "https://*.example.com",
            "https://evil.test/.example.com",
            false,
        );
        check(
            "https://*.example.com",
            "https://evil.test?.example.com",
            false,
        );
        check("https://*.example.com", "https://user@a.example.com", false);
        check("https://*.example.com", "http://a.example.com", false);
        check("https://*.example.com", "https://a.example.com:8443", false);
        check("https://*.example.com", "https://a..example.com", false);
    }

    #[test]
    fn any_is_any() {
        check("*", "https://app.example.com", true);
        check("*", "null", true);
    }

    #[test]
    fn what_is_no_origin_says_why() {
        for (text, reason) in [
            ("app.example.com", "scheme"),
            ("://a", "scheme"),
            ("https://app.example.com/", "path"),
            ("https://app.example.com/a", "path"),
            ("https://me@app.example.com", "user"),
            ("https://app.example.com:0", "port"),
            ("https://app.example.com:+80", "port"),
            ("https://app.example.com:99999", "port"),
            ("https://", "host"),
            ("https://*.", "host"),
            ("https://*example.com", "*"),
            ("https://a.*.example.com", "*"),
            ("https://ex ample.com", "host"),
            ("https://[::1", "host"),
            ("https://[0::1]", "host"),
            ("https://é.example", "xn--"),
            ("null", "null"),
        ] {
            let error = text.parse::<AllowedOrigin>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "(https?|app)://(\\*\\.)?[a-z]{1,9}(\\.[a-z0-9]{1,9}){0,3}(:[1-9][0-9]{0,3})?") {
            let origin: AllowedOrigin = text.parse().unwrap();
            prop_assert_eq!(&origin.to_string().parse::<AllowedOrigin>().unwrap(), &origin);
        }

        #[test]
        fn any_text_is_survived(text: String, origin: Vec<u8>) {
            if let Ok(pattern) = text.parse::<AllowedOrigin>() {
                pattern.matches(&origin);
            }
        }

        #[test]
        fn what_a_wildcard_matches_ends_in_its_domain(origin in "https://[a-z./:?#@]{0,20}\\.example\\.com") {
            let pattern: AllowedOrigin = "https://*.example.com".parse().unwrap();
            let host = origin.strip_prefix("https://").unwrap();
            if pattern.matches(origin.as_bytes()) {
                prop_assert!(!host.contains(['/', ':', '?', '#', '@']));
            }
        }
    }
}
