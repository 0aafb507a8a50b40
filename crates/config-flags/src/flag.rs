//! What is a flag made of?
//!
//! A [`FlagDefinition`] is what an operator writes: a switch, a sentence, and the conditions under which the flag is on.
//! It is plain settings; [`FlagSet::compile`](crate::FlagSet::compile) turns a map of them into what a request asks.

mod conditions;
mod name;

pub use conditions::{Conditions, Listing};
pub use name::{FlagName, InvalidFlagName};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// One flag, as configuration files and the admin API write it.
///
/// ```toml
/// [flags.checkout-v2]
/// enabled = true
/// description = "New checkout"
/// [flags.checkout-v2.conditions]
/// environments = ["staging", "production"]
/// segments = ["beta", "staff"]
/// percentage = 12.5
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct FlagDefinition {
    /// Whether the flag can be on at all; while it is false, no condition is looked at.
    pub enabled: bool,
    /// What the flag is for, in a sentence for whoever finds it later.
    #[validate(length(max = 1000))]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// When an enabled flag is on. Each condition that is present must hold; with none, it is on for everyone.
    #[validate(nested)]
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
}

impl FlagDefinition {
    /// A flag that is on for everyone.
    pub fn on() -> Self {
        Self {
            enabled: true,
            ..Self::default()
        }
    }

    /// A flag that is on where `conditions` hold.
    pub fn when(conditions: Conditions) -> Self {
        Self {
            enabled: true,
            conditions,
            ..Self::default()
        }
    }
}
