//! What may a thing be called that a configuration names?

use std::borrow::{Borrow, Cow};
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};

/// Longest name, in bytes: names become labels of metrics and parts of keys.
const LENGTH_MAX: usize = 100;

/// The name of a route, an upstream, a listener: lower-case letters, digits, `-` and `_`, with no `__`, at most 100.
///
/// As the key of a `BTreeMap` its pattern makes the map one of names: case and `-` or `_` make no difference when layers
/// are merged, so that the variable `APP__ROUTES__A_B__TTL` means the route `a-b`. (`__` parts the keys in a
/// variable, which is why no name has it.)
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Name(Box<str>);

impl Name {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let begins = text.bytes().next().is_some_and(plain);
        let goes_on = text.bytes().all(|b| plain(b) || b == b'-' || b == b'_');
        if begins && goes_on && text.len() <= LENGTH_MAX && !text.contains("__") {
            Ok(Self(text.into()))
        } else {
            Err(de::Error::custom(format_args!(
                "a name has at most {LENGTH_MAX} lower-case letters, digits, - and _, begins with a letter or a digit, and has no __"
            )))
        }
    }
}

impl JsonSchema for Name {
    fn inline_schema() -> bool {
        true // So that a map's `patternProperties` can have the pattern.
    }

    fn schema_name() -> Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$", "maxLength": LENGTH_MAX })
    }
}
