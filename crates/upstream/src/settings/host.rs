//! Which `Host` an upstream is sent.

use std::borrow::Cow;

use http::HeaderValue;
use http::uri::Authority;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The `Host` that is sent.
///
/// Written `client`, `upstream`, or the value itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostHeader {
    /// The client's.
    #[default]
    Client,
    /// The endpoint's, with its port where the endpoint's address names one.
    Upstream,
    /// This one.
    Literal(HeaderValue),
}

impl TryFrom<String> for HostHeader {
    type Error = HostHeaderError;

    fn try_from(text: String) -> Result<Self, HostHeaderError> {
        match text.as_str() {
            "client" => return Ok(Self::Client),
            "upstream" => return Ok(Self::Upstream),
            _ => {}
        }
        let authority: Authority = text.parse().map_err(|_| HostHeaderError)?;
        if authority.as_str().contains('@') {
            return Err(HostHeaderError);
        }
        HeaderValue::from_str(authority.as_str())
            .map(Self::Literal)
            .map_err(|_| HostHeaderError)
    }
}

impl From<HostHeader> for String {
    fn from(host: HostHeader) -> Self {
        match host {
            HostHeader::Client => "client".to_owned(),
            HostHeader::Upstream => "upstream".to_owned(),
            HostHeader::Literal(value) => value.to_str().unwrap_or_default().to_owned(),
        }
    }
}

impl JsonSchema for HostHeader {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "HostHeader".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "minLength": 1,
            "examples": ["client", "upstream", "shop.example.com"],
        })
    }
}

/// The text is neither `client` nor `upstream` nor a host with or without a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a host is `client`, `upstream`, or a name with or without a port")]
pub struct HostHeaderError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_literals() {
        let host = |text: &str| HostHeader::try_from(text.to_owned());
        assert_eq!(host("client"), Ok(HostHeader::Client));
        assert_eq!(host("upstream"), Ok(HostHeader::Upstream));
        assert_eq!(
            host("shop.example.com:8080"),
            Ok(HostHeader::Literal(HeaderValue::from_static(
                "shop.example.com:8080"
            )))
        );
        assert_eq!(host(""), Err(HostHeaderError));
        assert_eq!(host("a b"), Err(HostHeaderError));
        assert_eq!(host("me@host"), Err(HostHeaderError));
    }
}
