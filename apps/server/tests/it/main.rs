//! The program as a user starts it: real processes, real sockets, a real nginx and Python behind it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a helper that fails ends its test"
)]

mod client;
mod origin;
mod program;

mod admin_api;
mod bad_input;
mod command_line;
mod compress;
mod configured;
mod demo;
mod embedded;
mod http2;
mod real_services;
mod refusals;
mod shutdown;
mod streaming;
