//! What a route's settings come to.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::freshness::FreshnessRules;
use crate::settings::{Freshness, RouteCacheSettings, StrategyName};
use crate::strategy::{CacheStrategy, GetOnly};

/// The rules of one route, ready for use; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct CachePolicy(Arc<Rules>);

#[derive(Clone, Debug)]
struct Rules {
    space: Arc<str>,
    strategy: Arc<dyn CacheStrategy>,
    ttl: Option<Duration>,
    freshness: Freshness,
    sort_query: bool,
    max_object: u64,
    identity: Vec<HeaderName>,
}

impl CachePolicy {
    /// Makes the rules of a route.
    ///
    /// `space` holds whatever shapes the route's answers beside the request: the route's id and a
    /// digest of its target, rewrites and edits. A name in `identity_fields` that is no field name is
    /// passed over: no request can carry it, and the settings' own check refuses it before.
    pub fn compile(
        space: &str,
        settings: &RouteCacheSettings,
        identity_fields: &[impl AsRef<str>],
    ) -> Self {
        let strategy: Arc<dyn CacheStrategy> = match settings.strategy {
            StrategyName::GetOnly => Arc::new(GetOnly),
        };
        Self(Arc::new(Rules {
            space: space.into(),
            strategy,
            ttl: settings.ttl,
            freshness: settings.freshness,
            sort_query: settings.sort_query,
            max_object: settings.max_object,
            identity: identity_fields
                .iter()
                .filter_map(|name| HeaderName::try_from(name.as_ref()).ok())
                .collect(),
        }))
    }

    /// The same rules under another strategy, [`crate::UserSpecific`] or one of the program's own.
    ///
    /// The strategy's name joins the space: what one strategy has stored, no other finds.
    #[must_use]
    pub fn with_strategy(self, strategy: Arc<dyn CacheStrategy>) -> Self {
        let mut rules = Arc::unwrap_or_clone(self.0);
        rules.space = format!("{}#{}", rules.space, strategy.name()).into();
        rules.strategy = strategy;
        Self(Arc::new(rules))
    }

    /// The space of the route's keys.
    pub fn space(&self) -> &Arc<str> {
        &self.0.space
    }

    /// What is stored, and under which key.
    pub fn strategy(&self) -> &dyn CacheStrategy {
        &*self.0.strategy
    }

    /// The largest body that is stored, in bytes.
    pub fn max_object(&self) -> u64 {
        self.0.max_object
    }

    /// Whether queries are sorted by name.
    pub fn sort_query(&self) -> bool {
        self.0.sort_query
    }

    /// The fields that name a caller.
    pub fn identity_fields(&self) -> &[HeaderName] {
        &self.0.identity
    }

    /// How freshness is judged.
    pub fn freshness_rules(&self) -> FreshnessRules {
        let strategy = self.strategy();
        FreshnessRules {
            freshness: self.0.freshness,
            ttl: self.0.ttl.unwrap_or_else(|| strategy.default_lifetime()),
            audience: strategy.audience(),
        }
    }
}
