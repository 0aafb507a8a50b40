//! Two ways on: through every layer that may have a say, or past those that have none on this route.
//!
//! Most routes ask for no CORS, no flag and no edit of the request, and most requests are sound and have no content.
//! Composing such layers is free, but asking each of them is not: each looks its policy up and hands the request on. Most need none
//! below the cache either, where a route may edit answers and change the path for its target.
//! What a route needs is decided once, when the snapshot is built ([`Bundle::needs`](crate::snapshot::Bundle::needs)).
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::Service;

use crate::limits::LimitedBody;
use crate::whole::WholeOr;

/// Two services of which one answers.
#[derive(Clone, Debug)]
pub struct Ways<L, S> {
    /// The one with more layers.
    pub long: L,
    /// The one without them.
    pub short: S,
    /// Whether a request may go the short way.
    pub is_short: fn(&Extensions) -> bool,
}

impl<L, S, A, R> Service<Request<A>> for Ways<L, S>
where
    L: Service<Request<A>, Response = R>,
    S: Service<Request<A>, Response = R, Error = L::Error>,
{
    type Response = R;
    type Error = L::Error;
    type Future = WaysFuture<L::Future, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.long.poll_ready(cx) {
            Poll::Ready(Ok(())) => self.short.poll_ready(cx),
            other => other,
        }
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        if (self.is_short)(request.extensions()) {
            WaysFuture::Short {
                inner: self.short.call(request),
            }
        } else {
            WaysFuture::Long {
                inner: self.long.call(request),
            }
        }
    }
}

pin_project! {
    /// The future of [`Ways`].
    #[project = WaysFutureProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum WaysFuture<L, S> {
        /// Through more layers.
        Long { #[pin] inner: L },
        /// Past them.
        Short { #[pin] inner: S },
    }
}

impl<L, S> Future for WaysFuture<L, S>
where
    L: Future,
    S: Future<Output = L::Output>,
{
    type Output = L::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<L::Output> {
        match self.project() {
            WaysFutureProj::Long { inner } => inner.poll(cx),
            WaysFutureProj::Short { inner } => inner.poll(cx),
        }
    }
}

/// What stands for the layers that are passed by: a body under no limit, and no answer of their own.
#[derive(Clone, Debug)]
pub struct Past<S>(pub S);

impl<S, A, B> Service<Request<A>> for Past<S>
where
    S: Service<Request<LimitedBody<A>>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<WholeOr<B>>;
    type Error = S::Error;
    type Future = PastFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        PastFuture {
            inner: self.0.call(request.map(LimitedBody::free)),
        }
    }
}

pin_project! {
    /// The future of [`Past`].
    #[derive(Debug)]
    pub struct PastFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for PastFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<WholeOr<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = self.project().inner.poll(cx);
        answered.map_ok(|response| response.map(|inner| WholeOr::Inner { inner }))
    }
}
