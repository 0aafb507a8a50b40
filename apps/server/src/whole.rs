//! The answer's body of a layer that answers some requests itself.
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body that is there whole, or the one of what is below.
    #[project = WholeOrProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum WholeOr<B> {
        /// All there is.
        Whole { body: Option<Bytes> },
        /// What is below answers.
        Inner { #[pin] inner: B },
    }
}

impl<B> Default for WholeOr<B> {
    fn default() -> Self {
        Self::Whole { body: None }
    }
}

impl<B: Body<Data = Bytes>> Body for WholeOr<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            WholeOrProj::Inner { inner } => inner.poll_frame(cx),
            WholeOrProj::Whole { body } => {
                let body = body.take().filter(|body| !body.is_empty());
                Poll::Ready(body.map(|body| Ok(Frame::data(body))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner { inner } => inner.is_end_stream(),
            Self::Whole { body } => body.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner { inner } => inner.size_hint(),
            Self::Whole { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}

impl<B> WholeOr<B> {
    /// All of `body`; nothing at all where it is empty.
    pub fn of(body: Bytes) -> Self {
        Self::Whole {
            body: Some(body).filter(|body| !body.is_empty()),
        }
    }
}
