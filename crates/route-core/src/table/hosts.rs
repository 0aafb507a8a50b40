//! Which tiers a host has, and in which order.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use smallvec::SmallVec;

use crate::host::{HostPattern, Kind, compared};
use crate::route::Route;

/// The tiers of one request's host: mostly one or two, more only with wildcards inside of wildcards.
pub(super) type Tiers = SmallVec<[u32; 4]>;

/// A tier with the pattern of it; None means any host.
type TierOf<'r> = (u32, Option<&'r HostPattern>);

/// From host patterns to the tiers of the tree. A tier is all routes of one pattern.
#[derive(Default)]
pub(super) struct Hosts {
    exact: HashMap<Box<str>, u32, RandomState>,
    /// By the domain behind the `*.`.
    below: HashMap<Box<str>, u32, RandomState>,
    /// The longest domain in `below`, so that a long host costs few look-ups.
    domain_bytes_max: usize,
    any: Option<u32>,
    count: u32,
}

impl Hosts {
    pub(super) fn new(routes: &[Route]) -> Self {
        let mut hosts = Self::default();
        for route in routes {
            if route.matcher.hosts.is_empty() {
                hosts.add(None);
            }
            for pattern in &route.matcher.hosts {
                hosts.add(Some(pattern));
            }
        }
        hosts
    }

    fn add(&mut self, pattern: Option<&HostPattern>) {
        if self.tier(pattern).is_some() {
            return;
        }
        let tier = self.count;
        self.count += 1;
        match pattern.map(HostPattern::kind) {
            None => self.any = Some(tier),
            Some(Kind::Exact(name)) => drop(self.exact.insert(name.clone(), tier)),
            Some(Kind::Below(domain)) => {
                self.domain_bytes_max = self.domain_bytes_max.max(domain.len());
                self.below.insert(domain.clone(), tier);
            }
        }
    }

    /// How many tiers there are.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// The tier of a route's `pattern`, None meaning any host.
    pub(super) fn tier(&self, pattern: Option<&HostPattern>) -> Option<u32> {
        match pattern.map(HostPattern::kind) {
            None => self.any,
            Some(Kind::Exact(name)) => self.exact.get(name).copied(),
            Some(Kind::Below(domain)) => self.below.get(domain).copied(),
        }
    }

    /// The tiers that `route` stands in, with the pattern of each.
    pub(super) fn tiers_of<'r>(&self, route: &'r Route) -> SmallVec<[TierOf<'r>; 1]> {
        let mut patterns: SmallVec<[_; 1]> = route.matcher.hosts.iter().map(Some).collect();
        // A host may be listed twice.
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.is_empty() {
            patterns.push(None);
        }
        let tiers = patterns.into_iter();
        tiers
            .filter_map(|pattern| Some((self.tier(pattern)?, pattern)))
            .collect()
    }

    /// Whether any route names a host.
    pub(super) fn are_told_apart(&self) -> bool {
        !(self.exact.is_empty() && self.below.is_empty())
    }

    /// The tiers of every request, where no route names a host.
    pub(super) fn any(&self) -> &[u32] {
        self.any.as_slice()
    }

    /// The tiers of a request's `host`, the first in precedence first.
    pub(super) fn tiers(&self, host: Option<&str>) -> Tiers {
        let mut tiers = Tiers::new();
        if let Some(host) = host.and_then(compared) {
            tiers.extend(self.exact.get(&*host).copied());
            let mut rest = &*host;
            while !self.below.is_empty()
                && let Some((_, domain)) = rest.split_once('.')
            {
                if domain.len() <= self.domain_bytes_max {
                    tiers.extend(self.below.get(domain).copied());
                }
                rest = domain;
            }
        }
        if let Some(any) = self.any {
            tiers.push(any);
        }
        tiers
    }
}
