//! What each layer asks for, answered from the one request extension.
//!
//! Plain functions: they coerce to the `fn` pointers of the layers. This is the only place that knows both
//! what a layer of one crate asks and where another crate's answer lies.
mod monitoring;
mod operations;

use std::sync::Arc;

use access_control::CorsPolicy;
use cache::{CacheHooks, CacheOutcome, Seen};
use config_flags::Context;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderValue};
use route_core::Found;
use upstream::{Client, ForwardPolicy, Told};

use crate::clock;
use crate::compress::Codings;
use crate::edits::Edits;
use crate::flag_gate::Gate;
use crate::limits::LimitsPolicy;
use crate::snapshot::{Bundle, Held};
use crate::target::{Redirect, Target};
use crate::trip::{Arm, Trip};
use crate::with_parameters::WithParameters;

pub use monitoring::subject;
pub use operations::Operations;

fn trip(extensions: &Extensions) -> Option<&Arc<Trip>> {
    Trip::of(extensions)
}

fn bundle(extensions: &Extensions) -> Option<&Bundle> {
    trip(extensions)?.bundle()
}

/// Keeps the finding with its request.
pub fn found(_: &Held, found: Found, target: Option<&PathAndQuery>, extensions: &mut Extensions) {
    Trip::find(extensions, found, target);
}

/// What the route table said.
pub fn finding(extensions: &Extensions) -> Option<&Found> {
    trip(extensions)?.found()
}

/// For [`crate::ways::Ways`]: whether no layer before the cache has anything to say, but for flags.
pub fn is_direct(extensions: &Extensions) -> bool {
    trip(extensions).is_some_and(|trip| trip.is_direct())
}

/// For [`crate::ways::Ways`]: whether no layer at all has anything to say, but for the cache.
pub fn is_plain(extensions: &Extensions) -> bool {
    trip(extensions).is_some_and(|trip| trip.is_plain())
}

/// The route's CORS policy.
pub fn cors(extensions: &Extensions) -> Option<&CorsPolicy> {
    bundle(extensions)?.cors.as_ref()
}

/// The methods that a preflight may be told; none where the route takes any.
pub fn allowed_methods(extensions: &Extensions) -> Option<HeaderValue> {
    bundle(extensions)?.methods.clone()
}

/// The route's limits.
pub fn limits(extensions: &Extensions) -> Option<LimitsPolicy> {
    bundle(extensions).map(|bundle| bundle.limits)
}

/// Asks the route's flags, and puts the request into an arm of its rollout.
pub fn flags(extensions: &Extensions, fields: &HeaderMap) -> Option<Gate> {
    let trip = trip(extensions)?;
    let bundle = trip.bundle()?;
    if !bundle.needs.flags {
        return None;
    }
    let snapshot = &trip.held.snapshot;
    let key = snapshot.sticky.key(fields);
    let context = Context::new(snapshot.stage.as_str()).with_sticky(key);
    let mut gate = Gate::default();
    let mut looked_at = false;
    if let Some(flag) = bundle.flag {
        let evaluation = snapshot.flags.evaluate(flag, &context);
        looked_at |= evaluation.basis.sticky;
        gate.closed = !evaluation.on;
    }
    if let (Some(canary), false) = (&bundle.canary, gate.closed) {
        let evaluation = snapshot.flags.evaluate(canary.flag, &context);
        looked_at |= evaluation.basis.sticky;
        trip.set_arm(if evaluation.on {
            Arm::Canary
        } else {
            Arm::Stable
        });
    }
    if looked_at {
        gate.vary = snapshot
            .sticky
            .field()
            .map(|field| HeaderValue::from(field.clone()));
    }
    Some(gate)
}

/// The route's edits of requests.
pub fn request_edits(extensions: &Extensions) -> Option<&Arc<Edits>> {
    bundle(extensions)?.request_edits.as_ref()
}

