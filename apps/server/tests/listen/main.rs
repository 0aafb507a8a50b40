//! The listeners, met as a client meets them: real sockets, small times, conditions instead of sleeps.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod client;
mod drain;
mod lifetimes;
mod places;
mod protocols;
mod refusals;
mod site;
mod tunnels;
