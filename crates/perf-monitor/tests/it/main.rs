//! The monitor and its layer from outside.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

mod axum_service;
mod exposition;
mod hyper_server;
mod layer;
mod model;
mod monitor;
mod stage;
