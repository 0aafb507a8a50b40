//! Which requests a route is for.

use http::{HeaderName, Method};

use crate::condition::Condition;
use crate::host::HostPattern;
use crate::template::Template;

/// All that a request must have to be a route's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matcher {
    /// What its path looks like.
    pub path: Template,
    /// The methods that the route takes, `GET` also answering `HEAD`; empty for any.
    pub methods: Vec<Method>,
    /// The hosts that the route answers for; empty for any.
    pub hosts: Vec<HostPattern>,
    /// Fields that must be there. Of the routes for one path and method, the one with more
    /// conditions wins.
    pub headers: Vec<(HeaderName, Condition)>,
    /// Query parameters that must be there, by their decoded name.
    pub query: Vec<(String, Condition)>,
}

impl Matcher {
    /// Matches `path` with any method on any host.
    pub fn new(path: Template) -> Self {
        Self {
            path,
            methods: Vec::new(),
            hosts: Vec::new(),
            headers: Vec::new(),
            query: Vec::new(),
        }
    }

    /// How many conditions a request has to meet.
    pub(crate) fn conditions(&self) -> usize {
        self.headers.len() + self.query.len()
    }
}
