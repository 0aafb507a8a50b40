//! What lies under a key, or under the variant of it that a request asks for?

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use crate::key::CacheKey;
use crate::provider::{CacheProvider, Fetch};
use crate::stored::StoredResponse;
use crate::vary::VarySet;

/// What a look-up found; its key then names what was found, or what is to be fetched.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    pub(crate) found: Option<Arc<StoredResponse>>,
    /// The key has variants, whether or not one of them is for the request.
    pub(crate) varies: bool,
    /// How long the variant is that the route itself gives the key.
    pub(crate) base: usize,
}

/// The store is elsewhere: it has to be waited for.
#[derive(Debug)]
pub(crate) struct Elsewhere;

/// Looks a key up in a store that answers at once.
pub(crate) fn now(
    store: &dyn CacheProvider,
    key: &mut CacheKey,
    request: &HeaderMap,
) -> Result<Lookup, Elsewhere> {
    let get = |key: &CacheKey| match store.get(key).now() {
        // A store that fails is a miss.
        Ok(found) => Ok(found.unwrap_or_default()),
        Err(_) => Err(Elsewhere),
    };
    let base = key.variant().len();
    let first = get(key)?;
    let Some(index) = first.as_ref().filter(|first| first.is_index()) else {
        return Ok(Lookup {
            found: first,
            varies: false,
            base,
        });
    };
    let mut choice = Choice::default();
    for variant in choice.candidates(index, key, request) {
        key.write_variant(|out| out.push_str(&variant));
        let found = get(key)?;
        choice.take(variant, found);
        key.truncate_variant(choice.base);
    }
    Ok(choice.settle(key))
}

/// The same for a store that may be elsewhere.
pub(crate) async fn wait(
    store: &dyn CacheProvider,
    key: &mut CacheKey,
    request: &HeaderMap,
) -> Lookup {
    let base = key.variant().len();
    let first = store.get(key).await.unwrap_or_default();
    let Some(index) = first.as_ref().filter(|first| first.is_index()) else {
        return Lookup {
            found: first,
            varies: false,
            base,
        };
    };
    let mut choice = Choice::default();
    for variant in choice.candidates(index, key, request) {
        key.write_variant(|out| out.push_str(&variant));
        let found = store.get(key).await.unwrap_or_default();
        choice.take(variant, found);
        key.truncate_variant(choice.base);
    }
    choice.settle(key)
}

/// Among several variants that match the most recent one is used (RFC 9111 §4.1).
#[derive(Default)]
struct Choice {
    /// How long the variant is that the route itself gives the key.
    base: usize,
    /// What the newest set makes of the request, for what is to be fetched.
    newest: Option<String>,
    best: Option<(String, Arc<StoredResponse>)>,
}

impl Choice {
    fn candidates(
        &mut self,
        index: &StoredResponse,
        key: &CacheKey,
        request: &HeaderMap,
    ) -> Vec<String> {
        self.base = key.variant().len();
        let mut candidates = Vec::new();
        let Some(variants) = index.variants() else {
            return candidates;
        };
        for set in variants.sets() {
            let mut variant = String::new();
            set.write(request, &mut variant);
            if self.newest.is_none() {
                self.newest = Some(variant.clone());
            }
            if variants.holds(&variant) {
                candidates.push(variant);
            }
        }
        candidates
    }

    fn take(&mut self, variant: String, found: Option<Arc<StoredResponse>>) {
        let Some(found) = found.filter(|found| !found.is_index()) else {
            return;
        };
        let is_newer = |(_, best): &(String, Arc<StoredResponse>)| {
            best.head().received() < found.head().received()
        };
        if self.best.as_ref().is_none_or(is_newer) {
            self.best = Some((variant, found));
        }
    }

    fn settle(self, key: &mut CacheKey) -> Lookup {
        let (variant, found) = match self.best {
            Some((variant, found)) => (Some(variant), Some(found)),
            None => (self.newest, None),
        };
        if let Some(variant) = variant {
            key.write_variant(|out| out.push_str(&variant));
        }
        Lookup {
            found,
            varies: true,
            base: self.base,
        }
    }
}

/// That a response is one of several under its key.
#[derive(Debug)]
pub(crate) struct Index {
    base: CacheKey,
    set: VarySet,
    variant: String,
}

impl Index {
    /// Names the variant that a fetch turned out to be of; `None` where there is one response for all.
    pub(crate) fn of(fetch: &mut Fetch, set: &VarySet, request: &HeaderMap) -> Option<Self> {
        if set.is_empty() {
            return None;
        }
        let base = fetch.key().clone();
        let mut variant = String::new();
        set.write(request, &mut variant);
        fetch.vary(|key| key.push_str(&variant));
        Some(Self {
            base,
            set: set.clone(),
            variant,
        })
    }

    /// What the request said in the fields that chose the response.
    pub(crate) fn variant(&self) -> &str {
        &self.variant
    }

    /// Lets look-ups find the variant, which is kept for `keep` from `now` on.
    pub(crate) async fn write(self, store: &dyn CacheProvider, keep: Duration, now: Instant) {
        let before = store.get(&self.base).await.unwrap_or_default();
        let before = before.as_ref().and_then(|before| before.variants());
        let until = now.checked_add(keep).unwrap_or(now);
        let variants = before
            .cloned()
            .unwrap_or_default()
            .with(&self.set, &self.variant, until);
        let keep = variants.keep(now);
        let index = Arc::new(StoredResponse::index(variants, now));
        // A variant that is not found is fetched again.
        drop(store.set(self.base, index, keep).await);
    }
}
