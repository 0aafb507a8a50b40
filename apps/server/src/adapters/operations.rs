//! What an operator may do, done on the registries.
use std::sync::Arc;

use admin::{CacheOperations, CacheReport, Purge, PurgeState, What};
use async_trait::async_trait;
use cache::{CacheProvider, Invalidation, MemoryProvider, StatsByRoute, StoreError};

/// The operations of the admin API.
#[derive(Debug)]
pub struct Operations {
    store: Arc<MemoryProvider>,
}

impl Operations {
    /// On this store.
    pub fn new(store: Arc<MemoryProvider>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl CacheOperations for Operations {
    async fn purge(&self, purge: &Purge) -> Result<PurgeState, StoreError> {
        match (&purge.what, purge.soft) {
            (What::All, true) => {
                let all = Invalidation::Prefix(String::new());
                self.store.mark_stale(&all).await?;
            }
            (What::All, false) => {
                // Gone for all look-ups at once; giving the memory back takes longer than the other calls can wait.
                let all = Invalidation::Prefix(String::new());
                self.store.invalidate(&all).await?;
                let store = Arc::clone(&self.store);
                let freed = tokio::task::spawn_blocking(move || drop(store.clear().now()));
                drop(freed.await);
            }
            (What::Named(names), true) => {
                for name in names {
                    self.store.mark_stale(name).await?;
                }
            }
            (What::Named(names), false) => {
                for name in names {
                    self.store.invalidate(name).await?;
                }
            }
        }
        // There is no other layer, and no other server that shares this one.
        Ok(PurgeState::Confirmed)
    }

    async fn report(&self, max: usize) -> CacheReport {
        let store = Arc::clone(&self.store);
        let looked = tokio::task::spawn_blocking(move || CacheReport {
            layers: vec![("memory", store.stats())],
            routes: store.stats_by_route(max),
        });
        looked.await.unwrap_or_else(|_| CacheReport {
            layers: Vec::new(),
            routes: StatsByRoute::default(),
        })
    }
}
