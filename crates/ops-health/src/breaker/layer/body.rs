//! The body of an answer that passed: for gRPC its trailers tell how the call went.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::call::Call;
use crate::breaker::judge::grpc_outcome;
use crate::breaker::state::CallOutcome;

/// A gRPC call that is still being answered so long after it began has been answered: a stream may go on for hours, and a
/// call on trial must not wait for it.
const STREAM_STANDS: Duration = Duration::from_secs(10);

pin_project! {
    /// The response body of a [`crate::BreakerService`].
    ///
    /// For gRPC it carries the call until the trailers: an error before them is a failure, an end without them an answer, and a
    /// body that is dropped before abandons the call.
    #[derive(Debug)]
    pub struct BreakerBody<B> {
        #[pin]
        body: B,
        // Boxed: every response has this, few use it.
        call: Option<Box<Call>>,
    }
}

impl<B> BreakerBody<B> {
    pub(super) fn plain(body: B) -> Self {
        Self { body, call: None }
    }

    pub(super) fn judged(body: B, mut call: Call) -> Self {
        call.answered();
        Self {
            body,
            call: Some(Box::new(call)),
        }
    }
}

impl<B: Default> Default for BreakerBody<B> {
    /// The empty body.
    fn default() -> Self {
        Self::plain(B::default())
    }
}

impl<B: Body> Body for BreakerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let Some(call) = this.call else {
            return this.body.poll_frame(cx);
        };
        let stands = call.age() >= STREAM_STANDS;
        let frame = this.body.poll_frame(cx);
        let outcome = match &frame {
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_ref() {
                Some(trailers) => Some(grpc_outcome(trailers).unwrap_or(CallOutcome::Success)),
                None => stands.then_some(CallOutcome::Success),
            },
            Poll::Ready(Some(Err(_))) => Some(CallOutcome::Failure),
            Poll::Ready(None) => Some(CallOutcome::Success),
            Poll::Pending => stands.then_some(CallOutcome::Success),
        };
        if let Some(outcome) = outcome
            && let Some(call) = this.call.take()
        {
            call.complete(outcome);
        }
        Poll::Ready(ready!(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
