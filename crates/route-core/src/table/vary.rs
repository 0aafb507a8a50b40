//! Which fields decide on a host and path.
//!
//! A response depends on a field as soon as some route for its host and path looks at it, whether
//! or not that route was taken. The routes with conditions on fields stand in a tree of their own: in
//! a table without any, asking costs one comparison, and with some a walk that mostly ends at once.

use http::{HeaderName, HeaderValue};

use crate::matched::Captures;
use crate::route::Route;

use super::grow::grow;
use super::hosts::Hosts;
use super::shapes::{Shapes, count};
use super::tree::Tree;

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
        let looks = |route: &Route| !route.matcher.headers.is_empty();
        let mut shapes = Shapes::with_capacity(0);
        for (index, route) in (0..).zip(routes).filter(|(_, route)| looks(route)) {
            for (tier, _) in hosts.tiers_of(route) {
                shapes.push(tier, &route.matcher.path, index);
            }
        }
        shapes.sort();
        let order: Vec<u32> = shapes.routes().collect();
        let mut leaves: Vec<Fields> = Vec::new();
        let tree = grow(hosts.count(), &shapes, |places| {
            let mut names = Vec::new();
            for &route in &order[places] {
                let headers = &routes[route as usize].matcher.headers;
                add(&mut names, headers.iter().map(|(name, _)| name));
            }
            leaves.push(Fields {
                value: value(&names),
                names,
            });
            count(leaves.len() - 1)
        });
        Self {
            leaves: leaves.into(),
            tree,
        }
    }

    /// The value of `Vary` for a path on a host with these `tiers`.
    #[inline]
    pub(super) fn of(&self, tiers: &[u32], path: &str) -> Option<HeaderValue> {
        if self.leaves.is_empty() {
            return None;
        }
        self.walked(tiers, path)
    }

    #[inline(never)]
    fn walked(&self, tiers: &[u32], path: &str) -> Option<HeaderValue> {
        let mut met: Vec<&Fields> = Vec::new();
        for &tier in tiers {
            let mut captures = Captures::default();
            self.tree.visit(tier, path, &mut captures, |leaf| {
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
