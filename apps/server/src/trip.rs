//! The one request extension: what is known of a request from its head to its end.
//!
//! The outermost layer makes it ([`crate::entry`]), the route's finding is added once, and layers below
//! write what happened through the plain functions of [`crate::adapters`]. So a request whose client left
//! before there was a response is still told right.
mod kept;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use access_control::ClientAddr;
use http::uri::PathAndQuery;
use http::{Extensions, Method};
use route_core::{Finding, Found, Matched};
use upstream::Endpoint;

use crate::builtin::Builtin;
use crate::ids::Ids;
use crate::listen::head::HeadFault;
use crate::snapshot::{Bundle, Held};

pub use kept::{KeptTarget, Text};

/// A request's way through the stack.
#[derive(Debug)]
pub struct Trip {
    /// The snapshot that the request keeps to its end.
    pub held: Held,
    /// What was seen at the edge.
    pub edge: Edge,
    found: Option<(Found, KeptTarget)>,
    cell: Cell,
}

/// What the edge sees of a request before anything looks it up.
#[derive(Debug)]
pub struct Edge {
    /// The other end of the connection.
    pub peer: Option<IpAddr>,
    /// Whose it is; none where the program that embeds the stack does not say.
    pub client: Option<ClientAddr>,
    /// The method.
    pub method: Method,
    /// `http` or `https`, as the client sees it.
    pub scheme: &'static str,
    /// The host that was asked, as it was written; empty where there is none, as HTTP/1.0 may have it.
    pub host: Text,
    /// What it can be found again by.
    pub ids: Ids,
    /// Whether the client speaks gRPC and cannot read a problem document.
    pub grpc: bool,
    /// Whether it has no content.
    pub empty: bool,
    /// What is wrong with its head.
    pub fault: Option<HeadFault>,
}

/// What layers below tell.
#[derive(Debug, Default)]
struct Cell {
    cache: AtomicU8,
    canary: AtomicU8,
    tries: AtomicU32,
    stands_for: AtomicU16,
    upstream_us: AtomicU32,
    error: OnceLock<&'static str>,
    endpoint: OnceLock<Arc<Endpoint>>,
}

/// Which arm of its route's rollout a request is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// The route has no rollout, or it was not asked yet.
    None,
    /// The route's own upstream.
    Stable,
    /// The rollout's.
    Canary,
}

impl Trip {
    /// A trip that begins now.
    pub fn new(held: Held, edge: Edge) -> Self {
        Self {
            held,
            edge,
            found: None,
            cell: Cell::default(),
        }
    }

    /// The trip of a request.
    pub fn of(extensions: &Extensions) -> Option<&Arc<Self>> {
        extensions.get()
    }

    /// Adds what the route table says to the trip in `extensions`, which nobody shares yet.
    pub fn find(extensions: &mut Extensions, found: Found, target: Option<&PathAndQuery>) {
        let trip: Option<&mut Arc<Self>> = extensions.get_mut();
        if let Some(trip) = trip.and_then(Arc::get_mut) {
            trip.found = Some((found, KeptTarget::of(target)));
        }
    }

