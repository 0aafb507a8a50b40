//! The routes of one host and one path, in their order.

use crate::condition::{headers_meet, query_meets};
use crate::method::{self, ANY, Allowed, OPTIONS};
use crate::route::Route;

use super::find::{Ask, Lookup};

/// The routes of each leaf of the tree. A leaf is known by where its first route stands here.
#[derive(Default)]
pub(super) struct Leaves(Box<[Candidate]>);

/// What has to be read of a route to pass it over.
#[derive(Clone, Copy)]
struct Candidate {
    route: u32,
    methods: u16,
    is_conditional: bool,
    /// No other of its leaf follows.
    is_last: bool,
}

/// A route that takes the request.
pub(super) struct Taken {
    pub(super) route: usize,
    pub(super) preflight: bool,
}

impl Leaves {
    /// Makes the leaves of all `order`ed routes, of which `lasts` are the last ones of their leaves, in
    /// rising order.
    pub(super) fn new(order: &[u32], lasts: &[u32], routes: &[Route]) -> Self {
        let mut candidates: Box<[Candidate]> = order
            .iter()
            .map(|&route| {
                let matcher = &routes[route as usize].matcher;
                Candidate {
                    route,
                    methods: method::bits(&matcher.methods),
                    is_conditional: matcher.conditions() > 0,
                    is_last: false,
                }
            })
            .collect();
        for &last in lasts {
            candidates[last as usize].is_last = true;
        }
        Self(candidates)
    }

    #[inline]
    fn of(&self, leaf: u32) -> Group<'_> {
        Group(self.0.get(leaf as usize..).unwrap_or_default())
    }

    /// The first route of `leaf` that takes the request.
    #[inline]
    pub(super) fn take(
        &self,
        leaf: u32,
        routes: &[Route],
        request: &Lookup<'_>,
        ask: Ask<'_>,
    ) -> Option<Taken> {
        match ask {
            Ask::For { method, bit } => {
                for candidate in self.of(leaf) {
                    if candidate.takes(routes, method, bit)
                        && candidate.meets(routes, request, false)
                    {
                        return Some(candidate.taken(false));
                    }
                }
                None
            }
            Ask::Preflight { method, bit } => {
                self.take_preflight(leaf, routes, request, method, bit)
            }
            Ask::Nothing => None,
        }
    }

    /// The first route of `leaf` that lists `OPTIONS`, else the first that takes the `method` which the
    /// preflight asks for.
    #[inline(never)]
    fn take_preflight(
        &self,
        leaf: u32,
        routes: &[Route],
        request: &Lookup<'_>,
        method: &http::Method,
        bit: u16,
    ) -> Option<Taken> {
        let of = self.of(leaf);
        let mut met = of.filter(|candidate| candidate.meets(routes, request, true));
        let lists = |candidate: &Candidate| candidate.methods & (OPTIONS | ANY) == OPTIONS;
        if let Some(candidate) = met.clone().find(lists) {
            return Some(candidate.taken(candidate.takes(routes, method, bit)));
        }
        met.find(|candidate| candidate.takes(routes, method, bit))
            .map(|candidate| candidate.taken(true))
    }

    /// Adds what the routes of `leaf` take to `allowed`, and returns whether one takes the method, its
    /// conditions aside.
    pub(super) fn allow(
        &self,
        leaf: u32,
        routes: &[Route],
        ask: Ask<'_>,
        allowed: &mut Allowed,
    ) -> bool {
        let mut is_taken = false;
        for candidate in self.of(leaf) {
            allowed.add(&routes[candidate.route as usize].matcher.methods);
            is_taken |= match ask {
                Ask::For { method, bit } | Ask::Preflight { method, bit } => {
                    candidate.takes(routes, method, bit)
                }
                Ask::Nothing => false,
            };
        }
        is_taken
    }
}

/// What is left of one leaf's routes, and others behind them.
#[derive(Clone)]
struct Group<'a>(&'a [Candidate]);

impl Iterator for Group<'_> {
    type Item = Candidate;

    #[inline]
    fn next(&mut self) -> Option<Candidate> {
        let (first, rest) = self.0.split_first()?;
        self.0 = if first.is_last { &[] } else { rest };
        Some(*first)
    }
}

impl Candidate {
    #[inline]
    fn takes(self, routes: &[Route], method: &http::Method, bit: u16) -> bool {
        // Most are told by their bits, without a look at the route.
        method::takes(self.methods, bit, method, || {
            &routes[self.route as usize].matcher.methods
        })
    }

    #[inline]
    fn meets(self, routes: &[Route], request: &Lookup<'_>, is_preflight: bool) -> bool {
        !self.is_conditional || self.meets_conditions(routes, request, is_preflight)
    }

    #[inline(never)]
    fn meets_conditions(self, routes: &[Route], request: &Lookup<'_>, is_preflight: bool) -> bool {
        let matcher = &routes[self.route as usize].matcher;
        headers_meet(&matcher.headers, request.headers, is_preflight)
            && query_meets(&matcher.query, request.query)
    }

    fn taken(self, preflight: bool) -> Taken {
        Taken {
            route: self.route as usize,
            preflight,
        }
    }
}
