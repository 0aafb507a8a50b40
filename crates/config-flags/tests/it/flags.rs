//! Feature flags: evaluation, the split, and how flags are written.

#![expect(
    clippy::unwrap_used,
    reason = "what stands in a test is sound, or the test fails"
)]

mod evaluation;
mod split;
mod written;

use config_flags::{Conditions, FlagDefinition, FlagName, FlagSet};

/// A set with one enabled flag, `flag`, under `conditions`.
fn flag_when(conditions: Conditions) -> FlagSet {
    FlagSet::compile([(name("flag"), FlagDefinition::when(conditions))])
}

fn name(name: &str) -> FlagName {
    name.parse().unwrap()
}

/// The condition that `percentage` of the callers are in.
fn share(percentage: f64) -> Conditions {
    Conditions {
        percentage: Some(percentage),
        ..Conditions::default()
    }
}
