//! The address of an endpoint, as it is configured.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, Uri};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The base address of an endpoint: `http://host:port`.
///
/// The port is 80 where it is left out. User information, a path, a query and a fragment are
/// refused, for none of them would be sent. `https:` and `unix:` are not supported yet and are
/// refused with an error that says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl {
    authority: String,
    /// The host as a resolver wants it: an IPv6 address without its brackets.
    host: String,
    port: u16,
}

impl EndpointUrl {
    /// Returns host and port as they were written, the way they stand in a `Host` field.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Returns the host without a port, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Returns the port, 80 where the address names none.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> Self {
        url.to_string()
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = EndpointUrlError;

    fn try_from(text: String) -> Result<Self, EndpointUrlError> {
        text.parse()
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointUrlError;

    fn from_str(text: &str) -> Result<Self, EndpointUrlError> {
        let scheme = text.split(':').next().unwrap_or_default();
        if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("unix") {
            return Err(EndpointUrlError::NotSupported(scheme.to_ascii_lowercase()));
        }
        if text.contains('#') {
            return Err(EndpointUrlError::MoreThanOrigin);
        }
        let uri: Uri = text.parse().map_err(|_| EndpointUrlError::NotAUrl)?;
        let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(EndpointUrlError::NotAUrl);
        };
        if authority.as_str().contains('@') {
            return Err(EndpointUrlError::UserInfo);
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(EndpointUrlError::MoreThanOrigin);
        }
        let port = port_of(authority).ok_or(EndpointUrlError::Port)?;
        let host = authority.host();
        if host.is_empty() {
            return Err(EndpointUrlError::NotAUrl);
        }
        let host = host
            .strip_prefix('[')
            .and_then(|inner| inner.strip_suffix(']'))
            .unwrap_or(host);
        Ok(Self {
            authority: authority.as_str().to_ascii_lowercase(),
            host: host.to_owned(),
            port,
        })
    }
}

/// The port of an authority: 80 where none is written, `None` where it is not one.
fn port_of(authority: &Authority) -> Option<u16> {
    let rest = &authority.as_str()[authority.host().len()..];
    if rest.is_empty() {
        return Some(80);
    }
    rest.strip_prefix(':')?
        .parse()
        .ok()
        .filter(|port| *port > 0)
}

impl JsonSchema for EndpointUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EndpointUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "description": "Base address of an endpoint, `http://host:port`.",
            "examples": ["http://127.0.0.1:4001"],
        })
    }
}

/// Why a text is not the address of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointUrlError {
    /// Not `http://host:port`.
    #[error("an endpoint is written http://host:port")]
    NotAUrl,
    /// A scheme that is known but not supported by this version.
    #[error("{0}: endpoints are not supported by this version, only http:")]
    NotSupported(String),
    /// The port is no number from 1 to 65535.
    #[error("the port of an endpoint is a number from 1 to 65535")]
    Port,
    /// A user name or a password in the address.
    #[error("an endpoint's address has no user information")]
    UserInfo,
    /// A path, a query or a fragment behind the host.
    #[error("an endpoint's address ends with its port: a path belongs into a route's rewrite")]
    MoreThanOrigin,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<(&str, &str, u16), EndpointUrlError>) {
        let parsed = text.parse::<EndpointUrl>();
        let expected =
            expected.map(|(authority, host, port)| (authority.to_owned(), host.to_owned(), port));
        assert_eq!(
            parsed.map(|url| (url.authority, url.host, url.port)),
            expected,
            "{text}"
        );
    }

    #[test]
    fn an_origin_is_accepted() {
        check(
            "http://127.0.0.1:4001",
            Ok(("127.0.0.1:4001", "127.0.0.1", 4001)),
        );
        check("http://Catalog/", Ok(("catalog", "Catalog", 80)));
        check("http://[::1]:8080", Ok(("[::1]:8080", "::1", 8080)));
    }

    #[test]
    fn what_would_not_be_sent_is_refused() {
        check("127.0.0.1:4001", Err(EndpointUrlError::NotAUrl));
        check("ftp://a", Err(EndpointUrlError::NotAUrl));
        check("", Err(EndpointUrlError::NotAUrl));
        check(
            "https://a",
            Err(EndpointUrlError::NotSupported("https".into())),
        );
        check(
            "unix:/run/a",
            Err(EndpointUrlError::NotSupported("unix".into())),
        );
        check("http://a:0", Err(EndpointUrlError::Port));
        check("http://a:70000", Err(EndpointUrlError::Port));
        check("http://u:p@a", Err(EndpointUrlError::UserInfo));
        check("http://a/base", Err(EndpointUrlError::MoreThanOrigin));
        check("http://a/?q", Err(EndpointUrlError::MoreThanOrigin));
        check("http://a/#f", Err(EndpointUrlError::MoreThanOrigin));
    }
}
