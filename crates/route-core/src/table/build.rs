//! From routes to a table, or to all that speaks against it.

use std::ops::Range;

use crate::host::HostPattern;
use crate::method::Allowed;
use crate::precedence::{Conflict, group_conflicts, name_conflicts, sort};
use crate::route::{Guard, Route};

use super::grow::grow;
use super::hosts::Hosts;
use super::leaf::Leaves;
use super::shapes::{Shapes, count};
use super::vary::VaryIndex;
use super::{Table, TableOptions};

pub(super) fn build(routes: Vec<Route>, options: TableOptions) -> Result<Table, Vec<Conflict>> {
    let hosts = Hosts::new(&routes);
    let mut shapes = Shapes::with_capacity(routes.len());
    let mut patterns: Vec<Option<&HostPattern>> = vec![None; hosts.count()];
    for (index, route) in (0..).zip(&routes) {
        for (tier, pattern) in hosts.tiers_of(route) {
            patterns[tier as usize] = pattern;
            shapes.push(tier, &route.matcher.path, index);
        }
    }
    shapes.sort();
    let mut order: Vec<u32> = shapes.routes().collect();
    let mut lasts = Vec::with_capacity(order.len());
    let mut shared: Vec<Shared<'_>> = Vec::new();
    let tree = grow(hosts.count(), &shapes, |places| {
        let leaf = count(places.start);
        lasts.push(count(places.end - 1));
        if places.len() > 1 {
            let host = patterns[shapes.tier_at(places.start)];
            let first = order[places.start];
            sort(&mut order[places.clone()], &routes);
            shared.push((first, host, places));
        }
        leaf
    });
    let conflicts = conflicts(shared, &order, &routes);
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    let mut all = Allowed::default();
    for route in &routes {
        all.add(&route.matcher.methods);
    }
    Ok(Table {
        vary: VaryIndex::new(&routes, &hosts),
        is_guarded: routes.iter().any(|route| route.guard != Guard::Open),
        allow_all: all.header(),
        tree,
        hosts,
        leaves: Leaves::new(&order, &lasts, &routes),
        options,
        routes: routes.into(),
    })
}

/// A leaf with several routes: the first of them, the host, and their places in the order.
type Shared<'r> = (u32, Option<&'r HostPattern>, Range<usize>);

/// Tells what speaks against `routes`, in the order in which they were given.
fn conflicts(mut shared: Vec<Shared<'_>>, order: &[u32], routes: &[Route]) -> Vec<Conflict> {
    let mut conflicts = name_conflicts(routes);
    shared.sort_unstable_by_key(|(first, host, _)| (*first, *host));
    for (_, host, places) in shared {
        for conflict in group_conflicts(&order[places], routes, host) {
            // Two routes with several hosts in common are told once.
            let is_pair =
                |known: &Conflict| known.first == conflict.first && known.second == conflict.second;
            if !conflicts.iter().any(is_pair) {
                conflicts.push(conflict);
            }
        }
    }
    conflicts
}
