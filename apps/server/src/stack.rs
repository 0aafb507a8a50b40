//! The layers in the order in which a request meets them.
//!
//! Layers hold plain `fn` pointers ([`crate::adapters`]) rather than closures: the whole stack has a name
//! ([`Named`]), so that `Send`, `Sync` and `Clone` of the innermost service shine through, and no layer can
//! reach past its request.
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use access_control::{Cors, CorsLayer};
use bytes::Bytes;
use cache::{Cache, CacheBody, CacheLayer, CacheRequestBody};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Empty;
use perf_monitor::{Observe, ObserveLayer, ObservedBody, ObservedRequest};
use route_core::{Refuse, RefuseLayer, RouteLayer, Routed};
use tower::{Layer, Service, ServiceBuilder};
use upstream::Forward;

use crate::builtin::{BuiltinLayer, Builtins};
use crate::compress::{Compress, CompressBody, CompressLayer, Uncoded};
use crate::edits::{EditRequest, EditRequestLayer, EditResponse, EditResponseLayer};
use crate::entry::{Entry, EntryLayer};
use crate::fault::{FaultLayer, Faults};
use crate::flag_gate::{FlagGate, FlagLayer};
use crate::guard::{Guard, GuardLayer};
use crate::limits::{LimitedBody, Limits, LimitsLayer};
use crate::listen::{BoxError, RequestBody};
use crate::problem::{Problem, ProblemLayer};
use crate::seam::Seam;
use crate::snapshot::Held;
use crate::spawn::Background;
use crate::target::{RewriteLayer, Rewritten, TargetBody, Targets};
use crate::ways::{Past, Ways};
use crate::whole::WholeOr;
use crate::{adapters, clock};

/// A request's body below the limits and the cache, which hands on the content that it has read.
pub type StackRequest<A> = CacheRequestBody<LimitedBody<ObservedRequest<A>>>;

/// An answer's body, outermost wrapper first: only layers that keep something until the end of a body, or
/// bring a body of their own, wrap it.
pub type StackBody<A, B> =
    ObservedBody<WholeOr<WholeOr<CacheBody<CompressBody<TargetBody<StackRequest<A>, B>>>>>>;

/// The whole stack around `T`, the service that answers routes whose target is the program's own.
pub type Named<T, E = Background> =
    Entry<Routed<Observe<Problem<Ways<Longer<Below<T, E>>, Plain<T, E>>>>, Held>>;

/// The longer ways: all layers, or flags alone before the cache.
type Longer<S> = Ways<Gated<S>, Past<Guard<FlagGate<S>>>>;

/// The cache and the target, and what catches panics.
type Plain<T, E> = Past<Guard<Cache<Seam<Uncoded<Targets<T>>>, E>>>;

/// What may refuse a request, answer it early, or edit it.
type Gated<S> = Faults<Builtins<Refuse<Cors<Guard<Limits<FlagGate<EditRequest<S>>>>>>>>;

/// From the cache down.
type Below<T, E> = Cache<Seam<Compress<EditResponse<Rewritten<Targets<T>>>>>, E>;

/// Composes one worker's copy of the stack.
///
/// All that can fail was done for the snapshot; this costs a few counters, and happens once for each worker
/// and snapshot.
pub fn compose<T: Clone>(held: &Held, own: T) -> Named<T> {
    compose_with(held, own, Background)
}

