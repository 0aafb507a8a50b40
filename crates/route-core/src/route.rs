//! One line of the route table.

use std::any::Any;
use std::fmt::Debug;

use crate::id::RouteId;
use crate::matcher::Matcher;
use crate::policy::Policies;

/// Which requests, and what travels with them.
#[derive(Clone, Debug)]
pub struct Route {
    /// What it is called.
    pub id: RouteId,
    /// Which requests are its own.
    pub matcher: Matcher,
    /// What the layers below find.
    pub policies: Policies,
    /// How careful to be with paths that a next hop may read differently.
    pub guard: Guard,
}

impl Route {
    /// A route without policies, which nothing guards.
    pub fn new(id: RouteId, matcher: Matcher) -> Self {
        Self {
            id,
            matcher,
            policies: Policies::default(),
            guard: Guard::Open,
        }
    }

    /// The route with one more policy.
    pub fn with<P: Any + Send + Sync + Debug>(mut self, policy: P) -> Self {
        self.policies.insert(policy);
        self
    }

    /// The route under `guard`.
    pub fn guarded(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }
}

/// What a path with `%2F`, `%5C` or `;` in it may do, of which a next hop may make another path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// Nobody is kept out, so another reading does no harm, unless it is a guarded route's.
    #[default]
    Open,
    /// Not everybody may come here: refused where another reading finds another route.
    Access,
    /// The path names something itself, a file for instance: always refused.
    Always,
}
