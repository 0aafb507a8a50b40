//! What a service behind the layers, and a client before them, sees.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod answers;
mod axum_service;
mod client;
mod gate;
mod preflights;
mod settings;
