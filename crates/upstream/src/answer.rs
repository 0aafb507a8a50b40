//! The body of an answer, and what happens at its end.

mod flow;

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

pub(crate) use self::flow::{Bounds, Flow};
use crate::feed::{BoxError, Pump};

/// An upstream's answer as it streams in.
///
/// Pieces pass as they arrive. At the clean end the connection is kept for the next request; a body
/// that is dropped before closes it. `A` is the request's body: where the upstream answers before it
/// has read all of it, the rest goes on to it while the answer is read.
///
/// The default one is empty.
pub struct AnswerBody<A> {
    content: Content,
    pump: Option<Pin<Box<Pump<A>>>>,
}

/// What is still to come.
#[derive(Debug, Default)]
pub(crate) enum Content {
    /// Nothing.
    #[default]
    Empty,
    /// All of the body, which was there with its head: the upstream has nothing more to do with it.
    Whole(Bytes),
    /// What its connection brings.
    Flow(Pin<Box<Flow>>),
}

impl<A> AnswerBody<A> {
    /// `pump`: the request's body, where it has not ended.
    pub(crate) fn new(content: Content, pump: Option<Pin<Box<Pump<A>>>>) -> Self {
        let pump = pump.filter(|_| matches!(content, Content::Flow(_)));
        Self { content, pump }
    }
}

impl<A> Default for AnswerBody<A> {
    fn default() -> Self {
        Self {
            content: Content::Empty,
            pump: None,
        }
    }
}

impl<A> fmt::Debug for AnswerBody<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody")
            .field("content", &self.content)
            .field("sends", &self.pump.is_some())
            .finish()
    }
}

impl<A> Body for AnswerBody<A>
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let this = self.get_mut();
        let flow = match &mut this.content {
            Content::Flow(flow) => flow,
            Content::Empty => return Poll::Ready(None),
            Content::Whole(data) => {
                let data = std::mem::take(data);
                this.content = Content::Empty;
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        };
        // What the client still sends goes first: the upstream may wait for it before it goes on.
        let mut failed = false;
        if let Some(pump) = &mut this.pump
            && let Poll::Ready(ended) = pump.as_mut().poll(cx)
        {
            this.pump = None;
            failed = ended.is_err();
        }
        let next = if failed {
            Poll::Ready(Some(Err(AnswerError::RequestBody)))
        } else {
            flow.as_mut().poll_frame(cx)
        };
        let is_end = match &next {
            Poll::Ready(None | Some(Err(_))) => true,
            // hyper does not ask again after the last piece.
            Poll::Ready(Some(Ok(_))) => flow.is_end_stream(),
            Poll::Pending => false,
        };
        if is_end {
            // All guards end with the body, whether or not its holder drops it soon.
            this.content = Content::Empty;
            this.pump = None;
        }
        next
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Empty => true,
            Content::Whole(_) => false,
            Content::Flow(flow) => flow.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Whole(data) => SizeHint::with_exact(data.len() as u64),
            Content::Flow(flow) => flow.size_hint(),
        }
    }
}

/// Why an answer that began well has no good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The connection was lost, or the body's framing broke.
    #[error("the upstream's answer was cut short")]
    Incomplete,
    /// The upstream was silent for longer than `read_idle` or `stream_idle`.
    #[error("the upstream was silent for too long")]
    Idle,
    /// The client's own limit for the call (`grpc-timeout`) has passed.
    #[error("the call took longer than its client allowed")]
    Deadline,
    /// The rest of the request's body failed.
    #[error("the request body failed while the answer was read")]
    RequestBody,
}

impl AnswerError {
    /// Returns the word for it in metrics and logs (RFC 9209 §2.3).
    pub fn proxy_error(self) -> &'static str {
        match self {
            Self::Incomplete => "http_response_incomplete",
            Self::Idle => "connection_read_timeout",
            Self::Deadline => "http_response_timeout",
            Self::RequestBody => "http_request_error",
        }
    }
}
