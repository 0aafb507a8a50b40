//! Why did a value not read?

use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::config::path::Step;
use crate::config::tree::Node;

/// A failure of serde, with the deepest value at which it came up. Its texts never quote a value.
#[derive(Debug)]
pub(crate) struct Fail<'de> {
    pub(super) message: String,
    /// Whether a key is missing, which may follow from what was left out.
    pub(super) missing: bool,
    pub(super) at: Option<(&'de Node, Vec<Step>)>,
}

impl fmt::Display for Fail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fail<'_> {}

/// The default texts of the first three print the value.
impl de::Error for Fail<'_> {
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}, found {}", kind(found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::custom(format_args!("expected {expected}"))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format_args!("expected one of {}", expected.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            missing: true,
            ..Self::custom(format_args!("`{field}` is required, but not set"))
        }
    }

    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            missing: false,
            at: None,
        }
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Signed(_) | Unexpected::Unsigned(_) => "a whole number",
        Unexpected::Float(_) => "a number",
        Unexpected::Str(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a table",
        _ => "something else",
    }
}