    /// What the route table said.
    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref().map(|(found, _)| found)
    }

    /// The target, its path in normal form.
    pub fn target(&self) -> Option<&KeptTarget> {
        self.found.as_ref().map(|(_, target)| target)
    }

    fn matched(&self) -> Option<&Matched> {
        if self.edge.fault.is_some() {
            return None;
        }
        match &self.found()?.finding {
            Finding::Matched(matched) => Some(matched),
            _ => None,
        }
    }

    /// The matched route's id.
    pub fn route_id(&self) -> Option<&str> {
        let table = &self.held.snapshot.table;
        self.matched()
            .map(|matched| table.route(matched.route).id.as_str())
    }

    /// The matched route's policies.
    pub fn bundle(&self) -> Option<&Bundle> {
        let table = &self.held.snapshot.table;
        table.route(self.matched()?.route).policies.get()
    }

    /// Whether its head is sound and has no content, and its route asks nothing of the layers before the cache.
    pub fn is_direct(&self) -> bool {
        let has_vary = self.found().is_some_and(|found| found.vary.is_some());
        !has_vary && self.edge.empty && self.bundle().is_some_and(|bundle| !bundle.needs.layers)
    }

    /// Whether its route asks nothing of any layer but the cache and the target.
    pub fn is_plain(&self) -> bool {
        let needs = self.bundle().map(|bundle| bundle.needs);
        needs.is_some_and(|needs| !needs.flags && !needs.below) && self.is_direct()
    }

    /// A parameter of the path, as it came.
    pub fn captured(&self, name: &str) -> Option<&str> {
        let path = self.target()?.path();
        self.held
            .snapshot
            .table
            .captured(self.matched()?, path, name)
    }

    /// The path after the route's `strip_prefix` or `rewrite`, where it has one.
    pub fn rewritten(&self) -> Option<String> {
        let rewrite = self.bundle()?.rewrite.as_ref()?;
        Some(
            rewrite
                .apply(self.target()?.path(), &self.matched()?.captures)
                .into_owned(),
        )
    }

    /// The built-in endpoint that answers where no route does.
    pub fn builtin(&self) -> Option<Builtin> {
        if self.edge.fault.is_some() || !matches!(&self.found()?.finding, Finding::NotFound) {
            return None;
        }
        let builtin = Builtin::of(self.target()?.path())?;
        self.held.snapshot.on_main(builtin).then_some(builtin)
    }

    /// Puts the request into an arm of its route's rollout.
    pub fn set_arm(&self, arm: Arm) {
        self.cell.canary.store(arm as u8, Relaxed);
    }

    /// The arm of the route's rollout.
    pub fn arm(&self) -> Arm {
        match self.cell.canary.load(Relaxed) {
            1 => Arm::Stable,
            2 => Arm::Canary,
            _ => Arm::None,
        }
    }

    /// What the cache did.
    pub fn cache(&self) -> Option<cache::CacheOutcome> {
        use cache::CacheOutcome::{Bypass, Hit, Miss, Revalidated, Stale};
        let outcome = [Hit, Stale, Revalidated, Miss, Bypass];
        outcome
            .get(usize::from(self.cell.cache.load(Relaxed)).checked_sub(1)?)
            .copied()
    }

    /// Says what the cache did.
    pub fn set_cache(&self, outcome: cache::CacheOutcome) {
        use cache::CacheOutcome::{Bypass, Hit, Miss, Revalidated, Stale};
        let place = match outcome {
            Hit => 1,
            Stale => 2,
            Revalidated => 3,
            Miss => 4,
            Bypass => 5,
        };
        self.cell.cache.store(place, Relaxed);
    }

    /// The word of an error of ours.
    pub fn error(&self) -> Option<&'static str> {
        self.cell.error.get().copied()
    }

    /// Says which error of ours answers; the first word counts.
    pub fn set_error(&self, word: &'static str) {
        let _ = self.cell.error.set(word);
    }

    /// The status that the answer stands for, where its own says something else.
    pub fn stands_for(&self) -> Option<u16> {
        Some(self.cell.stands_for.load(Relaxed)).filter(|status| *status > 0)
    }

    /// Says which status the answer stands for: a gRPC refusal's, or 499 for a client that left.
    pub fn set_stands_for(&self, status: u16) {
        self.cell.stands_for.store(status, Relaxed);
    }

    /// Says how asking the upstream went.
    pub fn set_upstream(&self, endpoint: Option<&Arc<Endpoint>>, tries: u32, took: Duration) {
        if let Some(endpoint) = endpoint {
            let _ = self.cell.endpoint.set(Arc::clone(endpoint));
        }
        self.cell.tries.store(tries, Relaxed);
        let microseconds = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        self.cell.upstream_us.store(microseconds, Relaxed);
    }

    /// The endpoint that was asked.
    pub fn endpoint(&self) -> Option<&str> {
        self.cell.endpoint.get().map(|endpoint| endpoint.address())
    }

    /// How often an upstream was asked.
    pub fn tries(&self) -> u32 {
        self.cell.tries.load(Relaxed)
    }

    /// Until the upstream's head, its refusal, or the client's leaving, in milliseconds.
    pub fn upstream_ms(&self) -> Option<f64> {
        let microseconds = self.cell.upstream_us.load(Relaxed);
        (microseconds > 0).then(|| f64::from(microseconds) / 1_000.0)
    }
}
