//! Flags on the request's way: a route that exists only where its flag is on, and the canary that a flag
//! decides.
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::VARY;
use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// The reason in the extensions of a response that stands for a route whose flag is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagOff;

/// What the flags of a route said of one request.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// The route does not exist for this request.
    pub closed: bool,
    /// The field that the decision came from, where a request with another one could get another answer.
    pub vary: Option<HeaderValue>,
}

/// Asks the flags of the route.
#[derive(Clone, Copy, Debug)]
pub struct FlagLayer {
    /// Evaluates the route's flags for a request; `None` where it has none.
    pub decide: fn(&Extensions, &HeaderMap) -> Option<Gate>,
}

impl<S> Layer<S> for FlagLayer {
    type Service = FlagGate<S>;

    fn layer(&self, inner: S) -> FlagGate<S> {
        FlagGate {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`FlagLayer`].
#[derive(Clone, Debug)]
pub struct FlagGate<S> {
    inner: S,
    layer: FlagLayer,
}

impl<S, A, B> Service<Request<A>> for FlagGate<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = FlagFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let gate = (self.layer.decide)(request.extensions(), request.headers()).unwrap_or_default();
        let inner = (!gate.closed).then(|| self.inner.call(request));
        FlagFuture {
            inner,
            vary: gate.vary,
        }
    }
}

pin_project! {
    /// The future of [`FlagGate`].
    pub struct FlagFuture<F> {
        #[pin]
        inner: Option<F>,
        vary: Option<HeaderValue>,
    }
}

impl<F, B, E> Future for FlagFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = if let Some(inner) = this.inner.as_pin_mut() {
            ready!(inner.poll(cx))?
        } else {
            let mut response = Response::new(B::default());
            *response.status_mut() = StatusCode::NOT_FOUND;
            response.extensions_mut().insert(FlagOff);
            response
        };
        if let Some(vary) = this.vary.take() {
            response.headers_mut().append(VARY, vary);
        }
        Poll::Ready(Ok(response))
    }
}
