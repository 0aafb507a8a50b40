//! The tests of the crate, one binary.
#![expect(
    clippy::unwrap_used,
    reason = "what stands in a test is sound, or the test fails"
)]

mod breaker;
mod breaker_layer;
mod breaker_model;
mod breaker_settings;
mod breaker_threads;
mod checks;
#[cfg(feature = "testing")]
mod contract;
mod drain;
mod layer;
mod monitor;
mod probe;
mod settings;
mod shutdown;
