//! What a route is called.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A route's name: lower-case letters, digits, `-` and `_`, without `__` (which separates keys in
/// the names of environment variables).
///
/// ```
/// use route_core::RouteId;
///
/// assert!("check-out_v2".parse::<RouteId>().is_ok());
/// assert!("CheckOut".parse::<RouteId>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RouteId(Box<str>);

/// Why a text is no [`RouteId`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a route id: use lower-case letters, digits, - and _, without __")]
pub struct RouteIdError(String);

impl RouteId {
    /// The id as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends the id as an environment variable tells it, in which `-` and `_` are one.
    pub(crate) fn fold(&self, out: &mut String) {
        out.extend(
            self.0
                .chars()
                .map(|letter| if letter == '-' { '_' } else { letter }),
        );
    }
}

impl FromStr for RouteId {
    type Err = RouteIdError;

    fn from_str(text: &str) -> Result<Self, RouteIdError> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        if text.is_empty() || text.contains("__") || !text.bytes().all(allowed) {
            return Err(RouteIdError(text.to_owned()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for RouteId {
    type Error = RouteIdError;

    fn try_from(text: String) -> Result<Self, RouteIdError> {
        text.parse()
    }
}

impl From<RouteId> for String {
    fn from(id: RouteId) -> Self {
        id.0.into()
    }
}

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for RouteId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RouteId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for RouteId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RouteId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(_|_?([a-z0-9-]+_)*[a-z0-9-]+_?)$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_can_be_told_by_an_environment_variable() {
        for id in ["a", "product-2", "_", "_a_b-", "0"] {
            assert_eq!(id.parse::<RouteId>().unwrap().as_str(), id);
        }
        for id in ["", "A", "a__b", "a b", "é", "a.b", "__"] {
            assert!(id.parse::<RouteId>().is_err(), "{id}");
        }
    }
}
