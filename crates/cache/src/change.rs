//! What does a request with an unsafe or unknown method leave behind when it succeeds?

use std::pin::Pin;
use std::sync::Arc;

use http::{Method, Response};

use crate::invalidation::{self, Invalidation};
use crate::provider::CacheProvider;
use crate::strategy::{CacheRequest, CacheStrategy, GetOnly};

/// A store's work that is waited for before the client hears of the change.
pub(crate) type Purging = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What to invalidate once the upstream has answered.
#[derive(Debug)]
pub(crate) struct Change {
    store: Arc<dyn CacheProvider>,
    origin: String,
    path: String,
    dropped: Vec<Invalidation>,
}

impl Change {
    /// The change that a request may make: by the route's strategy, without one its resource and collection, and what
    /// carries one of `labels`.
    pub(crate) fn of(
        store: &Arc<dyn CacheProvider>,
        strategy: Option<&dyn CacheStrategy>,
        request: &CacheRequest<'_>,
        labels: Vec<String>,
    ) -> Self {
        let mut dropped = strategy.unwrap_or(&GetOnly).invalidations(request);
        dropped.extend(labels.into_iter().map(Invalidation::Tag));
        Self {
            store: Arc::clone(store),
            origin: request.target.origin(),
            path: request.target.path().to_owned(),
            dropped,
        }
    }

    /// Whether a method calls for one at all.
    pub(crate) fn is_due(method: &Method) -> bool {
        invalidation::may_change(method)
    }

    /// Invalidates what a response that is no error has changed. What a store does not do at once is
    /// handed back to wait for.
    pub(crate) fn apply<B>(mut self, response: &Response<B>) -> Option<Purging> {
        if !invalidation::has_changed(response.status()) {
            return None;
        }
        self.dropped.extend(invalidation::of_response(
            (&self.origin, &self.path),
            response.headers(),
        ));
        let mut dropped = self.dropped.into_iter();
        while let Some(one) = dropped.next() {
            // A store that fails has dropped nothing: the answer's lifetime is the bound then.
            if self.store.invalidate(&one).now().is_err() {
                let store = self.store;
                return Some(Box::pin(async move {
                    for one in std::iter::once(one).chain(dropped) {
                        drop(store.invalidate(&one).await);
                    }
                }));
            }
        }
        None
    }
}
