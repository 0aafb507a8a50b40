//! The crate against real sockets: origins that answer, stall, break and leave.

#![expect(
    clippy::unwrap_used,
    reason = "what the tests share may fail a test too"
)]

mod axum;
mod balancing;
mod bodies;
mod client;
mod connections;
mod heads;
mod http2;
mod limits;
mod oracle;
mod origin;
mod properties;
mod retries;
mod timeouts;
mod tunnels;
