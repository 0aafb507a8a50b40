//! What a user of the crate relies on, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod ambiguity;
mod conflicts;
mod layers;
mod naive;
mod options;
mod paths;
mod precedence;
mod settings;
mod table;
mod under_axum;
