//! Answers to `GET` and `QUERY`, the same for all who ask.

use std::time::Duration;

use http::Method;

use super::{Audience, CacheRequest, CacheStrategy};
use crate::asked::Bypass;
use crate::invalidation::Invalidation;
use crate::key::CacheKey;

/// Stores answers to `GET` (and answers `HEAD` from them) under method, scheme, host, path and query, and answers to
/// `QUERY` (RFC 10008) under its content and `Content-Type` besides.
///
/// An unsafe request drops its resource and the collection above it. Lifetime: 5 minutes.
#[derive(Clone, Copy, Debug, Default)]
pub struct GetOnly;

impl CacheStrategy for GetOnly {
    fn name(&self) -> &'static str {
        "get-only"
    }

    fn audience(&self) -> Audience {
        Audience::Shared
    }

    fn default_lifetime(&self) -> Duration {
        Duration::from_mins(5)
    }

    fn stores_queries(&self) -> bool {
        true
    }

    fn should_cache(&self, _: &CacheRequest<'_>) -> Result<(), Bypass> {
        Ok(())
    }

    fn key(&self, request: &CacheRequest<'_>, key: &mut CacheKey) {
        if *request.method == Method::QUERY {
            key.push_target_of("QUERY", &request.target, request.sort_query);
        } else {
            key.push_target(&request.target, request.sort_query);
        }
    }

    fn invalidations(&self, request: &CacheRequest<'_>) -> Vec<Invalidation> {
        Invalidation::of_target(&request.target)
    }
}
