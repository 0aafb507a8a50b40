//! Where a request begins to wait.
use std::pin::Pin;
use std::task::{Context, Poll};

use tower::Service;

/// Below the cache, a future of one pointer: what waits is boxed, what is decided in `call` is not.
///
/// `Pin<Box<F>>` is no trait object, so auto traits still carry.
#[derive(Clone, Debug)]
pub struct Seam<S>(pub S);

impl<S, R> Service<R> for Seam<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<S::Future>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        Box::pin(self.0.call(request))
    }
}
