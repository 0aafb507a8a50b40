//! Which hosts a route answers for.
//!
//! Hosts are compared without port, case and one trailing dot (RFC 9110 §4.2.3). A wildcard
//! stands for one or more labels: `*.example.com` is `a.example.com` and `b.a.example.com`, not
//! `example.com`.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The most bytes of a name in DNS.
const HOST_BYTES_MAX: usize = 253;

/// One host, or all hosts below a domain.
///
/// ```
/// use route_core::HostPattern;
///
/// assert_eq!("API.example.com.".parse::<HostPattern>()?.to_string(), "api.example.com");
/// assert!("example.com:80".parse::<HostPattern>().is_err());
/// # Ok::<(), route_core::HostError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(Kind);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Exact(Box<str>),
    /// The domain behind the `*.`.
    Below(Box<str>),
}

/// Why a text is no host pattern, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// Nothing, or only a `*`.
    #[error("leave \"hosts\" out to answer for any host")]
    Any,
    /// A `*` elsewhere than as the whole first label.
    #[error("\"{0}\": a wildcard is the whole first label, as in \"*.example.com\"")]
    Wildcard(String),
    /// A port, which takes no part in matching.
    #[error("\"{0}\": hosts are compared without their port, leave it out")]
    Port(String),
    /// A name in another script than ASCII.
    #[error("\"{0}\": write the name as it is sent, with \"xn--\" labels")]
    NotAscii(String),
    /// A character or a length that no host name has.
    #[error("\"{0}\" is not a host name")]
    Name(String),
}

impl HostPattern {
    pub(crate) fn kind(&self) -> &Kind {
        &self.0
    }
}

impl FromStr for HostPattern {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if text.is_empty() || text == "*" {
            return Err(HostError::Any);
        }
        if !text.is_ascii() {
            return Err(HostError::NotAscii(text.to_owned()));
        }
        if let Some(address) = text.strip_prefix('[') {
            let (address, after) = address
                .split_once(']')
                .ok_or_else(|| HostError::Name(text.to_owned()))?;
            return match (address.parse::<Ipv6Addr>(), after) {
                (Ok(address), "") => Ok(Self(Kind::Exact(format!("[{address}]").into()))),
                (Ok(_), after) if after.starts_with(':') => Err(HostError::Port(text.to_owned())),
                _ => Err(HostError::Name(text.to_owned())),
            };
        }
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        if name.contains('*') {
            return Err(HostError::Wildcard(text.to_owned()));
        }
        if name.contains(':') {
            return Err(HostError::Port(text.to_owned()));
        }
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name.len() > HOST_BYTES_MAX || !name.split('.').all(is_label) {
            return Err(HostError::Name(text.to_owned()));
        }
        let name = name.into_boxed_str();
        Ok(Self(if below {
            Kind::Below(name)
        } else {
            Kind::Exact(name)
        }))
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The part of `host` (which may have a port) that is compared; None where no pattern can be meant.
pub(crate) fn compared(host: &str) -> Option<Cow<'_, str>> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.split_once(']')?.0.parse().ok()?;
        return Some(Cow::Owned(format!("[{address}]")));
    }
    let name = host.split(':').next().unwrap_or(host);
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || name.len() > HOST_BYTES_MAX {
        return None;
    }
    Some(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    })
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Exact(name) => f.write_str(name),
            Kind::Below(domain) => write!(f, "*.{domain}"),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostError;

    fn try_from(text: String) -> Result<Self, HostError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl JsonSchema for HostPattern {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": r"^(\[[0-9A-Fa-f:.]+\]|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), shown);
    }

    #[track_caller]
    fn check_refused(text: &str, error: fn(String) -> HostError) {
        assert_eq!(text.parse::<HostPattern>(), Err(error(text.to_owned())));
    }

    #[test]
    fn patterns_are_lower_case_without_a_last_dot() {
        check("Example.COM.", "example.com");
        check("*.Example.com", "*.example.com");
        check("127.0.0.1", "127.0.0.1");
        check("[0:0::1]", "[::1]");
        check("a_b.local", "a_b.local");
    }

    #[test]
    fn what_no_host_can_equal_is_refused() {
        check_refused("*", |_| HostError::Any);
        check_refused("", |_| HostError::Any);
        check_refused("a.*.com", HostError::Wildcard);
        check_refused("*a.com", HostError::Wildcard);
        check_refused("a.com:80", HostError::Port);
        check_refused("[::1]:80", HostError::Port);
        check_refused("bücher.de", HostError::NotAscii);
        check_refused("a..b", HostError::Name);
        check_refused("http//a", HostError::Name);
        check_refused("[::g]", HostError::Name);
        check_refused("*.", HostError::Name);
    }

    #[test]
    fn a_request_s_host_is_compared_without_port_case_and_dot() {
        for host in ["a.b", "A.B", "a.b:8080", "a.b.:80", "a.B."] {
            assert_eq!(compared(host).as_deref(), Some("a.b"), "{host}");
        }
        assert_eq!(compared("[::0001]:8080").as_deref(), Some("[::1]"));
        for host in ["", ":80", ".", "[::1", &"a".repeat(300)] {
            assert_eq!(compared(host), None, "{host}");
        }
    }
}