/// The route's edits of responses.
pub fn response_edits(extensions: &Extensions) -> Option<&Arc<Edits>> {
    bundle(extensions)?.response_edits.as_ref()
}

/// In which codings the route's answers leave.
pub fn codings(extensions: &Extensions) -> Option<Codings> {
    bundle(extensions)?.compress
}

/// What the cache asks of the program.
pub fn cache_hooks() -> CacheHooks {
    CacheHooks {
        clock: clock::now,
        wall: clock::wall,
        seen: caching,
        tell: cached,
        is_refusal: crate::problem::is_refusal,
        tags: |extensions| labels(extensions, |bundle| &bundle.tags),
        invalidates: |extensions| labels(extensions, |bundle| &bundle.invalidates),
        variant: |_, _| (),
    }
}

/// Labels of the route with the parameters of the request's path.
fn labels(extensions: &Extensions, of: fn(&Bundle) -> &Vec<WithParameters>) -> Vec<String> {
    let Some(trip) = trip(extensions) else {
        return Vec::new();
    };
    let labels = trip.bundle().map(of).into_iter().flatten();
    labels
        .filter_map(|label| label.fill(|name| trip.captured(name)))
        .collect()
}

fn caching(extensions: &Extensions) -> Seen<'_> {
    let Some(trip) = trip(extensions) else {
        return Seen::default();
    };
    let bundle = trip.bundle();
    let canary = bundle.and_then(|bundle| bundle.canary.as_ref());
    let policy = match canary {
        Some(canary) if trip.arm() == Arm::Canary => canary.cache.as_ref(),
        _ => bundle.and_then(|bundle| bundle.cache.as_ref()),
    };
    Seen {
        policy,
        scheme: trip.edge.scheme,
        host: Some(trip.edge.host.as_str()).filter(|host| !host.is_empty()),
        user: None,
        show_key: trip.held.snapshot.features.details,
    }
}

fn cached(extensions: &Extensions, outcome: CacheOutcome) {
    if let Some(trip) = trip(extensions) {
        trip.set_cache(outcome);
    }
}

/// The path that the target sees.
pub fn rewrite(extensions: &Extensions) -> Option<String> {
    trip(extensions)?.rewritten()
}

/// The route's target.
pub fn target(extensions: &Extensions) -> Option<&Target> {
    bundle(extensions).map(|bundle| &bundle.target)
}

/// Where the route's redirect sends this request.
pub fn redirect(redirect: &Redirect, extensions: &Extensions) -> Option<HeaderValue> {
    let trip = trip(extensions)?;
    redirect.to(|name| trip.captured(name), trip.target()?.query())
}

/// How the upstream of the request's arm is asked.
pub fn forward(extensions: &Extensions) -> Option<&ForwardPolicy> {
    let trip = trip(extensions)?;
    let bundle = trip.bundle()?;
    match (trip.arm(), &bundle.canary) {
        (Arm::Canary, Some(canary)) => Some(&canary.forward),
        _ => bundle.forward.as_ref(),
    }
}

/// What an upstream is told of the client.
pub fn client(extensions: &Extensions) -> Option<Client<'_>> {
    let edge = &trip(extensions)?.edge;
    let client = edge.client.as_ref();
    let (request_id, traceparent) = edge.ids.for_upstream();
    Some(Client {
        // Nobody known: nothing is told, and nothing that came is believed.
        peer: edge.peer?,
        proto: edge.scheme,
        host: Some(edge.host.as_bytes()).filter(|host| !host.is_empty()),
        request_id: Some(request_id),
        traceparent: Some(traceparent),
        keep_forwarded: client.is_some_and(|client| client.trusted_peer),
    })
}

/// Keeps what the upstream's side told.
pub fn told_upstream(extensions: &Extensions, told: &Told<'_>) {
    if let Some(trip) = trip(extensions) {
        trip.set_upstream(told.endpoint, told.tries, told.took);
        if let Some(word) = told.error {
            trip.set_error(word);
        }
    }
}
