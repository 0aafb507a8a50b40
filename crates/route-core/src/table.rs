//! All routes, ready to be asked.
//!
//! A table is built once and never changes; a program that reloads builds another one and swaps
//! the pointer. A look-up takes the host's tiers one after the other, walks in each of them the
//! [tree](tree) of templates, and at each path that matches the routes in their
//! [order](crate::precedence). It allocates nothing where a route is found, unless that has more than
//! eight parameters, or the walk to it passes more than 16 places to come back to.

mod build;
mod find;
mod grow;
mod hosts;
mod index;
mod leaf;
mod node;
mod shapes;
mod tree;
mod vary;
mod words;

use std::borrow::Cow;
use std::fmt;

use http::HeaderValue;

use crate::matched::Matched;
use crate::normalize::{PathError, normalize};
use crate::precedence::Conflict;
use crate::route::Route;

pub use find::Lookup;

/// How paths are read, for a whole [`Table`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Whether several slashes in a row count as one; true unless set.
    pub merge_slashes: bool,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            merge_slashes: true,
        }
    }
}

/// The route table.
///
/// ```
/// use http::{HeaderMap, Method};
/// use route_core::{Finding, Lookup, Matcher, Route, Table, TableOptions};
///
/// let path = "/products/{id}".parse()?;
/// let route = Route::new("product".parse()?, Matcher::new(path));
/// let table = Table::build(vec![route], &TableOptions::default()).unwrap();
///
/// let headers = HeaderMap::new();
/// let found = table.find(&Lookup::new(&Method::GET, "/products/42", &headers));
/// let Finding::Matched(matched) = found.finding else { unreachable!() };
/// assert_eq!(table.route(matched.route).id.as_str(), "product");
/// assert_eq!(table.captured(&matched, "/products/42", "id"), Some("42"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Table {
    routes: Box<[Route]>,
    options: TableOptions,
    hosts: hosts::Hosts,
    tree: tree::Tree,
    leaves: leaf::Leaves,
    vary: vary::VaryIndex,
    /// Whether some route is guarded, so that second readings matter at all.
    is_guarded: bool,
    /// What `OPTIONS *` is told.
    allow_all: HeaderValue,
}

impl Table {
    /// Builds the table, or tells all pairs of routes that cannot be in one.
    pub fn build(routes: Vec<Route>, options: &TableOptions) -> Result<Self, Vec<Conflict>> {
        build::build(routes, *options)
    }

    /// How many routes there are.
    pub fn len(&self) -> usize {
        self.routes.len()
    }

    /// Whether there is no route, so that every request is refused.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// The routes, as they were given.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The route at `index`, which this table found.
    ///
    /// # Panics
    ///
    /// When the index came from another, longer table.
    pub fn route(&self, index: usize) -> &Route {
        &self.routes[index]
    }

    /// Whether a look-up needs the request's host: some route names one.
    pub fn looks_at_hosts(&self) -> bool {
        self.hosts.are_told_apart()
    }

    /// The normal form of `raw_path`, as this table wants it.
    pub fn normalize<'a>(&self, raw_path: &'a str) -> Result<Cow<'a, str>, PathError> {
        normalize(raw_path, self.options.merge_slashes)
    }

    /// What the parameter `name` stands for in `path`, the normal path that was looked up; still
    /// encoded as it is there.
    pub fn captured<'p>(&self, matched: &Matched, path: &'p str, name: &str) -> Option<&'p str> {
        let mut captures = self.captures(matched, path);
        captures.find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All parameters with what they stand for in `path`, the normal path that was looked up.
    pub fn captures<'t, 'p>(
        &'t self,
        matched: &'t Matched,
        path: &'p str,
    ) -> impl Iterator<Item = (&'t str, &'p str)> {
        let names = self.routes.get(matched.route).into_iter();
        names
            .flat_map(|route| route.matcher.path.params())
            .zip(matched.captures.values(path))
    }
}

impl fmt::Debug for Table {
    /// The routes; how they are indexed follows from them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("options", &self.options)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
