//! What is configured, and which variant does this caller get?
//!
//! Two halves that know nothing of each other.
//!
//! # Settings
//!
//! [`Layers`] of text (a built-in profile, files, variables, command-line flags) are merged by key into one
//! tree in which every value knows its place. The tree is checked along the JSON Schema of *any* settings type, then
//! deserialised strictly, then handed to the type's own [`validator::Validate`], then to rules over all settings.
//! [`load`] and [`load_with`] answer with the settings and where each of them came from ([`Loaded`]), or with every
//! problem at once ([`Problems`]). This half knows no setting by name.
//!
//! ```
//! use config_flags::{Environment, Layers, WellKnown, load};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//! use std::time::Duration;
//! use validator::Validate;
//!
//! #[derive(Debug, Serialize, Deserialize, JsonSchema, Validate)]
//! #[serde(default)]
//! struct Settings {
//!     #[validate(range(min = 1))]
//!     port: u16,
//!     timeout: Duration,
//! }
//! impl Default for Settings {
//!     fn default() -> Self {
//!         Self { port: 3000, timeout: Duration::from_secs(30) }
//!     }
//! }
//!
//! const WELL_KNOWN: &[WellKnown] = &[WellKnown::new("PORT", "port")];
//! let variables = [("PORT", "8080"), ("APP__TIMEOUT", "5 parsecs")];
//! let layers = Layers::new().environment(Environment::new("APP", WELL_KNOWN, variables));
//!
//! let problems = load::<Settings>(&layers).unwrap_err();
//! assert_eq!(problems.to_string(), r#"timeout: invalid duration "5 parsecs" (variable APP__TIMEOUT)"#);
//! ```
//!
//! # Flags
//!
//! A [`FlagDefinition`] is a flag as people write it, a [`FlagSet`] an immutable snapshot of them, ready to be asked.
//! Whoever asks brings a [`Context`] (user id, segments, environment, a [`StickySource`]'s key) and gets an [`Evaluation`]:
//! on or off, the [`Reason`], the [`Condition`] that decided, and what about the caller was looked at. An
//! evaluation takes no lock and allocates nothing. Shares of callers are split by [`bucket`], a documented hash.

mod config;

// flags
mod context;
mod evaluate;
mod flag;
mod reason;
mod rollout;
mod sticky;

pub use config::{
    Environment, InForce, Layers, Loaded, Name, Problem, Problems, Secret, WellKnown, load,
    load_with, parse_bytes, parse_duration, published_schema,
};

// flags
pub use context::{Context, Segments};
pub use evaluate::{Basis, Evaluation, Flag, FlagId, FlagRef, FlagSet};
pub use flag::{Conditions, FlagDefinition, FlagName, InvalidFlagName, Listing};
pub use reason::{Condition, Reason};
pub use rollout::bucket;
pub use sticky::{FlagSettings, Sticky, StickySource};
