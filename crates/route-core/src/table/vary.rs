//! Which fields decide on a host and path.
//!
//! A response depends on a field as soon as some route for its host and path looks at it, whether
//! or not that route was taken. The routes with conditions on fields stand in a tree of their own: in
//! a table without any, asking costs one comparison, and with some a walk that mostly ends at once.

use http::{HeaderName, HeaderValue};

use crate::route::Route;

use super::hosts::Hosts;
use super::tree::{Tree, TreeBuilder};

pub(super) struct VaryIndex {
    tree: Tree,
    leaves: Box<[Fields]>,
}

/// The fields of one leaf.
#[derive(Clone)]
struct Fields {
    names: Vec<HeaderName>,
    value: HeaderValue,
}

impl VaryIndex {
    pub(super) fn new(routes: &[Route], hosts: &Hosts) -> Self {
        let mut tree = TreeBuilder::new(hosts.count());
        let mut leaves: Vec<Vec<HeaderName>> = Vec::new();
        for route in routes
            .iter()
            .filter(|route| !route.matcher.headers.is_empty())
        {
            for (tier, _) in hosts.tiers_of(route) {
                let leaf = tree.leaf(tier, &route.matcher.path) as usize;
                if leaf == leaves.len() {
                    leaves.push(Vec::new());
                }
                add(
                    &mut leaves[leaf],
                    route.matcher.headers.iter().map(|(name, _)| name),
                );
            }
        }
        let leaves = leaves.into_iter().map(|names| Fields {
            value: value(&names),
            names,
        });
        Self {
            leaves: leaves.collect(),
            tree: tree.finish(),
        }
    }

    /// The value of `Vary` for a path on a host with these `tiers`.
    #[inline]
    pub(super) fn of(&self, tiers: &[u32], path: &str) -> Option<HeaderValue> {
        if self.leaves.is_empty() {
            return None;
        }
        let mut met: Vec<&Fields> = Vec::new();
        for &tier in tiers {
            self.tree.visit(tier, path, |leaf, _| {
                met.push(&self.leaves[leaf as usize]);
                None::<()>
            });
        }
        match &*met {
            [] => None,
            [only] => Some(only.value.clone()),
            [first, others @ ..] => {
                let mut names = first.names.clone();
                add(&mut names, others.iter().flat_map(|fields| &fields.names));
                Some(value(&names))
            }
        }
    }
}

fn add<'a>(names: &mut Vec<HeaderName>, more: impl Iterator<Item = &'a HeaderName>) {
    for name in more {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
}

fn value(names: &[HeaderName]) -> HeaderValue {
    let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
    // Names and commas are a value always; `*` would be right, only useless.
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("*"))
}
