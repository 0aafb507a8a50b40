//! Who made this error, and what the client is told: the only place that knows the reasons of all crates.
//!
//! A layer refuses with a status, the fields that go with it, an empty body and a typed reason in the
//! response's extensions. Here that becomes a problem document (RFC 9457) with the request's id, or, for a
//! gRPC client, a trailers-only answer; both carry `Proxy-Status` (RFC 9209). An error that an upstream
//! sent has no such reason and passes as it is.

mod document;
mod reason;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub use document::bare;
pub use reason::{TargetRefusal, is_refusal};

use crate::trip::Trip;
use crate::whole::WholeOr;

/// What figures and logs say of a client that left.
pub(crate) const CLIENT_LEFT: u16 = 499;

/// Makes documents of what layers below refuse.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProblemLayer;

impl<S> Layer<S> for ProblemLayer {
    type Service = Problem<S>;

    fn layer(&self, inner: S) -> Problem<S> {
        Problem { inner }
    }
}

/// The service of [`ProblemLayer`].
#[derive(Clone, Debug)]
pub struct Problem<S> {
    inner: S,
}

impl<S, A, B> Service<Request<A>> for Problem<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<WholeOr<B>>;
    type Error = S::Error;
    type Future = ProblemFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let trip = Trip::of(request.extensions()).cloned();
        ProblemFuture {
            inner: self.inner.call(request),
            trip,
        }
    }
}

pin_project! {
    /// The future of [`Problem`].
    pub struct ProblemFuture<F> {
        #[pin]
        inner: F,
        trip: Option<Arc<Trip>>,
    }
}

impl<F, B, E> Future for ProblemFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<WholeOr<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        // What was answered well has no reason, and most answers have no extension at all.
        let reason = if response.extensions().is_empty() {
            None
        } else {
            reason::of(&response)
        };
        let (Some(reason), Some(trip)) = (reason, this.trip.take()) else {
            return Poll::Ready(Ok(response.map(|inner| WholeOr::Inner { inner })));
        };
        if reason::client_left(response.extensions()) {
            trip.set_stands_for(CLIENT_LEFT);
        }
        trip.set_error(reason.word);
        let (parts, _) = response.into_parts();
        let (parts, body) = document::write(parts, &reason, &trip);
        Poll::Ready(Ok(Response::from_parts(parts, WholeOr::Whole { body })))
    }
}
