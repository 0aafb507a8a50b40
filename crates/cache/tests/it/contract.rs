//! Stores keep the promises of `CacheProvider`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache::testing::store_contract;
use cache::{
    CacheKey, CacheProvider, CacheStats, EvictionPolicy, Fetch, Invalidation, MemoryOptions,
    MemoryProvider, StoreFuture, StoredResponse, Tag,
};

fn memory(policy: EvictionPolicy, entries: u64) -> MemoryProvider {
    let options = MemoryOptions {
        policy,
        entries,
        ..MemoryOptions::default()
    };
    MemoryProvider::new(options, Instant::now)
}

#[tokio::test]
async fn memory_keeps_the_contract_under_both_policies() {
    for policy in [EvictionPolicy::S3Fifo, EvictionPolicy::Lru] {
        for entries in [10, 100_000] {
            store_contract(&memory(policy, entries)).await;
        }
    }
}

/// A store that answers only when it is waited for, as one over a network does.
#[derive(Debug)]
pub(crate) struct Remote(pub(crate) MemoryProvider);

impl CacheProvider for Remote {
    fn get<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, Option<Arc<StoredResponse>>> {
        StoreFuture::waiting(async move {
            tokio::task::yield_now().await;
            self.0.get(key).await
        })
    }

    fn begin(&self, key: &CacheKey) -> Fetch {
        self.0.begin(key)
    }

    fn is_purged_since(&self, number: u64, key: &CacheKey, tags: &[Tag]) -> bool {
        self.0.is_purged_since(number, key, tags)
    }

    fn store(
        &self,
        fetch: Fetch,
        value: Arc<StoredResponse>,
        keep: Duration,
    ) -> StoreFuture<'_, ()> {
        StoreFuture::waiting(async move {
            tokio::task::yield_now().await;
            self.0.store(fetch, value, keep).await
        })
    }

    fn set(
        &self,
        key: CacheKey,
        value: Arc<StoredResponse>,
        keep: Duration,
    ) -> StoreFuture<'_, ()> {
        self.0.set(key, value, keep)
    }

    fn delete<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, bool> {
        self.0.delete(key)
    }

    fn invalidate<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        StoreFuture::waiting(async move {
            tokio::task::yield_now().await;
            self.0.invalidate(what).await
        })
    }

    fn mark_stale<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        self.0.mark_stale(what)
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        self.0.clear()
    }

    fn stats(&self) -> CacheStats {
        self.0.stats()
    }
}

#[tokio::test]
async fn a_store_that_is_waited_for_keeps_it_too() {
    store_contract(&Remote(memory(EvictionPolicy::S3Fifo, 1000))).await;
}

#[tokio::test]
async fn what_cannot_be_stale_is_dropped_by_a_soft_purge() {
    struct Number;
    impl cache::CacheValue for Number {
        fn bytes(&self) -> u64 {
            8
        }
    }
    let store = MemoryProvider::<Number>::new(MemoryOptions::default(), Instant::now);
    let key = CacheKey::new("", "a");
    let set = |value| store.set(key.clone(), value, Duration::from_mins(1));
    set(Arc::new(Number)).await.unwrap();
    let fetch = store.begin(&key);
    let what = Invalidation::Key("a".to_owned());
    store.mark_stale(&what).await.unwrap();
    assert!(store.find(&key).is_none());
    let kept = store.store(fetch, Arc::new(Number), Duration::from_mins(1));
    kept.await.unwrap();
    assert!(store.find(&key).is_none(), "what was being fetched too");
    set(Arc::new(Number)).await.unwrap();
    assert!(store.find(&key).is_some());
}

/// The contract can fail: this one forgets that a purge overtakes fetches.
#[derive(Debug)]
struct Forgetful(MemoryProvider);

impl CacheProvider for Forgetful {
    fn get<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, Option<Arc<StoredResponse>>> {
        self.0.get(key)
    }

    fn begin(&self, key: &CacheKey) -> Fetch {
        self.0.begin(key)
    }

    fn is_purged_since(&self, number: u64, key: &CacheKey, tags: &[Tag]) -> bool {
        self.0.is_purged_since(number, key, tags)
    }

    fn store(
        &self,
        fetch: Fetch,
        value: Arc<StoredResponse>,
        keep: Duration,
    ) -> StoreFuture<'_, ()> {
        self.0.set(fetch.key().clone(), value, keep)
    }

    fn set(
        &self,
        key: CacheKey,
        value: Arc<StoredResponse>,
        keep: Duration,
    ) -> StoreFuture<'_, ()> {
        self.0.set(key, value, keep)
    }

    fn delete<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, bool> {
        self.0.delete(key)
    }

    fn invalidate<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        self.0.invalidate(what)
    }

    fn mark_stale<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        self.0.mark_stale(what)
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        self.0.clear()
    }

    fn stats(&self) -> CacheStats {
        self.0.stats()
    }
}

#[tokio::test]
#[should_panic(expected = "overtaken by")]
async fn the_contract_finds_a_store_that_keeps_overtaken_fetches() {
    store_contract(&Forgetful(memory(EvictionPolicy::S3Fifo, 1000))).await;
}
