//! The bodies of requests and answers, which tell their connection when they end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::connection::{Call, Connection, Unfinished};

/// A request's body, as it comes from the client.
///
/// One that is dropped before its end closes an HTTP/1 connection after the answer, which then says so
/// (`Connection: close`): what the client still sends could not be told from a next request.
///
/// A request without one, as most are, has no more than a place for it: every layer hands the request on by value.
#[derive(Debug)]
pub struct RequestBody {
    streaming: Option<Box<Streaming>>,
}

#[derive(Debug)]
struct Streaming {
    incoming: Incoming,
    unfinished: Option<Unfinished>,
}

impl RequestBody {
    pub(super) fn new(incoming: Incoming, connection: &Arc<Connection>) -> Self {
        let streaming = (!incoming.is_end_stream()).then(|| {
            Box::new(Streaming {
                incoming,
                unfinished: Some(Unfinished::begin(connection)),
            })
        });
        Self { streaming }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(streaming) = &mut self.streaming else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(&mut streaming.incoming).poll_frame(cx));
        // A body that failed is not read to its end: what follows it on the connection is unknown.
        let ended = match &frame {
            None => true,
            Some(Ok(_)) => streaming.incoming.is_end_stream(),
            Some(Err(_)) => false,
        };
        if ended && let Some(unfinished) = streaming.unfinished.take() {
            unfinished.finish();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        let streaming = self.streaming.as_ref();
        streaming.is_none_or(|streaming| streaming.incoming.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.streaming {
            Some(streaming) => streaming.incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

pin_project! {
    /// An answer's body; the request is under way until it ends or is dropped.
    #[derive(Debug)]
    pub struct AnswerBody<B: Body> {
        #[pin]
        inner: B,
        call: Call,
        broken: Option<B::Error>,
    }
}

impl<B: Body> AnswerBody<B> {
    pub(super) fn new(inner: B, call: Call) -> Self {
        Self {
            inner,
            call,
            broken: None,
        }
    }
}

impl<B: Body> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        if let Some(error) = this.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        match ready!(this.inner.poll_frame(cx)) {
            // On an error hyper drops what it has not written, the head too. It flushes while a body
            // has nothing: so what was answered until here goes out first, and the cut is seen as one.
            Some(Err(error)) => {
                *this.broken = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            frame => Poll::Ready(frame),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.broken.is_none() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
