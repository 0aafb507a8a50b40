//! The body of an answer, as it comes in.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::Cut;
use super::buffers::Buffers;
use super::chunked::{Decoder, Step};
use super::connection::Connection;
use super::head::Length;
use super::sending::Sending;

/// What is still to come on a connection.
#[derive(Debug)]
pub(crate) struct Body {
    framing: Framing,
    /// What was read and not passed on.
    rest: Bytes,
    persists: bool,
    /// The request, where it is answered before it has ended.
    sending: Option<Box<Sending>>,
    expects_much: bool,
}

#[derive(Debug)]
enum Framing {
    Sized(u64),
    Chunked(Decoder),
    UntilClose,
    Done,
}

impl Body {
    pub(super) fn new(
        length: Length,
        mut rest: Bytes,
        mut persists: bool,
        sending: Option<Sending>,
        connection: &mut Connection,
    ) -> Self {
        let framing = match length {
            Length::Sized(length) => {
                if length > 0 && rest.len() as u64 > length {
                    // Nobody knows whose they are, so nothing follows them.
                    persists = false;
                    rest.truncate(usize::try_from(length).unwrap_or(usize::MAX));
                }
                // Behind a head without a body they stay: after a 101 they are the tunnel's.
                Framing::Sized(length)
            }
            Length::Chunked => Framing::Chunked(Decoder::default()),
            Length::UntilClose => Framing::UntilClose,
        };
        // The rest of a large body comes in large pieces.
        let expects_much = matches!(length, Length::Sized(length) if length > rest.len() as u64);
        let mut body = Self {
            framing,
            rest,
            persists,
            sending: sending.map(Box::new),
            expects_much,
        };
        if matches!(body.framing, Framing::Sized(0)) {
            body.finish(connection);
        }
        body
    }

    /// Takes the body where all of it is there and the request has ended, so that its connection is free at once.
    pub(crate) fn take_whole(&mut self, connection: &mut Connection) -> Option<Bytes> {
        if self.sending.is_some() {
            return None;
        }
        let whole = match &self.framing {
            Framing::Done => return Some(Bytes::new()),
            Framing::Sized(length) if *length == self.rest.len() as u64 => {
                std::mem::take(&mut self.rest)
            }
            Framing::Chunked(decoder) => {
                let (mut decoder, mut rest) = (decoder.clone(), self.rest.clone());
                let whole = match decoder.step(&mut rest) {
                    Ok(Step::End) => Bytes::new(),
                    Ok(Step::Data(data)) if decoder.step(&mut rest) == Ok(Step::End) => data,
                    _ => return None,
                };
                self.rest = rest;
                whole
            }
            Framing::Sized(_) | Framing::UntilClose => return None,
        };
        self.finish(connection);
        Some(whole)
    }

    /// The bytes behind the head of a 101.
    pub(crate) fn into_early(self) -> Bytes {
        self.rest
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        matches!(self.framing, Framing::Done)
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Done => SizeHint::with_exact(0),
            Framing::Sized(left) => SizeHint::with_exact(left),
            Framing::Chunked(_) | Framing::UntilClose => SizeHint::default(),
        }
    }

    /// The next piece, read from `connection`, which is free after the last.
    pub(crate) fn poll_frame(
        &mut self,
        connection: &mut Connection,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(sending) = &mut self.sending
            && let Poll::Ready(sent) = sending.poll(connection, cx)
        {
            self.persists &= sending.is_complete();
            self.sending = None;
            if sent.is_err() {
                return Poll::Ready(Some(Err(Cut)));
            }
        }
        loop {
            match &mut self.framing {
                Framing::Done => return Poll::Ready(None),
                Framing::Sized(_) | Framing::UntilClose if !self.rest.is_empty() => {
                    let data = std::mem::take(&mut self.rest);
                    return Poll::Ready(Some(Ok(self.plain(data, connection))));
                }
                Framing::Sized(_) | Framing::UntilClose => {}
                Framing::Chunked(decoder) => match decoder.step(&mut self.rest) {
                    Err(cut) => return Poll::Ready(Some(Err(cut))),
                    Ok(Step::Data(data)) => {
                        if self.ends_here() {
                            self.finish(connection);
                        }
                        return Poll::Ready(Some(Ok(Frame::data(data))));
                    }
                    Ok(Step::Trailers(trailers)) => {
                        self.finish(connection);
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Ok(Step::End) => {
                        self.finish(connection);
                        return Poll::Ready(None);
                    }
                    Ok(Step::More) => {}
                },
            }
            let want = match self.framing {
                Framing::Sized(left) => left,
                _ => u64::MAX,
            };
            let piece = ready!(connection.poll_piece(cx, want, &mut self.expects_much, buffers));
            match piece {
                Ok(piece) if !piece.is_empty() => self.rest = piece,
                Ok(_) if matches!(self.framing, Framing::UntilClose) => {
                    self.framing = Framing::Done;
                    return Poll::Ready(None);
                }
                _ => return Poll::Ready(Some(Err(Cut))),
            }
        }
    }

    fn plain(&mut self, data: Bytes, connection: &mut Connection) -> Frame<Bytes> {
        if let Framing::Sized(left) = &mut self.framing {
            *left -= data.len() as u64;
            if *left == 0 {
                self.finish(connection);
            }
        }
        Frame::data(data)
    }

    /// Whether the end of the coding was read already: who asks whether more will come shall not have to wait for it.
    fn ends_here(&mut self) -> bool {
        let Framing::Chunked(decoder) = &self.framing else {
            return false;
        };
        if self.rest.is_empty() {
            return false;
        }
        let mut rest = self.rest.clone();
        let ends = decoder.clone().step(&mut rest) == Ok(Step::End);
        if ends {
            self.rest = rest;
        }
        ends
    }

    fn finish(&mut self, connection: &mut Connection) {
        self.framing = Framing::Done;
        connection.set_free(self.persists && self.sending.is_none() && self.rest.is_empty());
    }
}