/// As [`compose`], with the executor that fills of the cache run on.
pub fn compose_with<T: Clone, E: Clone>(held: &Held, own: T, background: E) -> Named<T, E> {
    let registries = &held.snapshot.registries;
    let pools = registries.pools(held.worker);
    let forward = Forward::new(
        pools,
        adapters::forward,
        adapters::client,
        adapters::told_upstream,
    )
    .with_clock(clock::now);
    let cache_layer = CacheLayer::new(registries.store.clone(), adapters::cache_hooks())
        .fill_memory(registries.fills.clone())
        .collapsing(registries.collapsing.clone())
        .executor(background);
    // Retries, balancing and the exchange are the upstream's own.
    let targets = Targets::new(adapters::target, adapters::redirect, forward, own);
    let plain = Past(GuardLayer.layer(cache_layer.layer(Seam(Uncoded(targets.clone())))));
    let below = ServiceBuilder::new()
        // A hit needs nothing of what follows.
        .layer(cache_layer)
        // What waits is boxed here, so that the room which hyper keeps for a future stays small.
        .layer_fn(Seam)
        // Below the cache: a stored response is compressed once a coding.
        .layer(CompressLayer {
            codings: adapters::codings,
            places: registries.compressions.clone(),
        })
        // Below the cache: a stored response has its edits once.
        .layer(EditResponseLayer {
            edits: adapters::response_edits,
        })
        // Below the cache too, whose keys are in the client's terms.
        .layer(RewriteLayer {
            rewrite: adapters::rewrite,
        })
        .service(targets);
    let gated = ServiceBuilder::new()
        // Refuses what two parsers could read differently, before anything reads it.
        .layer(FaultLayer)
        // Probes and metrics, where no route took their path.
        .layer(BuiltinLayer::new(registries.renderer.clone()))
        // Below here a request has a route.
        .layer(RefuseLayer::new(adapters::finding))
        // Outside of the limits: a page may read a refusal, and a preflight costs nothing.
        .layer(CorsLayer::new(adapters::cors, adapters::allowed_methods))
        // Inside of what must stand whatever happens, outside of all that runs longer code.
        .layer(GuardLayer)
        // A body over its limit is told here, whoever reads it below.
        .layer(LimitsLayer {
            policy: adapters::limits,
        })
        // Before the cache: an arm of a rollout has stored responses of its own.
        .layer(FlagLayer {
            decide: adapters::flags,
        })
        // Above the cache, which judges a request as the upstream will see it.
        .layer(EditRequestLayer {
            edits: adapters::request_edits,
        })
        .service(below.clone());
    let flags = FlagLayer {
        decide: adapters::flags,
    };
    let direct = Past(GuardLayer.layer(flags.layer(below)));
    ServiceBuilder::new()
        // First of all: the id, the client, and what may not be believed.
        .layer(EntryLayer::new(held.clone()))
        // Every layer below finds its policy, and its way to tell, by the finding.
        .layer(RouteLayer::new(held.clone(), adapters::found))
        // Below the route, for its label; above all that refuses, for it counts refusals too. The end it
        // reads itself: a hit is over before anything else would.
        .layer(
            ObserveLayer::new(
                registries.shard(held.worker),
                clock::refresh,
                adapters::subject,
            )
            .begun(clock::now),
        )
        // Gives a document to whatever is refused from here on.
        .layer(ProblemLayer)
        // Past what has nothing to say on the route.
        .service(Ways {
            long: Ways {
                long: gated,
                short: direct,
                is_short: adapters::is_direct,
            },
            short: plain,
            is_short: adapters::is_plain,
        })
}

/// A service that answers the routes of the program's own.
pub trait Own:
    Service<
        Request<StackRequest<RequestBody>>,
        Response = Response<<Self as Own>::Body>,
        Error = Infallible,
        Future: 'static,
    > + Clone
    + 'static
{
    /// The body of its answers.
    type Body: Body<Data = Bytes, Error: Into<BoxError>> + 'static;
}

impl<T, B> Own for T
where
    T: Service<
            Request<StackRequest<RequestBody>>,
            Response = Response<B>,
            Error = Infallible,
            Future: 'static,
        > + Clone
        + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + 'static,
{
    type Body = B;
}

/// What answers [`crate::target::Target::Own`] in the server itself, where no configuration can name it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl<R> Service<R> for Nobody {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: R) -> Self::Future {
        let mut response = Response::new(Empty::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok(response))
    }
}
