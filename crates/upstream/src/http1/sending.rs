//! A request on its way out: its head, and its body behind it.

use std::io::{IoSlice, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::header::{HeaderMap, HeaderName};
use http_body::{Body as _, Frame};

use super::buffers::Buffers;
use super::connection::Connection;
use super::request::Head;
use crate::endpoint::Endpoint;
use crate::feed::{BodyGone, RequestBody};
use crate::forward::fields::Fields as _;
use crate::forward::request::Framing;

/// Pieces up to this size are copied behind what waits already and go out with it.
const COPIED_MAX: usize = 4 * 1024;

/// So much may wait for the socket before the body is asked for more.
const WAITING_MAX: usize = 16 * 1024;

/// What is still to be written.
#[derive(Debug)]
pub(super) struct Sending {
    /// Head, framing and small pieces.
    out: Vec<u8>,
    /// How much of `out` was written.
    written: usize,
    /// A larger piece, which goes out behind `out`, and the framing behind it.
    piece: Bytes,
    piece_end: &'static [u8],
    body: Option<RequestBody>,
    framing: Framing,
    trailers: Vec<HeaderName>,
    /// Whether a byte was written.
    has_begun: bool,
    /// The endpoint takes no more. It may have answered all the same.
    is_broken: bool,
}

impl Sending {
    pub(super) fn new(
        head: &Head,
        endpoint: &Endpoint,
        body: RequestBody,
        framing: Framing,
        buffers: &Buffers,
    ) -> Self {
        let mut out = buffers.take();
        head.write(endpoint, &mut out);
        let trailers = match framing {
            Framing::Streamed => head.trailers().to_vec(),
            Framing::Empty | Framing::Sized(_) => Vec::new(),
        };
        Self {
            out,
            written: 0,
            piece: Bytes::new(),
            piece_end: b"",
            body: (framing != Framing::Empty).then_some(body),
            framing,
            trailers,
            has_begun: false,
            is_broken: false,
        }
    }

    /// Whether nothing was written yet.
    pub(super) fn is_unsent(&self) -> bool {
        !self.has_begun
    }

    /// Whether all of it was written.
    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none() && self.is_written() && !self.is_broken
    }

    /// Gives back what can serve the next request.
    pub(super) fn release(&mut self, buffers: &Buffers) {
        buffers.give(std::mem::take(&mut self.out));
    }

    /// Writes as far as body and socket allow. Ready when nothing is left, or the endpoint takes no more.
    ///
    /// # Errors
    ///
    /// When the body failed, or is not as long as the head says.
    pub(super) fn poll(
        &mut self,
        connection: &mut Connection,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyGone>> {
        loop {
            if self.is_broken {
                return Poll::Ready(Ok(()));
            }
            self.fill(cx)?;
            if self.is_written() {
                return match self.body {
                    None => Poll::Ready(Ok(())),
                    Some(_) => Poll::Pending,
                };
            }
            let pieces = [
                IoSlice::new(&self.out[self.written..]),
                IoSlice::new(&self.piece),
                IoSlice::new(self.piece_end),
            ];
            let count = if self.piece.is_empty() { 1 } else { 3 };
            let pieces = &pieces[..count];
            match ready!(connection.poll_write(cx, pieces)) {
                Ok(count) if count > 0 => self.advance(count),
                _ => {
                    self.is_broken = true;
                    self.body = None;
                }
            }
        }
    }

    fn is_written(&self) -> bool {
        self.written == self.out.len() && self.piece.is_empty() && self.piece_end.is_empty()
    }

    fn advance(&mut self, count: usize) {
        self.has_begun = true;
        let of_out = count.min(self.out.len() - self.written);
        self.written += of_out;
        let of_piece = (count - of_out).min(self.piece.len());
        self.piece.advance(of_piece);
        self.piece_end = &self.piece_end[count - of_out - of_piece..];
        if self.piece.is_empty() && !self.piece_end.is_empty() {
            // What is left fits behind anything.
            self.out.extend_from_slice(self.piece_end);
            self.piece_end = b"";
        }
        if self.written == self.out.len() {
            self.out.clear();
            self.written = 0;
        }
    }

    /// Takes what the body has, up to the bound.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), BodyGone> {
        while self.piece.is_empty() && self.out.len() < WAITING_MAX {
            let Some(body) = &mut self.body else {
                return Ok(());
            };
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(frame)) => self.put(frame?)?,
                Poll::Ready(None) => self.end(None)?,
            }
        }
        Ok(())
    }

    fn put(&mut self, frame: Frame<Bytes>) -> Result<(), BodyGone> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => return self.end(frame.trailers_ref()),
        };
        if data.is_empty() {
            return Ok(());
        }
        let end: &'static [u8] = match &mut self.framing {
            Framing::Empty => return Err(BodyGone),
            Framing::Sized(left) => {
                // More would be read as the next request.
                *left = left.checked_sub(data.len() as u64).ok_or(BodyGone)?;
                b""
            }
            Framing::Streamed => {
                // Writing to memory cannot fail.
                let _ = write!(self.out, "{:x}\r\n", data.len());
                b"\r\n"
            }
        };
        if data.len() <= COPIED_MAX {
            self.out.extend_from_slice(&data);
            self.out.extend_from_slice(end);
        } else {
            self.piece = data;
            self.piece_end = end;
        }
        Ok(())
    }

    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), BodyGone> {
        self.body = None;
        match self.framing {
            Framing::Sized(left) if left > 0 => Err(BodyGone),
            Framing::Sized(_) | Framing::Empty => Ok(()),
            Framing::Streamed => {
                self.out.extend_from_slice(b"0\r\n");
                for (name, value) in trailers.into_iter().flatten() {
                    if self.trailers.contains(name) {
                        self.out.put(name, value.as_bytes());
                    }
                }
                self.out.extend_from_slice(b"\r\n");
                Ok(())
            }
        }
    }
}
