//! The API as a function from requests to answers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache_calls;
mod callers;
mod world;
