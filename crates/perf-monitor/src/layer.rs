//! The layer that watches requests.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::body::ObservedBody;
use crate::handle::RouteSlot;
use crate::monitor::Monitor;
use crate::observation::Observation;
use crate::shard::Shard;
use crate::subject::Subject;
use crate::upload::ObservedRequest;

/// Counts every request that passes: outside of all layers that may answer, inside of the one that
/// finds the route.
#[derive(Clone, Debug)]
pub struct ObserveLayer {
    shard: Arc<Shard>,
    clock: fn() -> Instant,
    begun: fn() -> Instant,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Told(fn(&Extensions) -> Option<Arc<dyn Subject>>),
    Alone(RouteSlot),
}

impl Source {
    fn subject(&self, extensions: &Extensions) -> Option<Arc<dyn Subject>> {
        match self {
            Self::Told(subject) => subject(extensions),
            Self::Alone(slot) => {
                let slot = extensions.get::<RouteSlot>().unwrap_or(slot);
                Some(Arc::clone(slot.held()) as Arc<dyn Subject>)
            }
        }
    }
}

impl ObserveLayer {
    /// A layer for the thread to which `shard` belongs. `subject` finds in a request's extensions
    /// what the program knows of it; a request without is not watched.
    pub fn new(
        shard: Arc<Shard>,
        clock: fn() -> Instant,
        subject: fn(&Extensions) -> Option<Arc<dyn Subject>>,
    ) -> Self {
        Self {
            shard,
            clock,
            begun: clock,
            source: Source::Told(subject),
        }
    }

    /// Takes the time at which a request begins from `clock`, where somebody has read it just before.
    pub fn begun(self, clock: fn() -> Instant) -> Self {
        Self {
            begun: clock,
            ..self
        }
    }

    /// A layer that needs nothing around it. A request counts for the [`RouteSlot`] in its
    /// extensions, and for `route` where there is none.
    pub fn alone(monitor: &Monitor, route: RouteSlot) -> Self {
        Self {
            shard: monitor.shared(),
            clock: monitor.clock(),
            begun: monitor.clock(),
            source: Source::Alone(route),
        }
    }
}

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service whose requests are counted; made by [`ObserveLayer`].
#[derive(Clone, Debug)]
pub struct Observe<S> {
    inner: S,
    layer: ObserveLayer,
}

impl<S, A, B> Service<Request<A>> for Observe<S>
where
    S: Service<Request<ObservedRequest<A>>, Response = Response<B>>,
    A: Body,
    B: Body,
{
    type Response = Response<ObservedBody<B>>;
    type Error = S::Error;
    type Future = ObserveFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let ObserveLayer {
            shard,
            clock,
            begun,
            source,
        } = &self.layer;
        let Some(subject) = source.subject(request.extensions()) else {
            return ObserveFuture {
                inner: self.inner.call(request.map(ObservedRequest::unwatched)),
                observation: None,
            };
        };
        let (parts, body) = request.into_parts();
        let (body, upload) = ObservedRequest::watched(body, *clock);
        // Before `inner.call`, so that what it does at once is timed too.
        let observation = Observation::start(
            Arc::clone(shard),
            (*clock, begun()),
            subject,
            &parts.method,
            upload,
        );
        ObserveFuture {
            inner: self.inner.call(Request::from_parts(parts, body)),
            observation: Some(observation),
        }
    }
}

pin_project! {
    /// The future of [`Observe`].
    #[derive(Debug)]
    pub struct ObserveFuture<F> {
        #[pin]
        inner: F,
        observation: Option<Observation>,
    }
}

impl<F, B, E> Future for ObserveFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<ObservedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answered = ready!(this.inner.poll(cx));
        let mut observation = this.observation.take();
        match answered {
            Ok(response) => {
                if let Some(observation) = &mut observation {
                    let body = response.body();
                    observation.head(&response, body.is_end_stream(), body.size_hint().exact());
                }
                Poll::Ready(Ok(
                    response.map(|inner| ObservedBody::new(inner, observation))
                ))
            }
            Err(error) => {
                if let Some(observation) = &mut observation {
                    observation.service_failed();
                }
                Poll::Ready(Err(error))
            }
        }
    }
}
