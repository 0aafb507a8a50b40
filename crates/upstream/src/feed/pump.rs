//! Reads the caller's body into the feed.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;

use super::{End, Feed, Piece};

/// The error of a caller's body, whatever its type.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The caller's body and the feed that it goes into.
    ///
    /// It moves from the future into the answer's body where the upstream answers before it has
    /// read all.
    pub(crate) struct Pump<A> {
        #[pin]
        body: A,
        feed: Arc<Feed>,
        clock: fn() -> Instant,
        done: bool,
    }
}

impl<A> Pump<A> {
    pub(crate) fn new(body: A, feed: Arc<Feed>, clock: fn() -> Instant) -> Self {
        Self {
            body,
            feed,
            clock,
            done: false,
        }
    }
}

impl<A> Pump<A>
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    /// Moves on as far as both sides allow; ready once, at the body's end.
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut this = self.project();
        if *this.done {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(this.feed.poll_room(cx));
            match ready!(this.body.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => {
                    match frame.into_data().map_err(http_body::Frame::into_trailers) {
                        // An empty piece would be the end in the chunked coding.
                        Ok(data) if data.is_empty() => {}
                        Ok(data) => this.feed.put(Piece::Data(data)),
                        Err(Ok(trailers)) => this.feed.put(Piece::Trailers(trailers)),
                        Err(Err(_)) => {}
                    }
                    // Known at once for most bodies, so that the last piece goes out as the last.
                    if this.body.is_end_stream() {
                        return Self::ended(this.feed, this.done, *this.clock, Ok(()));
                    }
                }
                Some(Err(error)) => {
                    return Self::ended(this.feed, this.done, *this.clock, Err(error.into()));
                }
                None => return Self::ended(this.feed, this.done, *this.clock, Ok(())),
            }
        }
    }

    fn ended(
        feed: &Feed,
        done: &mut bool,
        clock: fn() -> Instant,
        result: Result<(), BoxError>,
    ) -> Poll<Result<(), BoxError>> {
        *done = true;
        let end = if result.is_ok() {
            End::Whole
        } else {
            End::Failed
        };
        feed.end(end, clock());
        Poll::Ready(result)
    }
}
