//! One request on a connection, up to the response head.

use std::task::{Context, Poll, ready};

use http::Response;

use super::body::Body;
use super::buffers::Buffers;
use super::connection::Connection;
use super::head::{self, Answer, Parsed};
use super::request::Head;
use super::sending::Sending;
use crate::endpoint::Endpoint;
use crate::exchange::Failure;
use crate::feed::RequestBody;
use crate::forward::names::Names;
use crate::forward::request::Framing;
use crate::refusal::Refusal;

/// More interim answers to one request than anyone has a use for.
const INTERIM_MAX: u32 = 64;

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Exchange<'a> {
    connection: &'a mut Connection,
    buffers: &'a Buffers,
    /// None when nothing more is to be written.
    sending: Option<Sending>,
    sent: Sent,
    asked_head: bool,
    /// The number of the endpoint.
    endpoint: u64,
    /// The part of a head that has come.
    collected: Vec<u8>,
    interim: u32,
    /// Whether a byte of an answer was seen.
    is_answered: bool,
}

/// How much of the request went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Part,
    All,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        buffers: &'a Buffers,
        (head, endpoint, asked_head): (&Head, &Endpoint, bool),
        (body, framing): (RequestBody, Framing),
    ) -> Self {
        connection.set_free(false);
        Self {
            connection,
            buffers,
            sending: Some(Sending::new(head, endpoint, body, framing, buffers)),
            sent: Sent::Nothing,
            asked_head,
            endpoint: endpoint.id(),
            collected: Vec::new(),
            interim: 0,
            is_answered: false,
        }
    }

    /// Sends on and looks for the head.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(Response<Body>, Names), Failure>> {
        if let Some(sending) = &mut self.sending {
            let ended = sending.poll(self.connection, cx);
            self.sent = if sending.is_unsent() {
                Sent::Nothing
            } else if sending.is_complete() {
                Sent::All
            } else {
                Sent::Part
            };
            if let Poll::Ready(ended) = ended {
                sending.release(self.buffers);
                self.sending = None;
                if ended.is_err() {
                    return Poll::Ready(Err(self.failure(Refusal::RequestBody)));
                }
            }
        }
        let buffers = self.buffers;
        loop {
            let read = ready!(buffers.with_room(|room| self.poll_head(cx, room)));
            match read {
                Ok(None) => {}
                Ok(Some(answer)) => return Poll::Ready(Ok(self.answer(answer))),
                Err(refusal) => return Poll::Ready(Err(self.failure(refusal))),
            }
        }
    }

    fn failure(&self, refusal: Refusal) -> Failure {
        Failure {
            refusal,
            unsent: self.sent == Sent::Nothing,
            unanswered: !self.is_answered,
            broken: true,
        }
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        room: &mut [u8],
    ) -> Poll<Result<Option<Answer>, Refusal>> {
        let lost = if self.is_answered {
            Refusal::Incomplete
        } else {
            Refusal::ConnectionLost
        };
        let count = match ready!(self.connection.poll_read(cx, room)) {
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(lost)),
        };
        self.is_answered = true;
        let read = &room[..count];
        if self.collected.is_empty() {
            return Poll::Ready(self.parse(read));
        }
        let mut collected = std::mem::take(&mut self.collected);
        collected.extend_from_slice(read);
        if !read.contains(&b'\n') && collected.len() <= head::HEAD_MAX {
            // No line has ended, so there is nothing new to see: a head that comes byte by byte is not parsed at each.
            self.collected = collected;
            return Poll::Ready(Ok(None));
        }
        Poll::Ready(self.parse(&collected))
    }

    fn parse(&mut self, mut bytes: &[u8]) -> Result<Option<Answer>, Refusal> {
        while !bytes.is_empty() {
            let mut shapes = self.buffers.shapes();
            match shapes.parse(bytes, self.asked_head, self.endpoint)? {
                Parsed::Partial => break,
                Parsed::Final(answer) => return Ok(Some(answer)),
                Parsed::Interim(length) => {
                    self.interim += 1;
                    if self.interim > INTERIM_MAX {
                        return Err(Refusal::Malformed);
                    }
                    bytes = &bytes[length..];
                }
            }
        }
        self.collected = bytes.to_vec();
        Ok(None)
    }

    fn answer(&mut self, answer: Answer) -> (Response<Body>, Names) {
        let Answer {
            head,
            length,
            persists,
            keep_alive,
            names,
            rest,
        } = answer;
        self.connection.keep_alive = keep_alive;
        let sending = self.sending.take();
        let persists = persists && (self.sent == Sent::All || sending.is_some());
        let body = Body::new(length, rest, persists, sending, self.connection);
        (Response::from_parts(head, body), names)
    }
}
