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
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

pub use document::bare;
pub use reason::{TargetRefusal, is_refusal};

use crate::trip::Trip;

/// What figures and logs say of a client that left.
const CLIENT_LEFT: u16 = 499;

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
    type Response = Response<ProblemBody<B>>;
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
    type Output = Result<Response<ProblemBody<B>>, E>;

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
            return Poll::Ready(Ok(response.map(|inner| ProblemBody::Inner { inner })));
        };
        if reason::client_left(response.extensions()) {
            trip.set_stands_for(CLIENT_LEFT);
        }
        trip.set_error(reason.word);
        let (parts, _) = response.into_parts();
        let (parts, body) = document::write(parts, &reason, &trip);
        Poll::Ready(Ok(Response::from_parts(
            parts,
            ProblemBody::Document { text: body },
        )))
    }
}

pin_project! {
    /// The body of an answer of [`Problem`].
    #[project = ProblemBodyProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum ProblemBody<B> {
        /// A problem document.
        Document { text: Option<Bytes> },
        /// What is below answers.
        Inner { #[pin] inner: B },
    }
}

impl<B> Default for ProblemBody<B> {
    fn default() -> Self {
        Self::Document { text: None }
    }
}

impl<B: Body<Data = Bytes>> Body for ProblemBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            ProblemBodyProj::Inner { inner } => inner.poll_frame(cx),
            ProblemBodyProj::Document { text } => {
                Poll::Ready(text.take().map(|text| Ok(Frame::data(text))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner { inner } => inner.is_end_stream(),
            Self::Document { text } => text.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner { inner } => inner.size_hint(),
            Self::Document { text } => {
                SizeHint::with_exact(text.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}
