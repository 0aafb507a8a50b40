//! What a route's settings come to.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::cookies::IgnoredCookies;
use crate::freshness::FreshnessRules;
use crate::query::QueryFilter;
use crate::settings::{RouteCacheSettings, StrategyName};
use crate::storing::ResponseRules;
use crate::strategy::{Audience, CacheStrategy, GetOnly};

/// The rules of one route, ready for use; cloning it is cheap.
#[derive(Clone, Debug)]
pub struct CachePolicy(Arc<Rules>);

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the configuration"
)]
struct Rules {
    space: Arc<str>,
    strategy: Arc<dyn CacheStrategy>,
    ttl: Option<Duration>,
    sort_query: bool,
    response: ResponseRules,
    store_authenticated: bool,
    collapse: bool,
    client_directives: bool,
    ignored_cookies: IgnoredCookies,
    query: QueryFilter,
    vary: Vec<HeaderName>,
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
        Self(Arc::new(
            Rules {
                space: space.into(),
                strategy,
                ttl: settings.ttl,
                sort_query: settings.sort_query,
                response: ResponseRules {
                    freshness: FreshnessRules {
                        freshness: settings.freshness,
                        ttl: Duration::ZERO,
                        audience: Audience::Shared,
                    },
                    max_object: settings.max_object,
                    stale_while_revalidate: settings.stale_while_revalidate,
                    stale_if_error: settings.stale_if_error,
                    store_set_cookie: settings.store_set_cookie,
                },
                store_authenticated: settings.store_authenticated,
                collapse: settings.collapse,
                client_directives: settings.client_directives,
                ignored_cookies: IgnoredCookies::compile(&settings.ignore_cookies),
                query: QueryFilter::compile(&settings.query),
                vary: names(&settings.vary),
                identity: names(identity_fields),
            }
            .settled(),
        ))
    }

    /// The same rules under another strategy, [`crate::UserSpecific`] or one of the program's own.
    ///
    /// The strategy's name joins the space: what one strategy has stored, no other finds.
    #[must_use]
    pub fn with_strategy(self, strategy: Arc<dyn CacheStrategy>) -> Self {
        let mut rules = Arc::unwrap_or_clone(self.0);
        rules.space = format!("{}#{}", rules.space, strategy.name()).into();
        rules.strategy = strategy;
        Self(Arc::new(rules.settled()))
    }

    /// The space of the route's keys.
    pub fn space(&self) -> &Arc<str> {
        &self.0.space
    }

    /// What is stored, and under which key.
    pub fn strategy(&self) -> &dyn CacheStrategy {
        &*self.0.strategy
    }

    /// Whether queries are sorted by name.
    pub fn sort_query(&self) -> bool {
        self.0.sort_query
    }

    /// The fields that name a caller.
    pub fn identity_fields(&self) -> &[HeaderName] {
        &self.0.identity
    }

    /// Request fields that are always part of the key.
    pub fn vary(&self) -> &[HeaderName] {
        &self.0.vary
    }

    /// The cookies that say nothing.
    pub(crate) fn ignored_cookies(&self) -> &IgnoredCookies {
        &self.0.ignored_cookies
    }

    /// The query parameters that count.
    pub(crate) fn query(&self) -> &QueryFilter {
        &self.0.query
    }

    /// Whether who asks bears on what may answer.
    pub(crate) fn minds_credentials(&self) -> bool {
        self.strategy().audience() == Audience::Shared && !self.0.store_authenticated
    }

    /// Whether a request's directives count.
    pub(crate) fn obeys_clients(&self) -> bool {
        self.0.client_directives
    }

    /// Whether one request fetches for all.
    pub(crate) fn collapses(&self) -> bool {
        self.0.collapse
    }

    /// How responses are judged.
    pub(crate) fn response_rules(&self) -> &ResponseRules {
        &self.0.response
    }
}

impl Rules {
    /// Takes from the strategy what depends on it.
    fn settled(mut self) -> Self {
        let freshness = &mut self.response.freshness;
        freshness.audience = self.strategy.audience();
        freshness.ttl = self.ttl.unwrap_or_else(|| self.strategy.default_lifetime());
        self
    }
}

fn names(names: &[impl AsRef<str>]) -> Vec<HeaderName> {
    let name = |name: &_| HeaderName::try_from(AsRef::<str>::as_ref(name)).ok();
    names.iter().filter_map(name).collect()
}
