//! The answer on its way out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::observation::Observation;

/// The most that is handed over at once. A connection takes a piece of any size and lets go of the
/// body before it has sent it, so with larger ones a client that leaves would not be seen. A
/// connection that holds less than 64 KiB, a head with this for one, asks for a further piece before
/// it writes: so two of them leave with one write.
const PIECE: usize = 60 << 10;

pin_project! {
    /// A response's content in pieces of at most 60 KiB, whose request is counted when the last one
    /// is handed over or when this is dropped before; empty by default.
    #[derive(Debug)]
    pub struct ObservedBody<B> {
        #[pin]
        inner: Option<B>,
        rest: Bytes,
        observation: Option<Observation>,
    }
}

impl<B> Default for ObservedBody<B> {
    fn default() -> Self {
        Self {
            inner: None,
            rest: Bytes::new(),
            observation: None,
        }
    }
}

impl<B> ObservedBody<B> {
    pub(crate) fn new(inner: B, observation: Option<Observation>) -> Self {
        Self {
            inner: Some(inner),
            rest: Bytes::new(),
            observation,
        }
    }
}

impl<B: Body> Body for ObservedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        let Some(mut inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let observation = this.observation;
        if let Some(observation) = observation {
            observation.asked();
        }
        if this.rest.is_empty() {
            let frame = match ready!(inner.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    if let Some(observation) = observation {
                        observation.body_failed();
                    }
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    if let Some(observation) = observation {
                        observation.complete();
                    }
                    return Poll::Ready(None);
                }
            };
            match frame.into_data() {
                Ok(mut data) => *this.rest = data.copy_to_bytes(data.remaining()),
                Err(frame) => {
                    if let (Some(observation), Some(trailers)) = (observation, frame.trailers_ref())
                    {
                        observation.trailers(trailers);
                    }
                    let trailers = frame.into_trailers().map(Frame::trailers);
                    return Poll::Ready(trailers.ok().map(Ok));
                }
            }
        }
        let length = this.rest.len().min(PIECE);
        let piece = this.rest.split_to(length);
        if let Some(observation) = observation {
            // A connection does not ask for more when this says that there is none.
            observation.handed(length, this.rest.is_empty() && inner.is_end_stream());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let inner = match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}
