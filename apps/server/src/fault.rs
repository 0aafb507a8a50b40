//! Refuses a request whose head the edge found to be faulty, before anything acts on it.
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::listen::head::HeadFault;
use crate::trip::Trip;

/// Answers requests with a fault; its reason is the [`HeadFault`] in the response's extensions.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultLayer;

impl<S> Layer<S> for FaultLayer {
    type Service = Faults<S>;

    fn layer(&self, inner: S) -> Faults<S> {
        Faults { inner }
    }
}

/// The service of [`FaultLayer`].
#[derive(Clone, Debug)]
pub struct Faults<S> {
    inner: S,
}

impl<S, A, B> Service<Request<A>> for Faults<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = FaultFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let trip: Option<&Arc<Trip>> = Trip::of(request.extensions());
        match trip.and_then(|trip| trip.edge.fault) {
            Some(fault) => FaultFuture::Refused {
                fault,
                http1: request.version() < Version::HTTP_2,
            },
            None => FaultFuture::Passed {
                inner: self.inner.call(request),
            },
        }
    }
}

pin_project! {
    /// The future of [`Faults`].
    #[project = FaultFutureProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum FaultFuture<F> {
        /// The head is faulty.
        Refused { fault: HeadFault, http1: bool },
        /// It is not.
        Passed { #[pin] inner: F },
    }
}

impl<F, B, E> Future for FaultFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            FaultFutureProj::Passed { inner } => inner.poll(cx),
            FaultFutureProj::Refused { fault, http1 } => {
                let mut response = Response::new(B::default());
                *response.status_mut() = fault.status();
                // What follows on such a connection cannot be told from what belongs to this request.
                if *http1 && fault.closes() {
                    response
                        .headers_mut()
                        .insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response.extensions_mut().insert(*fault);
                Poll::Ready(Ok(response))
            }
        }
    }
}
