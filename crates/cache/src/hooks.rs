//! What the layer asks its surroundings, and what it tells them.

use std::time::{Instant, SystemTime};

use http::Extensions;

use crate::policy::CachePolicy;
use crate::status::CacheOutcome;

/// Plain functions over the extensions of a request (of a response, where it says so).
///
/// The default serves a program that uses this crate alone: the real clocks, a [`CachePolicy`] and a
/// [`CacheUser`] from the request's extensions, `http`, nothing told and no answer a refusal.
#[derive(Clone, Copy, Debug)]
pub struct CacheHooks {
    /// The time for lifetimes.
    pub clock: fn() -> Instant,
    /// The wall time, which `Date`, `Expires` and `Last-Modified` are compared with.
    pub wall: fn() -> SystemTime,
    /// The rules of the request's route; `None`: it has no cache.
    pub policy: fn(&Extensions) -> Option<&CachePolicy>,
    /// The scheme of the request's connection, `http` or `https`; whatever an absolute URI says.
    pub scheme: fn(&Extensions) -> &'static str,
    /// Hears what became of the request; called once for each on a route with rules.
    pub tell: fn(&Extensions, CacheOutcome),
    /// Whether the answer may show the key under which it is stored, in `X-Cache-Key`: for people who
    /// develop, as it holds the whole target.
    pub show_key: fn(&Extensions) -> bool,
    /// Whether a response (its extensions are given) is the program's own refusal, which is never
    /// stored.
    pub is_refusal: fn(&Extensions) -> bool,
    /// The authenticated user, with whatever else shapes that user's answers.
    pub user: fn(&Extensions) -> Option<&str>,
}

impl Default for CacheHooks {
    fn default() -> Self {
        Self {
            clock: Instant::now,
            wall: SystemTime::now,
            policy: |extensions| extensions.get(),
            scheme: |_| "http",
            tell: |_, _| (),
            show_key: |_| false,
            is_refusal: |_| false,
            user: |extensions| extensions.get().map(|CacheUser(user)| user.as_str()),
        }
    }
}

/// The authenticated user of a request, as a request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheUser(pub String);
