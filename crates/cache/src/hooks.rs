//! What the layer asks its surroundings, and what it tells them.

use std::time::{Instant, SystemTime};

use http::{Extensions, Request};

use crate::policy::CachePolicy;
use crate::status::CacheOutcome;
use crate::target::Target;

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
    /// What is known of a request.
    pub seen: fn(&Extensions) -> Seen<'_>,
    /// Hears what became of the request, on a route with rules; where it hears more than one word, the last counts.
    pub tell: fn(&Extensions, CacheOutcome),
    /// Whether a response (its extensions are given) is the program's own refusal, which is never
    /// stored.
    pub is_refusal: fn(&Extensions) -> bool,
    /// The labels that the route gives the response to a request: by them it can be dropped.
    pub tags: fn(&Extensions) -> Vec<String>,
    /// The labels that a successful unsafe request drops.
    pub invalidates: fn(&Extensions) -> Vec<String>,
    /// Writes what else of the program's own tells two answers apart, a flag's variant for instance, into the key.
    pub variant: fn(&Extensions, &mut String),
}

impl Default for CacheHooks {
    fn default() -> Self {
        Self {
            clock: Instant::now,
            wall: SystemTime::now,
            seen: |extensions| Seen {
                policy: extensions.get(),
                user: extensions.get().map(|CacheUser(user)| user.as_str()),
                ..Seen::default()
            },
            tell: |_, _| (),
            is_refusal: |extensions| extensions.get::<CacheRefusal>().is_some(),
            tags: |_| Vec::new(),
            invalidates: |_| Vec::new(),
            variant: |_, _| (),
        }
    }
}

/// What a program knows of a request.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The rules of its route; `None`: it has no cache.
    pub policy: Option<&'a CachePolicy>,
    /// The scheme of its connection, `http` or `https`; whatever an absolute URI says.
    pub scheme: &'static str,
    /// The host that was asked, where the program has read it and found it sound; else it is read from the target
    /// or the `Host` field.
    pub host: Option<&'a str>,
    /// The authenticated user, with whatever else shapes that user's answers.
    pub user: Option<&'a str>,
    /// Whether the answer may show the key under which it is stored, in `X-Cache-Key`: for people who
    /// develop, as it holds the whole target.
    pub show_key: bool,
}

impl<'a> Seen<'a> {
    pub(crate) fn target<A>(&self, request: &'a Request<A>) -> Option<Target<'a>> {
        match self.host {
            Some(host) => Target::at(host, request.uri(), self.scheme),
            None => Target::of(request.uri(), request.headers(), self.scheme),
        }
    }
}

impl Default for Seen<'_> {
    fn default() -> Self {
        Self {
            policy: None,
            scheme: "http",
            host: None,
            user: None,
            show_key: false,
        }
    }
}

/// Why the cache itself refused a request: in the extensions of its answer, whose body is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheRefusal {
    /// `only-if-cached`, and nothing stored may answer (RFC 9111 §5.2.1.7): 504.
    NotStored,
    /// The one request that asked the upstream for all who wait was told that it has too much to do: 503, with what
    /// `Retry-After` said.
    Overloaded,
}

/// The authenticated user of a request, as a request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheUser(pub String);
