//! Which of several routes comes first, and which routes cannot both be.
//!
//! The order, from what counts most:
//!
//! 1. the host: exact, then wildcards from the longest domain to the shortest, then any;
//! 2. the path, segment by segment from the left: text, then a parameter, then a catch-all;
//! 3. the number of conditions.
//!
//! The first two are the order in which [`Table::find`](crate::Table::find) walks. Routes that agree
//! in both stand in one group, and this module says how they stand there: two with one method, the
//! same number of conditions, and conditions which one request could meet together have no order. It
//! would be the file's order then, which layers of configuration do not keep; so it is an error.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use foldhash::fast::RandomState;
use http::Method;

use crate::condition::Condition;
use crate::host::HostPattern;
use crate::id::RouteId;
use crate::matcher::Matcher;
use crate::method::{self, Shared};
use crate::route::Route;
use crate::template::Template;

/// Two routes that cannot be in one table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("routes \"{first}\" and \"{second}\" {reason}")]
pub struct Conflict {
    /// The one that stands earlier.
    pub first: RouteId,
    /// The one that stands later.
    pub second: RouteId,
    /// Why they cannot both be.
    pub reason: ConflictReason,
}

/// Why two routes cannot both be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConflictReason {
    /// One request could be both's, and neither comes first.
    SamePrecedence {
        /// A method that both take; None for any.
        method: Option<Method>,
        /// A host that both answer for; None for any.
        host: Option<HostPattern>,
        /// The first one's path, which differs from the second one's in names at most.
        path: Template,
    },
    /// Their ids are the same, or differ only in `-` and `_`, which the names of environment
    /// variables cannot tell apart.
    SameName,
}

impl fmt::Display for ConflictReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SameName => f.write_str(
                "have one name (in names, - and _ make no difference): rename one of them",
            ),
            Self::SamePrecedence { method, host, path } => {
                f.write_str("are equally specific: both take ")?;
                match method {
                    Some(method) => write!(f, "{method} {path} on ")?,
                    None => write!(f, "any method of {path} on ")?,
                }
                match host {
                    Some(host) => write!(f, "{host}")?,
                    None => f.write_str("any host")?,
                }
                f.write_str(
                    ", and one request could meet the conditions of both: \
                     give one of them other methods, hosts or one more condition",
                )
            }
        }
    }
}

/// Tells the routes whose ids differ only in `-` and `_`.
pub(crate) fn name_conflicts(routes: &[Route]) -> Vec<Conflict> {
    // All in one text, so that no name needs memory of its own.
    let mut folded =
        String::with_capacity(routes.iter().map(|route| route.id.as_str().len()).sum());
    for route in routes {
        route.id.fold(&mut folded);
    }
    let mut known: HashMap<&str, &RouteId, RandomState> =
        HashMap::with_capacity_and_hasher(routes.len(), RandomState::default());
    let mut conflicts = Vec::new();
    let mut rest = &*folded;
    for route in routes {
        let (name, behind) = rest.split_at(route.id.as_str().len());
        rest = behind;
        match known.entry(name) {
            Entry::Occupied(first) => conflicts.push(Conflict {
                first: (*first.get()).clone(),
                second: route.id.clone(),
                reason: ConflictReason::SameName,
            }),
            Entry::Vacant(place) => drop(place.insert(&route.id)),
        }
    }
    conflicts
}

/// Puts the routes of one host and path into their order: more conditions first, then as given.
pub(crate) fn sort(group: &mut [u32], routes: &[Route]) {
    group.sort_by_key(|&index| {
        let conditions = routes[index as usize].matcher.conditions();
        (std::cmp::Reverse(conditions), index)
    });
}

/// Tells the pairs of a sorted `group` that have no order. `host` is the group's.
pub(crate) fn group_conflicts(
    group: &[u32],
    routes: &[Route],
    host: Option<&HostPattern>,
) -> Vec<Conflict> {
    let mut conflicts = Vec::new();
    for (at, &first) in group.iter().enumerate() {
        let first = &routes[first as usize];
        let equals = group[at + 1..]
            .iter()
            .map(|&second| &routes[second as usize])
            .take_while(|second| second.matcher.conditions() == first.matcher.conditions());
        for second in equals {
            let Some(shared) = meeting(&first.matcher, &second.matcher) else {
                continue;
            };
            conflicts.push(Conflict {
                first: first.id.clone(),
                second: second.id.clone(),
                reason: ConflictReason::SamePrecedence {
                    method: match shared {
                        Shared::Any => None,
                        Shared::One(method) => Some(method),
                    },
                    host: host.cloned(),
                    path: first.matcher.path.clone(),
                },
            });
        }
    }
    conflicts
}

/// The methods with which one request could be both's, host and path being the same.
fn meeting(first: &Matcher, second: &Matcher) -> Option<Shared> {
    let meet = can_meet(&first.headers, &second.headers) && can_meet(&first.query, &second.query);
    meet.then(|| method::shared(&first.methods, &second.methods))
        .flatten()
}

fn can_meet<N: PartialEq>(first: &[(N, Condition)], second: &[(N, Condition)]) -> bool {
    first.iter().all(|(name, condition)| {
        let same = second.iter().filter(|(other, _)| other == name);
        same.map(|(_, other)| other)
            .all(|other| condition.meets_with(other))
    })
}
