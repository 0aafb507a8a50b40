//! Names as HTTP writes them, checked when settings are read.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use http::{HeaderName, Method};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// What RFC 9110 §5.6.2 allows in a name.
const TOKEN: &str = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$";

/// The name of a header field, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldName(HeaderName);

/// The name of a request method. Its case counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodName(Method);

/// The text is no name that HTTP could carry (RFC 9110 §5.6.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is no {kind}")]
pub struct NameError {
    text: String,
    kind: &'static str,
}

impl FieldName {
    /// The name as header maps take it.
    pub fn as_header_name(&self) -> &HeaderName {
        &self.0
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl MethodName {
    /// The method itself.
    pub fn as_method(&self) -> &Method {
        &self.0
    }

    /// The name as a text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for FieldName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        HeaderName::from_str(text).map(Self).map_err(|_| NameError {
            text: text.to_owned(),
            kind: "name of a header field",
        })
    }
}

impl FromStr for MethodName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        // `*` is a token, and nobody who writes it means a method of that name.
        let method = Method::from_str(text).ok().filter(|_| text != "*");
        method.map(Self).ok_or_else(|| NameError {
            text: text.to_owned(),
            kind: "request method",
        })
    }
}

impl fmt::Display for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for FieldName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for MethodName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for FieldName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "FieldName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": TOKEN, "description": "The name of a header field."})
    }
}

impl JsonSchema for MethodName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "MethodName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": TOKEN, "description": "A request method, such as GET."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens() {
        let name: FieldName = "X-Request-Id".parse().unwrap();
        assert_eq!(name.as_str(), "x-request-id");
        let error = "x y".parse::<FieldName>().unwrap_err();
        assert_eq!(error.to_string(), r#""x y" is no name of a header field"#);

        let method: MethodName = "PURGE".parse().unwrap();
        assert_eq!(method.as_str(), "PURGE");
        for text in ["", "GET,", "*"] {
            assert!(text.parse::<MethodName>().is_err(), "{text:?}");
        }
    }
}
