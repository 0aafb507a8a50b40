//! Answers to one user's `GET`, for that user alone.

use std::time::Duration;

use super::{Audience, CacheRequest, CacheStrategy};
use crate::asked::Bypass;
use crate::invalidation::Invalidation;
use crate::key::CacheKey;

/// Stores answers to the `GET` of an authenticated user under `user:{id}:` and what [`super::GetOnly`]
/// has; a private cache to that user.
///
/// The program's name for a user must hold whatever shapes the user's answers: issuer and subject,
/// and a digest of roles where answers depend on them. A request without a user bypasses the cache.
/// An unsafe request drops everything of its user, and its resource for all others. Lifetime: 10
/// minutes.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserSpecific;

impl CacheStrategy for UserSpecific {
    fn name(&self) -> &'static str {
        "user-specific"
    }

    fn audience(&self) -> Audience {
        Audience::OneUser
    }

    fn default_lifetime(&self) -> Duration {
        Duration::from_mins(10)
    }

    fn should_cache(&self, request: &CacheRequest<'_>) -> Result<(), Bypass> {
        match request.user {
            Some(user) if !user.is_empty() => Ok(()),
            _ => Err(Bypass::NoUser),
        }
    }

    fn key(&self, request: &CacheRequest<'_>, key: &mut CacheKey) {
        key.push_user(request.user.unwrap_or_default());
        key.push_target(&request.target, request.sort_query);
    }

    fn invalidations(&self, request: &CacheRequest<'_>) -> Vec<Invalidation> {
        let mut dropped = Invalidation::of_target(&request.target);
        dropped.extend(request.user.map(|user| Invalidation::User(user.to_owned())));
        dropped
    }
}
