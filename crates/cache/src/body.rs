//! The body of an answer that went through the cache.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::fill::Reader;
use crate::range::{Content, Pieces};

pub use error::CacheBodyError;

pub(crate) use error::BoxError;

mod error;

pin_project! {
    /// A stored body, a reader of one that is being stored, or the inner body as it is.
    ///
    /// Empty by default.
    pub struct CacheBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<B> {
        Stored { body: Option<Bytes> },
        Parts { parts: Pieces },
        Filling { reader: Reader, hint: SizeHint },
        Passing { #[pin] inner: B },
    }
}

impl<B> CacheBody<B> {
    pub(crate) fn stored(body: Bytes) -> Self {
        let body = Some(body).filter(|body| !body.is_empty());
        Self {
            kind: Kind::Stored { body },
        }
    }

    pub(crate) fn ranged(content: Content) -> Self {
        match content {
            Content::Bytes(body) => Self::stored(body),
            Content::Pieces(parts) => Self {
                kind: Kind::Parts { parts },
            },
        }
    }

    pub(crate) fn filling(reader: Reader, hint: SizeHint) -> Self {
        Self {
            kind: Kind::Filling { reader, hint },
        }
    }

    pub(crate) fn passing(inner: B) -> Self {
        Self {
            kind: Kind::Passing { inner },
        }
    }
}

impl<B> Default for CacheBody<B> {
    fn default() -> Self {
        Self::stored(Bytes::new())
    }
}

impl<B> std::fmt::Debug for CacheBody<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Stored { .. } => "CacheBody(stored)",
            Kind::Parts { .. } => "CacheBody(parts)",
            Kind::Filling { .. } => "CacheBody(filling)",
            Kind::Passing { .. } => "CacheBody(passing)",
        })
    }
}

impl<B> Body for CacheBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = CacheBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CacheBodyError>>> {
        match self.project().kind.project() {
            KindProjection::Stored { body } => {
                Poll::Ready(body.take().map(|body| Ok(Frame::data(body))))
            }
            KindProjection::Parts { parts } => {
                Poll::Ready(parts.next().map(|part| Ok(Frame::data(part))))
            }
            KindProjection::Passing { inner } => {
                inner.poll_frame(cx).map_err(CacheBodyError::failed)
            }
            KindProjection::Filling { reader, hint } => {
                let frame = ready!(reader.poll_frame(cx));
                let data = frame
                    .as_ref()
                    .and_then(|frame| frame.as_ref().ok()?.data_ref());
                if let Some(data) = data {
                    *hint = less(hint, data.len() as u64);
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Stored { body } => body.is_none(),
            Kind::Parts { parts } => parts.bytes() == 0,
            Kind::Filling { reader, .. } => reader.is_end_stream(),
            Kind::Passing { inner } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Stored { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |body| body.len() as u64))
            }
            Kind::Parts { parts } => SizeHint::with_exact(parts.bytes()),
            Kind::Filling { hint, .. } => *hint,
            Kind::Passing { inner } => inner.size_hint(),
        }
    }
}

/// What is left of a hint after so many bytes.
fn less(hint: &SizeHint, bytes: u64) -> SizeHint {
    let mut left = SizeHint::new();
    if let Some(upper) = hint.upper() {
        left.set_upper(upper.saturating_sub(bytes));
    }
    left.set_lower(hint.lower().saturating_sub(bytes));
    left
}
