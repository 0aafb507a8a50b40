//! May a stored response answer?
//!
//! A shared HTTP cache (RFC 9111) as a tower layer, over a store of your choice.
//!
//! - [`CacheLayer`] stands before a service. It finds a route's [`CachePolicy`] by a plain function
//!   over the request's extensions ([`CacheHooks`]), answers a hit within `call`, and marks each answer
//!   with `X-Cache`, `Cache-Status` (RFC 9211) and `Age`.
//! - A [`CacheStrategy`] says what is stored, under which [`CacheKey`], and what a change invalidates:
//!   [`GetOnly`] for all who ask, [`UserSpecific`] for one user each.
//! - The content of a `QUERY` is read for its key and then handed on: the inner service is one of requests with a
//!   [`CacheRequestBody`].
//! - A [`CacheProvider`] is where responses live. [`MemoryProvider`] comes with the crate: sharded,
//!   bounded by bytes and entries, S3-FIFO or least recently used; it takes values of your own too.
//! - An [`Invalidation`] makes invisible a resource, a user's answers, a tag or a prefix, in constant
//!   time; a fetch that it overtakes is not kept. By [`CacheProvider::mark_stale`] it makes them stale instead.
//! - [`fleet`] is how several servers over one Redis are one cache: the purge protocol as a state machine
//!   without I/O.
//!
//! Whether a response may be stored, for how long it is fresh and whether it answers a request is
//! decided by plain functions over values, each with a reason by name ([`Bypass`], [`NotStored`]).
//! What cannot be judged is never guessed: a request under a precondition for the origin goes to the service as it is, a response
//! that matches no other request is not stored. One request fetches for all who want the same ([`Collapsing`]).
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Instant;
//! use cache::{CacheLayer, CachePolicy, MemoryOptions, MemoryProvider, RouteCacheSettings};
//!
//! let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now));
//! let policy = CachePolicy::compile("all", &RouteCacheSettings::default(), &["X-Api-Key"]);
//! let layer = CacheLayer::with_policy(store, policy);
//! # #[cfg(feature = "tokio")]
//! let layer = layer.executor(cache::TokioSpawn); // Feature `tokio`; or a `Spawn` of your own.
//! ```

mod accept_encoding;
mod after;
mod age;
mod answer;
mod asked;
mod body;
mod cache_control;
mod change;
mod collapse;
mod content;
mod cookies;
mod decide;
mod fetching;
mod fill;
mod fill_memory;
pub mod fleet;
mod flights;
mod freshness;
mod future;
mod hooks;
mod invalidation;
mod key;
mod layer;
mod lookup;
mod memory;
mod memory_limit;
mod names;
mod policy;
mod provider;
mod query;
mod range;
mod reading;
mod request_body;
mod reuse;
mod settings;
mod spawn;
mod stats;
mod status;
mod stored;
mod storing;
mod strategy;
mod tags;
mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod unstorable;
mod validation;
mod vary;

pub use asked::{Asked, Bypass};
pub use body::{CacheBody, CacheBodyError};
pub use cache_control::{CacheControl, RequestDirectives};
pub use collapse::Collapsing;
pub use cookies::IgnoreCookies;
pub use fill::Fill;
pub use fill_memory::FillMemory;
pub use freshness::{FreshnessLifetime, FreshnessRules, LifetimeSource};
pub use future::CacheFuture;
pub use hooks::{CacheHooks, CacheRefusal, CacheUser, Seen};
pub use invalidation::{Invalidation, Tag};
pub use key::CacheKey;
pub use layer::{Cache, CacheLayer, examine};
pub use memory::{HeldValue, MemoryOptions, MemoryProvider};
pub use memory_limit::container_memory_limit;
pub use policy::CachePolicy;
pub use provider::{CacheProvider, CacheValue, Fetch, StoreError, StoreFuture};
pub use query::QuerySettings;
pub use request_body::CacheRequestBody;
pub use settings::{CacheSettings, EvictionPolicy, Freshness, RouteCacheSettings, StrategyName};
#[cfg(feature = "tokio")]
pub use spawn::TokioSpawn;
pub use spawn::{Background, Spawn};
pub use stats::{CacheStats, StatsByRoute};
pub use status::CacheOutcome;
pub use stored::StoredResponse;
pub use storing::NotStored;
pub use strategy::{Audience, CacheRequest, CacheStrategy, GetOnly, UserSpecific};
pub use target::Target;
pub use validation::Validators;
