//! Which route a request is for.
//!
//! - A template whose routes refuse the method or the conditions is left for the next one, down to the
//!   routes for any host.
//! - 405 where templates match the path and none of their routes takes the method; 404 where one
//!   would, but for its conditions.
//! - `TRACE` and `CONNECT` are 405 always, `OPTIONS` that nobody takes is 204, both with `Allow`.
//! - A CORS preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) looks for the
//!   route of the request that it asks for, so that it is judged by that route's settings and not by
//!   those of some catch-all that takes any method. A route that lists `OPTIONS` comes before others
//!   of the same host and path, as somebody meant it to answer. [`Matched::preflight`] is set where the
//!   route also takes the request that is asked for: where it is not, the request is an `OPTIONS` like any
//!   other.

use http::header::{ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, MAX_FORWARDS, ORIGIN};
use http::{HeaderValue, Method};

use crate::matched::{Captures, Finding, Found, Matched};
use crate::method::{self, Allowed};
use crate::normalize::{PATH_BYTES_MAX, PathError};
use crate::readings::{has_readings, readings};
use crate::route::Guard;

use super::Table;

/// What of a request decides on its route.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its host, maybe with a port; None in HTTP/1.0, which then meets routes for any host only.
    pub host: Option<&'a str>,
    /// Its path in [normal form](crate::normalize), or `*`.
    pub path: &'a str,
    /// What follows the `?`.
    pub query: Option<&'a str>,
    /// Its fields.
    pub headers: &'a HeaderMap,
    /// Whether the target is absolute, so that its host is asked for on purpose (421, not 404, where
    /// there is none).
    pub absolute: bool,
}

impl<'a> Lookup<'a> {
    /// A look-up without host and query.
    pub fn new(method: &'a Method, path: &'a str, headers: &'a HeaderMap) -> Self {
        Self {
            method,
            host: None,
            path,
            query: None,
            headers,
            absolute: false,
        }
    }
}

/// What a route has to take.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    For {
        method: &'a Method,
        bit: u16,
    },
    /// The method that the preflight asks for.
    Preflight {
        method: &'a Method,
        bit: u16,
    },
    /// The request is no route's, whatever they take.
    Nothing,
}

/// The method that a preflight asks for; None where it is none, or asks for what no route can take.
fn asked_by_preflight(headers: &HeaderMap) -> Option<Method> {
    if !headers.contains_key(ORIGIN) {
        return None;
    }
    let asked = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
    let asked = Method::from_bytes(asked.as_bytes()).ok()?;
    (!method::is_refused(&asked)).then_some(asked)
}

impl Table {
    /// Finds the route of `request`. The time is bounded by the table, not by the path: at most each
    /// node of the tree is met once for each of the host's tiers.
    pub fn find(&self, request: &Lookup<'_>) -> Found {
        let bare = |finding| Found {
            finding,
            vary: None,
        };
        if !request.path.starts_with('/') {
            return bare(self.without_path(request));
        }
        if request.path.len() > PATH_BYTES_MAX {
            return bare(Finding::BadPath(PathError::TooLong));
        }
        if self.hosts.are_told_apart() {
            self.find_on_host(request)
        } else {
            self.find_in(self.hosts.any(), request)
        }
    }

    #[inline(never)]
    fn find_on_host(&self, request: &Lookup<'_>) -> Found {
        self.find_in(&self.hosts.tiers(request.host), request)
    }

    #[inline]
    fn find_in(&self, tiers: &[u32], request: &Lookup<'_>) -> Found {
        if tiers.is_empty() && request.absolute && !method::is_refused(request.method) {
            return Found {
                finding: Finding::Misdirected,
                vary: None,
            };
        }
        let (method, bit) = (request.method, method::bit(request.method));
        if bit & (method::OPTIONS | method::OTHER) == 0 {
            return self.find_for(tiers, request, Ask::For { method, bit });
        }
        self.find_unusual(tiers, request, bit)
    }

