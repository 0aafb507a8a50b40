//! The cache from outside.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod axum_router;
mod collapse;
mod contract;
mod fill;
mod invalidation;
mod layer;
mod memory;
mod queries;
mod soft_purges;
mod stale;
mod support;
