//! What does an operator see and do?
//!
//! - [`AdminApi`] answers the requests for `/api/v1`: it is a function from a request to an answer, and the program
//!   brings the listener and the time for a request.
//! - [`Access`] knows who may ask: bearer tokens with a [`Role`] each; without one, only who is on the same machine,
//!   where the program says so.
//! - [`CacheOperations`] is what the API asks the program to do.
//!
//! Every refusal is a problem document (RFC 9457) whose detail says what would be right.

mod api;
mod auth;
mod problem;

pub use api::cache::{CacheOperations, CacheReport, Purge, PurgeState, What};
pub use api::{AdminApi, Peer};
pub use auth::{Access, AccessFault, Role, TokenSettings};