    /// The same for `OPTIONS` and for methods that are not known by a bit.
    #[inline(never)]
    fn find_unusual(&self, tiers: &[u32], request: &Lookup<'_>, bit: u16) -> Found {
        let method = request.method;
        let is_last_hop = || {
            let hops = request.headers.get(MAX_FORWARDS);
            hops.is_some_and(|hops| hops == "0")
        };
        let asked;
        let ask = if method::is_refused(method) {
            Ask::Nothing
        } else if *method != Method::OPTIONS {
            Ask::For { method, bit }
        } else if is_last_hop() {
            Ask::Nothing
        } else {
            asked = asked_by_preflight(request.headers);
            match &asked {
                Some(method) => Ask::Preflight {
                    method,
                    bit: method::bit(method),
                },
                None => Ask::For { method, bit },
            }
        };
        self.find_for(tiers, request, ask)
    }

    fn find_for(&self, tiers: &[u32], request: &Lookup<'_>, ask: Ask<'_>) -> Found {
        let finding = match self.matched(tiers, request, ask) {
            Some(matched) if self.is_guarded && has_readings(request.path) => {
                match self.read_otherwise(tiers, request, ask, matched.route) {
                    Some(ambiguous) => ambiguous,
                    None => Finding::Matched(matched),
                }
            }
            Some(matched) => Finding::Matched(matched),
            None => self.unmatched(tiers, request, ask),
        };
        Found {
            finding,
            vary: self.vary.of(tiers, request.path),
        }
    }

    /// `OPTIONS *` asks about the server (RFC 9110 §9.3.7); `CONNECT` has no path.
    #[inline(never)]
    fn without_path(&self, request: &Lookup<'_>) -> Finding {
        if method::is_refused(request.method) {
            let allow = HeaderValue::from_static("");
            return Finding::MethodNotAllowed { allow };
        }
        if *request.method == Method::OPTIONS && request.path == "*" {
            let allow = self.allow_all.clone();
            return Finding::Options { allow };
        }
        Finding::BadPath(PathError::NotAbsolute)
    }

    #[inline]
    fn matched(&self, tiers: &[u32], request: &Lookup<'_>, ask: Ask<'_>) -> Option<Matched> {
        for &tier in tiers {
            let mut captures = Captures::default();
            let take = |leaf| self.leaves.take(leaf, &self.routes, request, ask);
            if let Some(taken) = self.tree.visit(tier, request.path, &mut captures, take) {
                return Some(Matched {
                    route: taken.route,
                    captures,
                    preflight: taken.preflight,
                });
            }
        }
        None
    }

    /// Refuses a match where the path could lead a next hop past the guard of this or another route.
    #[inline(never)]
    fn read_otherwise(
        &self,
        tiers: &[u32],
        request: &Lookup<'_>,
        ask: Ask<'_>,
        route: usize,
    ) -> Option<Finding> {
        let guard = self.routes[route].guard;
        if guard == Guard::Always {
            return Some(Finding::Ambiguous { route, other: None });
        }
        readings(request.path).iter().find_map(|path| {
            let read = Lookup { path, ..*request };
            let other = self.matched(tiers, &read, ask)?.route;
            let is_guarded = guard.max(self.routes[other].guard) != Guard::Open;
            (other != route && is_guarded).then_some(Finding::Ambiguous {
                route,
                other: Some(other),
            })
        })
    }

    #[inline(never)]
    fn unmatched(&self, tiers: &[u32], request: &Lookup<'_>, ask: Ask<'_>) -> Finding {
        let mut allowed = Allowed::default();
        let (mut is_known, mut is_taken) = (false, false);
        for &tier in tiers {
            let mut captures = Captures::default();
            self.tree.visit(tier, request.path, &mut captures, |leaf| {
                is_known = true;
                is_taken |= self.leaves.allow(leaf, &self.routes, ask, &mut allowed);
                None::<()>
            });
        }
        let allow = || allowed.header();
        if method::is_refused(request.method) {
            Finding::MethodNotAllowed { allow: allow() }
        } else if !is_known {
            Finding::NotFound
        } else if *request.method == Method::OPTIONS {
            Finding::Options { allow: allow() }
        } else if is_taken {
            Finding::NotFound
        } else {
            Finding::MethodNotAllowed { allow: allow() }
        }
    }
}
