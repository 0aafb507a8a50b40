//! What is done with an answer that passes?

use std::sync::Arc;
use std::time::Instant;

use http::Response;

use crate::asked::{Asked, Bypass};
use crate::change::Change;
use crate::hooks::CacheHooks;
use crate::invalidation::Tag;
use crate::key::CacheKey;
use crate::policy::CachePolicy;
use crate::provider::{CacheProvider, Fetch};
use crate::status::{self, Verdict};
use crate::stored::StoredResponse;
use crate::storing::Arrival;

/// What is to be done with the inner service's answer.
#[derive(Debug)]
pub(crate) enum After {
    Nothing,
    Change(Box<Change>),
    Bypass(Bypass, Option<Box<Change>>),
    /// An answer that is not stored: what is said of it, and what it may show to be over.
    Unstored(Box<Unstored>),
}

/// An answer that passes although the cache has a say in its request.
#[derive(Debug)]
pub(crate) struct Unstored {
    pub(crate) verdict: Verdict,
    pub(crate) head: Option<HeadOfStored>,
}

/// What a `HEAD` may show to hold still, or to be another response by now (RFC 9111 §4.3.5).
#[derive(Debug)]
pub(crate) struct HeadOfStored {
    pub(crate) key: CacheKey,
    pub(crate) stored: Arc<StoredResponse>,
    pub(crate) store: Arc<dyn CacheProvider>,
    pub(crate) policy: CachePolicy,
    pub(crate) hooks: CacheHooks,
    pub(crate) fetch: Fetch,
    pub(crate) asked: Asked,
    pub(crate) begun: Instant,
    pub(crate) chance: u64,
    pub(crate) labels: (String, Vec<Tag>),
}

impl HeadOfStored {
    /// A store elsewhere is not waited for: what lies there is stale, and stays so.
    fn apply<B>(self, response: &Response<B>) {
        if response.status() != self.stored.status() {
            return;
        }
        let now = (self.hooks.clock)();
        let arrival = Arrival {
            now,
            wall: (self.hooks.wall)(),
            waited: now.saturating_duration_since(self.begun),
            chance: self.chance,
        };
        let (origin, tags) = self.labels;
        let rules = self.policy.response_rules();
        let updated = if self.stored.agrees_with(response.headers()) {
            let labels = (origin.as_str(), tags);
            self.stored
                .confirmed(response.headers(), rules, self.asked, arrival, labels)
                .ok()
        } else {
            None
        };
        match updated {
            Some(updated) => {
                let keep = updated.head().keep(now);
                drop(self.store.store(self.fetch, Arc::new(updated), keep).now());
            }
            None => drop(self.store.delete(&self.key).now()),
        }
    }
}

impl Unstored {
    pub(crate) fn apply<B>(self, response: &mut Response<B>) {
        if let Some(head) = self.head {
            head.apply(response);
        }
        status::mark_miss(response.headers_mut(), self.verdict);
    }
}
