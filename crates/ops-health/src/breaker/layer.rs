//! A breaker before a tower service.

mod body;
mod call;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Extensions, Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

pub use self::body::BreakerBody;
use self::call::Call;
use super::Breaker;
use super::judge::{Judgement, ResponseHead};
use super::refusal::BreakerRefusal;
use super::state::CallOutcome;

/// What the layer asks its surroundings: plain functions.
///
/// The default serves a program that uses this crate alone: the real clock, an `Arc<Breaker>` from the request's extensions,
/// [`Breaker::judge`].
#[derive(Clone, Copy, Debug)]
pub struct BreakerHooks {
    /// The time.
    pub clock: fn() -> Instant,
    /// The breaker before what this request calls; without one it passes, and nothing is counted.
    pub breaker: fn(&Extensions) -> Option<&Arc<Breaker>>,
    /// How a call went by the head of its response. An answer that the program gave itself (too many requests under way, a body
    /// of the client's that failed) is [`CallOutcome::Undecided`].
    pub judge: fn(&Breaker, ResponseHead<'_>) -> Judgement,
}

impl Default for BreakerHooks {
    fn default() -> Self {
        Self {
            clock: Instant::now,
            breaker: Extensions::get,
            judge: Breaker::judge,
        }
    }
}

/// Refuses requests while a breaker is open, and tells it how the others went.
///
/// A refusal is a 503 with `Retry-After`, an empty body and a [`BreakerRefusal`] in its extensions. An error of the service
/// behind is a failure. A request whose future is dropped is [abandoned](crate::Permit::abandon). How long a call took is counted to
/// the response's head; so is what it was, but for gRPC, where the trailers decide.
///
/// Put it inside a cache, so that what is stored can still answer.
#[derive(Clone, Debug)]
pub struct BreakerLayer {
    hooks: BreakerHooks,
    one: Option<Arc<Breaker>>,
}

impl BreakerLayer {
    /// A layer that finds the breaker of each request.
    pub fn new(hooks: BreakerHooks) -> Self {
        Self { hooks, one: None }
    }

    /// One breaker for every request.
    pub fn for_all(breaker: Arc<Breaker>) -> Self {
        Self {
            hooks: BreakerHooks::default(),
            one: Some(breaker),
        }
    }

    /// Asks other hooks; with [`Self::for_all`] the one for the breaker is not asked.
    pub fn with_hooks(self, hooks: BreakerHooks) -> Self {
        Self { hooks, ..self }
    }
}

impl<S> Layer<S> for BreakerLayer {
    type Service = BreakerService<S>;

    fn layer(&self, inner: S) -> BreakerService<S> {
        BreakerService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`BreakerLayer`] makes.
#[derive(Clone, Debug)]
pub struct BreakerService<S> {
    inner: S,
    layer: BreakerLayer,
}

impl<S> BreakerService<S> {
    fn admit(&self, extensions: &Extensions) -> Result<Option<Call>, BreakerRefusal> {
        let BreakerLayer { hooks, one } = &self.layer;
        let breaker = one.as_ref().or_else(|| (hooks.breaker)(extensions));
        let Some(breaker) = breaker else {
            return Ok(None);
        };
        let permit = breaker.try_acquire_owned((hooks.clock)())?;
        Ok(Some(Call::new(permit, hooks.clock)))
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BreakerService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<BreakerBody<ResBody>>;
    type Error = S::Error;
    type Future = BreakerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let state = match self.admit(request.extensions()) {
            Err(refusal) => State::Refused {
                refusal: Some(refusal),
            },
            Ok(call) => State::Asked {
                inner: self.inner.call(request),
                call,
                judge: self.layer.hooks.judge,
            },
        };
        BreakerFuture { state }
    }
}

pin_project! {
    /// The future of [`BreakerService`].
    #[derive(Debug)]
    pub struct BreakerFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        Refused { refusal: Option<BreakerRefusal> },
        Asked {
            #[pin]
            inner: F,
            call: Option<Call>,
            judge: fn(&Breaker, ResponseHead<'_>) -> Judgement,
        },
    }
}

impl<F, B, E> Future for BreakerFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<BreakerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { refusal } => match refusal.take() {
                Some(refusal) => Poll::Ready(Ok(refusal.answer())),
                // Polled after its end: there is nothing left to say.
                None => Poll::Pending,
            },
            StateProjection::Asked { inner, call, judge } => {
                let answer = ready!(inner.poll(cx));
                let Some(call) = call.take() else {
                    return Poll::Ready(answer.map(|response| response.map(BreakerBody::plain)));
                };
                Poll::Ready(match answer {
                    Err(error) => {
                        call.complete(CallOutcome::Failure);
                        Err(error)
                    }
                    Ok(response) => Ok(settle(response, call, *judge)),
                })
            }
        }
    }
}

fn settle<B>(
    response: Response<B>,
    call: Call,
    judge: fn(&Breaker, ResponseHead<'_>) -> Judgement,
) -> Response<BreakerBody<B>> {
    let head = ResponseHead {
        status: response.status(),
        headers: response.headers(),
        extensions: response.extensions(),
    };
    match judge(call.breaker(), head) {
        Judgement::Known(outcome) => {
            call.complete(outcome);
            response.map(BreakerBody::plain)
        }
        Judgement::InTrailers => response.map(|body| BreakerBody::judged(body, call)),
    }
}
