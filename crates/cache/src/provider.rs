//! Where do stored responses live between requests?

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::invalidation::{Invalidation, Tag};
use crate::key::CacheKey;
use crate::stats::CacheStats;
use crate::stored::StoredResponse;

/// A value that a store can hold.
pub trait CacheValue: Send + Sync + 'static {
    /// How many bytes it takes, what it owns elsewhere counted in.
    fn bytes(&self) -> u64;

    /// The labels by which it can be invalidated beside its key.
    fn tags(&self) -> &[Tag] {
        &[]
    }

    /// The same value, stale from `since` on; `None`: it cannot be stale, and what makes it stale drops it.
    fn stale_since(&self, since: Instant) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = since;
        None
    }
}

/// Where stored responses live between requests.
///
/// A store knows how long to keep a value, never whether it is fresh: `reuse` decides that. After an
/// invalidation, [`CacheProvider::delete`] or [`CacheProvider::clear`] has returned, no look-up finds
/// what they name, and no fetch that began before keeps it.
pub trait CacheProvider<V = StoredResponse>: fmt::Debug + Send + Sync + 'static {
    /// Finds the value under `key`, fresh or stale. A miss is `Ok(None)`, not an error.
    fn get<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, Option<Arc<V>>>;

    /// Marks the moment before the upstream is asked; what is purged after it will not be kept.
    fn begin(&self, key: &CacheKey) -> Fetch;

    /// Whether a purge since `number` was counted concerns `key`, or a value under it with these tags. More may be
    /// said to be concerned, never less.
    fn is_purged_since(&self, number: u64, key: &CacheKey, tags: &[Tag]) -> bool;

    /// Stores what `fetch` brought for `keep`, unless a purge overtook it.
    fn store(&self, fetch: Fetch, value: Arc<V>, keep: Duration) -> StoreFuture<'_, ()>;

    /// `begin` and `store` at once.
    fn set(&self, key: CacheKey, value: Arc<V>, keep: Duration) -> StoreFuture<'_, ()>;

    /// Drops what is held under the name of `key`, its variants too; says whether `key` itself was.
    fn delete<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, bool>;

    /// Makes invisible what `what` names.
    fn invalidate<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()>;

    /// Makes stale from now on what `what` names, a fetch that is under way too: whatever may be done with stale
    /// values may be done with these. Of what cannot be stale it is [`CacheProvider::invalidate`].
    fn mark_stale<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()>;

    /// Drops everything.
    fn clear(&self) -> StoreFuture<'_, ()>;

    /// The store's figures.
    fn stats(&self) -> CacheStats;
}

/// A fetch that is under way: its key, and the number of the last purge that it knows of.
///
/// Dropping it ends the fetch.
pub struct Fetch {
    key: CacheKey,
    number: u64,
    guard: Option<Box<dyn Any + Send>>,
}

impl Fetch {
    /// A fetch of `key` that began when the store had counted `number` purges.
    pub fn new(key: CacheKey, number: u64) -> Self {
        Self {
            key,
            number,
            guard: None,
        }
    }

    /// The same with something to drop when it ends.
    #[must_use]
    pub fn guarded(self, guard: impl Any + Send) -> Self {
        Self {
            guard: Some(Box::new(guard)),
            ..self
        }
    }

    /// What is being fetched.
    pub fn key(&self) -> &CacheKey {
        &self.key
    }

    /// Names the variant that is being fetched, now that the response has said which fields chose it.
    pub(crate) fn vary(&mut self, write: impl FnOnce(&mut String)) {
        self.key.write_variant(write);
    }

    /// How many purges the store had counted when it began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The key, and what is to be dropped once the value is in its place.
    pub fn into_parts(self) -> (CacheKey, Option<Box<dyn Any + Send>>) {
        (self.key, self.guard)
    }
}

impl fmt::Debug for Fetch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fetch")
            .field("key", &self.key)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Why a store could not do what was asked; for the cache the same as a miss.
#[derive(Debug, thiserror::Error)]
#[error("the store of responses failed")]
pub struct StoreError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// Wraps what went wrong.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// The answer of a store: there at once, so that a hit in memory allocates nothing, or to wait for.
pub struct StoreFuture<'a, T>(Answer<'a, T>);

enum Answer<'a, T> {
    Ready(Option<Result<T, StoreError>>),
    Waiting(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> StoreFuture<'a, T> {
    /// An answer that is there.
    pub fn ready(answer: Result<T, StoreError>) -> Self {
        Self(Answer::Ready(Some(answer)))
    }

    /// An answer to wait for; the work begins when it is first polled.
    pub fn waiting(work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Self {
        Self(Answer::Waiting(Box::pin(work)))
    }

    /// The answer if it is there without waiting.
    pub fn now(self) -> Result<Result<T, StoreError>, Self> {
        match self.0 {
            Answer::Ready(Some(answer)) => Ok(answer),
            other => Err(Self(other)),
        }
    }
}

// Nothing in it is pinned by itself.
impl<T> Unpin for StoreFuture<'_, T> {}

impl<T> Future for StoreFuture<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Answer::Ready(answer) => answer.take().map_or(Poll::Pending, Poll::Ready),
            Answer::Waiting(work) => work.as_mut().poll(cx),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<'_, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Answer::Ready(_) => "StoreFuture(ready)",
            Answer::Waiting(_) => "StoreFuture(waiting)",
        })
    }
}
