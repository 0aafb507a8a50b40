//! A body that is coded as it comes.
//!
//! Input goes into the encoder in small pieces, and what it made leaves as soon as a frame's worth is there. When the
//! inner body has nothing more for now, what was written is flushed: a slow answer reaches its reader piece by piece. A
//! body that is there all at once and shrinks to almost nothing gives other tasks their turn in between.
use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::drop_digests;
use super::encoder::Encoder;
use super::places::Place;

/// How much goes into the encoder at once.
const PIECE: usize = 16 << 10;
/// How much of a coded body makes a frame of its own.
const FRAME: usize = 8 << 10;
/// How much is coded in one turn.
const TURN: usize = 256 << 10;

pin_project! {
    /// The body of an answer on its way through [`super::Compress`].
    #[derive(Debug)]
    #[project = CompressBodyProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum CompressBody<B> {
        /// As it is.
        Passed { #[pin] inner: B },
        /// None, and no word on how long it would be: the answer to `HEAD`.
        Untold { inner: B },
        /// Coded.
        Coded { #[pin] inner: B, coder: Box<Coder> },
    }
}

impl<B: Default> Default for CompressBody<B> {
    fn default() -> Self {
        Self::passed(B::default())
    }
}

impl<B> CompressBody<B> {
    pub(super) fn passed(inner: B) -> Self {
        Self::Passed { inner }
    }

    pub(super) fn untold(inner: B) -> Self {
        Self::Untold { inner }
    }

    pub(super) fn coded(inner: B, encoder: Encoder, place: Place) -> Self {
        let coder = Box::new(Coder {
            encoder: Some((encoder, place)),
            input: Bytes::new(),
            unflushed: false,
            trailers: None,
        });
        Self::Coded { inner, coder }
    }
}

/// Where one answer stands.
#[derive(Debug)]
pub struct Coder {
    /// With its place; `None` once the stream has ended.
    encoder: Option<(Encoder, Place)>,
    /// What came and was not coded yet.
    input: Bytes,
    /// Whether the encoder holds something back.
    unflushed: bool,
    trailers: Option<HeaderMap>,
}

/// Why a body ended early.
#[derive(Debug)]
pub enum CompressError<E> {
    /// It failed by itself.
    Inner(E),
    /// The encoder failed.
    Encoder(io::Error),
}

impl<E: fmt::Display> fmt::Display for CompressError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inner(error) => error.fmt(f),
            Self::Encoder(_) => f.write_str("the answer could not be compressed"),
        }
    }
}

impl<E: Error + 'static> Error for CompressError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Inner(error) => error.source(),
            Self::Encoder(error) => Some(error),
        }
    }
}

type Coming<E> = Poll<Option<Result<Frame<Bytes>, CompressError<E>>>>;

/// What is to do next.
enum Step {
    /// A frame is there.
    Ready(Bytes),
    /// The body is asked for more.
    More,
    /// Others have their turn.
    Yield,
}

impl Coder {
    /// Codes of the input what is left of the turn.
    fn work(&mut self, turn: &mut usize) -> io::Result<Step> {
        let Some((encoder, _)) = &mut self.encoder else {
            return Ok(Step::More);
        };
        while !self.input.is_empty() {
            if *turn == 0 {
                return Ok(Step::Yield);
            }
            let piece = self.input.split_to(self.input.len().min(PIECE));
            *turn = turn.saturating_sub(piece.len());
            encoder.write(&piece)?;
            self.unflushed = true;
            if encoder.waiting() >= FRAME {
                return Ok(Step::Ready(encoder.take().into()));
            }
        }
        Ok(Step::More)
    }

    /// What there is to send while the body has no more; empty: nothing.
    fn flush(&mut self) -> io::Result<Bytes> {
        match &mut self.encoder {
            Some((encoder, _)) if std::mem::take(&mut self.unflushed) => {
                encoder.flush()?;
                Ok(encoder.take().into())
            }
            _ => Ok(Bytes::new()),
        }
    }

    fn finish(&mut self) -> io::Result<Bytes> {
        match self.encoder.take() {
            Some((encoder, _)) => Ok(encoder.finish()?.into()),
            None => Ok(Bytes::new()),
        }
    }

    fn poll<B: Body<Data = Bytes>>(
        &mut self,
        mut inner: Pin<&mut B>,
        cx: &mut Context<'_>,
    ) -> Coming<B::Error> {
        let coded = |bytes| Poll::Ready(Some(Ok(Frame::data(bytes))));
        let mut turn = TURN;
        loop {
            match self.work(&mut turn).map_err(CompressError::Encoder)? {
                Step::Ready(bytes) => return coded(bytes),
                Step::Yield => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Step::More => {}
            }
            if self.encoder.is_none() {
                let trailers = self.trailers.take();
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match inner.as_mut().poll_frame(cx) {
                Poll::Pending => {
                    let bytes = self.flush().map_err(CompressError::Encoder)?;
                    // The inner body has the waker already.
                    return if bytes.is_empty() {
                        Poll::Pending
                    } else {
                        coded(bytes)
                    };
                }
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.input = data,
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok();
                        self.trailers.iter_mut().for_each(drop_digests);
                        return coded(self.finish().map_err(CompressError::Encoder)?);
                    }
                },
                Poll::Ready(None) => {
                    return coded(self.finish().map_err(CompressError::Encoder)?);
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(CompressError::Inner(error))));
                }
            }
        }
    }
}

impl<B: Body<Data = Bytes>> Body for CompressBody<B> {
    type Data = Bytes;
    type Error = CompressError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project() {
            CompressBodyProj::Passed { inner } => {
                inner.poll_frame(cx).map_err(CompressError::Inner)
            }
            CompressBodyProj::Untold { .. } => Poll::Ready(None),
            CompressBodyProj::Coded { inner, coder } => coder.poll(inner, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Passed { inner } => inner.is_end_stream(),
            Self::Untold { .. } => false,
            Self::Coded { coder, .. } => coder.encoder.is_none() && coder.trailers.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Passed { inner } => inner.size_hint(),
            Self::Untold { .. } | Self::Coded { .. } => SizeHint::default(),
        }
    }
}
