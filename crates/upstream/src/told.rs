//! What was learned on the way, for logs and metrics.

use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;

/// What a request met at its upstream.
///
/// Told once a request, when the response head (or the refusal) is there, or when the client left
/// before.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Told<'a> {
    /// The upstream's name, where there is one.
    pub upstream: Option<&'a str>,
    /// The endpoint that was asked last.
    pub endpoint: Option<&'a Arc<Endpoint>>,
    /// How many tries were made, a fresh connection after a dead kept one not counted.
    pub tries: u32,
    /// From the first try to the response head, the refusal, or the client's leaving.
    pub took: Duration,
    /// Whether the last try went over a connection that was kept.
    pub kept: bool,
    /// The word of the refusal, where the gateway answers itself.
    pub error: Option<&'static str>,
}

impl PartialEq for Endpoint {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}
