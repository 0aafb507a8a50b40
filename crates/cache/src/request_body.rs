//! The body of a request below the cache.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::body::BoxError;

pin_project! {
    /// The client's body as it is, content that the cache has read for its key, or the start of a body that the
    /// cache read in vain and what follows it.
    ///
    /// Nothing of it is allocated for a body that passes as it is. Content that was read has its exact length.
    pub struct CacheRequestBody<A> {
        #[pin]
        kind: Kind<A>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<A> {
        Passing { #[pin] inner: A },
        Replayed { content: Option<Bytes> },
        Resumed { resumed: Box<Resumed<A>> },
    }
}

/// A body of which some was read.
struct Resumed<A> {
    read: Option<Bytes>,
    /// What came behind it and ended the reading.
    last: Option<Result<Frame<Bytes>, BoxError>>,
    rest: Pin<Box<A>>,
}

impl<A> CacheRequestBody<A> {
    pub(crate) fn passing(inner: A) -> Self {
        Self {
            kind: Kind::Passing { inner },
        }
    }

    pub(crate) fn replayed(content: Bytes) -> Self {
        let content = Some(content).filter(|content| !content.is_empty());
        Self {
            kind: Kind::Replayed { content },
        }
    }

    pub(crate) fn resumed(
        read: Bytes,
        last: Result<Frame<Bytes>, BoxError>,
        rest: Pin<Box<A>>,
    ) -> Self {
        let resumed = Box::new(Resumed {
            read: Some(read).filter(|read| !read.is_empty()),
            last: Some(last),
            rest,
        });
        Self {
            kind: Kind::Resumed { resumed },
        }
    }
}

impl<A: Default> Default for CacheRequestBody<A> {
    fn default() -> Self {
        Self::passing(A::default())
    }
}

impl<A> fmt::Debug for CacheRequestBody<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Passing { .. } => "CacheRequestBody(passing)",
            Kind::Replayed { .. } => "CacheRequestBody(replayed)",
            Kind::Resumed { .. } => "CacheRequestBody(resumed)",
        })
    }
}

impl<A> Body for CacheRequestBody<A>
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProjection::Passing { inner } => inner.poll_frame(cx).map_err(Into::into),
            KindProjection::Replayed { content } => {
                Poll::Ready(content.take().map(|content| Ok(Frame::data(content))))
            }
            KindProjection::Resumed { resumed } => {
                if let Some(read) = resumed.read.take() {
                    return Poll::Ready(Some(Ok(Frame::data(read))));
                }
                if let Some(last) = resumed.last.take() {
                    return Poll::Ready(Some(last));
                }
                resumed.rest.as_mut().poll_frame(cx).map_err(Into::into)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Passing { inner } => inner.is_end_stream(),
            Kind::Replayed { content } => content.is_none(),
            Kind::Resumed { resumed } => {
                resumed.read.is_none() && resumed.last.is_none() && resumed.rest.is_end_stream()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Passing { inner } => inner.size_hint(),
            Kind::Replayed { content } => {
                SizeHint::with_exact(content.as_ref().map_or(0, |content| content.len() as u64))
            }
            Kind::Resumed { resumed } => {
                let last = resumed.last.as_ref().and_then(|last| last.as_ref().ok());
                let last = last.and_then(Frame::data_ref);
                let held = [resumed.read.as_ref(), last].into_iter().flatten();
                more(
                    &resumed.rest.size_hint(),
                    held.map(|held| held.len() as u64).sum(),
                )
            }
        }
    }
}

/// A hint with so many bytes before.
fn more(hint: &SizeHint, bytes: u64) -> SizeHint {
    let mut all = SizeHint::new();
    all.set_lower(hint.lower().saturating_add(bytes));
    if let Some(upper) = hint.upper() {
        all.set_upper(upper.saturating_add(bytes));
    }
    all
}
