//! What a handler finds in its request when this crate is used alone.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use http::Extensions;
use http::uri::PathAndQuery;

use crate::matched::{Finding, Found, Matched};
use crate::route::Route;
use crate::table::Table;

/// The matched route as a request extension, put there by [`RouteLayer::alone`].
///
/// [`RouteLayer::alone`]: crate::RouteLayer::alone
#[derive(Clone, Debug)]
pub struct MatchedRoute {
    table: Arc<Table>,
    matched: Matched,
    /// Kept, as layers below may change the request's own.
    target: PathAndQuery,
    found: Found,
}

impl MatchedRoute {
    /// The route.
    pub fn route(&self) -> &Route {
        self.table.route(self.matched.route)
    }

    /// What the route's id is.
    pub fn id(&self) -> &str {
        self.route().id.as_str()
    }

    /// What the route's paths look like.
    pub fn template(&self) -> &str {
        self.route().matcher.path.as_str()
    }

    /// What the parameter `name` stands for, encoded as it came.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.table.captured(&self.matched, self.target.path(), name)
    }

    /// All parameters with what they stand for.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.table.captures(&self.matched, self.target.path())
    }

    /// The route's policy of type `P`.
    pub fn policy<P: Any + Send + Sync + Debug>(&self) -> Option<&P> {
        self.route().policies.get()
    }

    /// Whether the request is a CORS preflight for this route.
    pub fn is_preflight(&self) -> bool {
        self.matched.preflight
    }
}

/// What [`RouteLayer::alone`](crate::RouteLayer::alone) tells.
pub(crate) fn keep(
    table: &Arc<Table>,
    found: Found,
    target: Option<&PathAndQuery>,
    extensions: &mut Extensions,
) {
    match (&found.finding, target) {
        (Finding::Matched(matched), Some(target)) => {
            extensions.insert(MatchedRoute {
                table: Arc::clone(table),
                matched: matched.clone(),
                target: target.clone(),
                found,
            });
        }
        _ => drop(extensions.insert(found)),
    }
}

/// What was found for a request, as [`keep`] left it.
pub(crate) fn kept(extensions: &Extensions) -> Option<&Found> {
    let matched = extensions.get::<MatchedRoute>().map(|route| &route.found);
    matched.or_else(|| extensions.get())
}
