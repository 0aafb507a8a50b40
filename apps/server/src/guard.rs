//! A handler that panics costs its request, never the server: the panic becomes a 500.
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// The reason in the extensions of a response that stands for a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// Turns panics of what it wraps into 500.
#[derive(Clone, Copy, Debug, Default)]
pub struct GuardLayer;

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard { inner }
    }
}

/// The service of [`GuardLayer`].
#[derive(Clone, Debug)]
pub struct Guard<S> {
    inner: S,
}

impl<S, A, B> Service<Request<A>> for Guard<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // What is called next after a panic is called with the state that the panic left; layers keep
        // nothing between two requests that could be half written.
        match catch_unwind(AssertUnwindSafe(|| self.inner.call(request))) {
            Ok(inner) => GuardFuture { inner: Some(inner) },
            Err(cause) => {
                tell(&*cause);
                GuardFuture { inner: None }
            }
        }
    }
}

pin_project! {
    /// The future of [`Guard`].
    pub struct GuardFuture<F> {
        #[pin]
        inner: Option<F>,
    }
}

impl<F, B, E> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(Ok(refused()));
        };
        match catch_unwind(AssertUnwindSafe(|| inner.poll(cx))) {
            Ok(answer) => answer,
            Err(cause) => {
                tell(&*cause);
                // The future is in an unknown state: it is not polled again, only dropped.
                this.inner.set(None);
                Poll::Ready(Ok(refused()))
            }
        }
    }
}

fn refused<B: Default>() -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.extensions_mut().insert(Panicked);
    response
}

fn tell(cause: &(dyn Any + Send)) {
    let text = cause
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| cause.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    tracing::error!(
        panic = text,
        "a handler panicked; its request is answered with 500"
    );
}
