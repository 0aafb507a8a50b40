//! From routes to a table, or to all that speaks against it.

use crate::host::HostPattern;
use crate::method::Allowed;
use crate::precedence::{Conflict, group_conflicts, name_conflicts};
use crate::route::{Guard, Route};

use super::hosts::Hosts;
use super::leaf::Leaves;
use super::tree::TreeBuilder;
use super::vary::VaryIndex;
use super::{Table, TableOptions};

pub(super) fn build(routes: Vec<Route>, options: TableOptions) -> Result<Table, Vec<Conflict>> {
    let hosts = Hosts::new(&routes);
    let mut tree = TreeBuilder::new(hosts.count());
    // By leaf: the routes, and the host that they have in common.
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut patterns: Vec<Option<&HostPattern>> = Vec::new();
    for (index, route) in (0..).zip(&routes) {
        for (tier, pattern) in hosts.tiers_of(route) {
            let leaf = tree.leaf(tier, &route.matcher.path) as usize;
            if leaf == groups.len() {
                groups.push(Vec::new());
                patterns.push(pattern);
            }
            groups[leaf].push(index);
        }
    }
    let leaves = Leaves::new(&mut groups, &routes);
    let conflicts = conflicts(&groups, &patterns, &routes);
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
        tree: tree.finish(),
        hosts,
        leaves,
        options,
        routes: routes.into(),
    })
}

fn conflicts(
    groups: &[Vec<u32>],
    patterns: &[Option<&HostPattern>],
    routes: &[Route],
) -> Vec<Conflict> {
    let mut conflicts = name_conflicts(routes);
    for (group, pattern) in groups.iter().zip(patterns) {
        for conflict in group_conflicts(group, routes, *pattern) {
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
