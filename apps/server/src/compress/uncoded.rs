//! What stands for the layer on routes that compress nothing.
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::CompressBody;

/// Answers as its inner service does, in the body that a coded answer has too.
#[derive(Clone, Debug)]
pub struct Uncoded<S>(pub S);

impl<S, A, B> Service<Request<A>> for Uncoded<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<CompressBody<B>>;
    type Error = S::Error;
    type Future = UncodedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        UncodedFuture {
            inner: self.0.call(request),
        }
    }
}

pin_project! {
    /// The future of [`Uncoded`].
    #[derive(Debug)]
    pub struct UncodedFuture<F> {
        #[pin]
        inner: F,
    }
}

impl<F, B, E> Future for UncodedFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<CompressBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answered = self.project().inner.poll(cx);
        answered.map_ok(|response| response.map(CompressBody::passed))
    }
}
