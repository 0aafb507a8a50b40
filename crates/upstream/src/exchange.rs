//! One request on one connection.
//!
//! This is the seam between what a request wants and how a connection is spoken to: a head and a
//! body go in, a head and a body come out, and the connection is free again at the body's clean end,
//! or dropped.

mod http2;
mod patience;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use self::patience::Patience;
use crate::endpoint::Endpoint;
use crate::feed::{Feed, RequestBody};
use crate::forward::deadline::Limits;
use crate::forward::request::{Framing, Head};
use crate::http1::{self, Buffers, Connection, Cut};
use crate::pool::http2::Stream;
use crate::refusal::Refusal;

/// The connection that a try has.
#[derive(Debug)]
pub(crate) enum Wire {
    Http1(Connection),
    Http2(Stream),
}

impl Wire {
    /// Whether it served others before, so that it may be dead without anyone's fault.
    pub(crate) fn was_kept(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.used,
            Self::Http2(stream) => stream.used,
        }
    }
}

/// The body of an answer, as its connection brings it.
#[derive(Debug)]
pub(crate) enum Received {
    Http1(http1::Body),
    Http2(Incoming),
}

impl Received {
    /// Takes the body where all of it is there and `wire` needs nothing more of the exchange.
    pub(crate) fn take_whole(&mut self, wire: &mut Wire) -> Option<Bytes> {
        match (self, wire) {
            (Self::Http1(body), Wire::Http1(connection)) => body.take_whole(connection),
            (Self::Http2(incoming), _) => incoming.is_end_stream().then(Bytes::new),
            (Self::Http1(_), Wire::Http2(_)) => None,
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(incoming) => incoming.is_end_stream(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(incoming) => incoming.size_hint(),
        }
    }

    /// The next piece. An HTTP/1 body is read from `wire`; an HTTP/2 connection drives itself.
    pub(crate) fn poll_frame(
        &mut self,
        wire: &mut Wire,
        buffers: &Buffers,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match (self, wire) {
            (Self::Http1(body), Wire::Http1(connection)) => {
                body.poll_frame(connection, buffers, cx)
            }
            (Self::Http2(incoming), _) => Pin::new(incoming)
                .poll_frame(cx)
                .map_err(|_: hyper::Error| Cut),
            (Self::Http1(_), Wire::Http2(_)) => Poll::Ready(Some(Err(Cut))),
        }
    }
}

/// Why a connection brought no response head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) refusal: Refusal,
    /// Nothing of the request was written, so any request may be sent again.
    pub(crate) unsent: bool,
    /// No byte of an answer was seen.
    pub(crate) unanswered: bool,
    /// The connection takes no further request (HTTP/2).
    pub(crate) broken: bool,
}

impl Failure {
    fn timeout() -> Self {
        Self {
            refusal: Refusal::ResponseTimeout,
            unsent: false,
            unanswered: false,
            broken: false,
        }
    }
}

/// What goes out: a head for an endpoint, and a body.
pub(crate) struct Sent<'a> {
    pub(crate) head: &'a Head,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) body: RequestBody,
    pub(crate) framing: Framing,
    /// What brings the body.
    pub(crate) feed: Option<&'a Feed>,
    /// When a request without a body had ended.
    pub(crate) ended: Instant,
}

/// Sends a request and waits for the response head as long as `limits` allow.
///
/// Dropping the future and the wire ends the exchange: on HTTP/1 by closing the connection.
pub(crate) async fn exchange(
    wire: &mut Wire,
    sent: Sent<'_>,
    buffers: &Buffers,
    limits: &Limits,
    clock: fn() -> Instant,
) -> Result<Response<Received>, Failure> {
    let Sent {
        head,
        endpoint,
        body,
        framing,
        feed,
        ended,
    } = sent;
    let mut patience = pin!(Patience::new(feed, ended, limits, clock));
    match wire {
        Wire::Http1(connection) => {
            let mut exchange =
                http1::Exchange::new(connection, buffers, (head, endpoint), (body, framing));
            poll_fn(|cx| match exchange.poll(cx) {
                Poll::Ready(answer) => {
                    Poll::Ready(answer.map(|answer| answer.map(Received::Http1)))
                }
                Poll::Pending => {
                    let late = patience.as_mut().poll(cx);
                    late.map(|()| Err(Failure::timeout()))
                }
            })
            .await
        }
        Wire::Http2(stream) => {
            let request = head.request(endpoint, body);
            let mut sent = pin!(stream.sender.try_send_request(request));
            let answer = poll_fn(|cx| match sent.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => patience.as_mut().poll(cx).map(|()| None),
            })
            .await;
            match answer {
                // An interim answer where the answer itself belongs: nothing that could be passed on.
                Some(Ok(response)) if response.status().is_informational() => {
                    Err(http2::malformed())
                }
                Some(Ok(response)) => Ok(response.map(Received::Http2)),
                Some(Err(error)) => Err(http2::failure(&error, feed)),
                None => Err(Failure::timeout()),
            }
        }
    }
}
