//! The name of a flag: the key that files, URLs and the rollout's hash know it by.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest name, in bytes.
const LENGTH_MAX: usize = 100;

/// The name of a flag, such as `checkout-v2`.
///
/// Lower-case letters, digits, `-` and `_`, at most 100, beginning with a letter or a digit. Two underscores in a row are
/// refused, because environment variables write a dot so. The rollout hashes the name as it is written here:
/// renaming a flag deals its users anew.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[a-z0-9][a-z0-9_-]*$", "maxLength" = 100))]
pub struct FlagName(Box<str>);

impl FlagName {
    /// Checks `name` and takes it.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidFlagName> {
        let name = name.into();
        let mut bytes = name.bytes();
        let begins = bytes
            .next()
            .is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit());
        let goes_on = bytes.all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        });
        if begins && goes_on && name.len() <= LENGTH_MAX && !name.contains("__") {
            Ok(Self(name.into_boxed_str()))
        } else {
            Err(InvalidFlagName(()))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that cannot be the name of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a flag's name has at most {LENGTH_MAX} lower-case letters, digits, - and _, begins with a letter or a digit, and has no __"
)]
pub struct InvalidFlagName(());

impl fmt::Display for FlagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for FlagName {
    type Err = InvalidFlagName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

impl TryFrom<String> for FlagName {
    type Error = InvalidFlagName;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<FlagName> for String {
    fn from(name: FlagName) -> Self {
        name.0.into_string()
    }
}

impl AsRef<str> for FlagName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for FlagName {
    fn borrow(&self) -> &str {
        &self.0
    }
}
