//! The tests of the crate, one binary.

mod config;
mod flags;
