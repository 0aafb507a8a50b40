//! What does a route cache, and under which key?
//!
//! A [`CacheStrategy`] answers three questions about a request: may the cache answer it, under which
//! key, and what does it invalidate when it succeeds. Two come with the crate; a program may bring
//! its own with [`crate::CachePolicy::with_strategy`].

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, Method};

use crate::asked::Bypass;
use crate::invalidation::Invalidation;
use crate::key::CacheKey;
use crate::target::Target;

mod get_only;
mod user_specific;

pub use get_only::GetOnly;
pub use user_specific::UserSpecific;

/// For whom a stored response is (RFC 9111 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// For all: `private` is not stored, `s-maxage` counts.
    Shared,
    /// For the one user in its key: `private` may be stored, `s-maxage` is passed over.
    OneUser,
}

/// What a strategy sees of a request.
#[derive(Clone, Copy, Debug)]
pub struct CacheRequest<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The resource that it asks for.
    pub target: Target<'a>,
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// The authenticated user, as the program names it.
    pub user: Option<&'a str>,
    /// Whether the route sorts its queries.
    pub sort_query: bool,
}

/// What is stored, for whom, under which key, and what an unsafe request invalidates.
pub trait CacheStrategy: fmt::Debug + Send + Sync + 'static {
    /// The strategy's name in a configuration.
    fn name(&self) -> &str;

    /// For whom its responses are.
    fn audience(&self) -> Audience;

    /// The freshness lifetime where neither the upstream nor the route says one.
    fn default_lifetime(&self) -> Duration;

    /// Whether answers to `QUERY` (RFC 10008) are stored too. Where they are, the cache appends to the key what tells
    /// their content and its `Content-Type` apart; not by default.
    fn stores_queries(&self) -> bool {
        false
    }

    /// Whether the cache may answer a `GET`, `HEAD` or `QUERY` request, beyond what RFC 9111 asks.
    fn should_cache(&self, request: &CacheRequest<'_>) -> Result<(), Bypass>;

    /// Writes the name of the answer into an empty `key`; it holds the whole identity of the answer.
    fn key(&self, request: &CacheRequest<'_>, key: &mut CacheKey);

    /// What a successful request with an unsafe or unknown method makes invalid.
    fn invalidations(&self, request: &CacheRequest<'_>) -> Vec<Invalidation>;
}
