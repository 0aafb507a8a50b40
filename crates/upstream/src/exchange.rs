//! One request on one connection.
//!
//! This is the seam between what a request wants and how a connection is spoken to: a head and a
//! body go in, a head and a body come out, and the connection is free again at the body's clean end,
//! or dropped.

mod http2;
mod patience;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use self::patience::Patience;
use crate::alarm::Alarms;
use crate::endpoint::Endpoint;
use crate::feed::{Feed, RequestBody};
use crate::forward::deadline::Limits;
use crate::forward::names::Names;
use crate::forward::request::{Framing, Http2Head};
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
    fn unsent() -> Self {
        Self {
            refusal: Refusal::ConnectionLost,
            unsent: true,
            unanswered: true,
            broken: false,
        }
    }

    fn timeout() -> Self {
        Self {
            refusal: Refusal::ResponseTimeout,
            unsent: false,
            unanswered: false,
            broken: false,
        }
    }
}

/// A request's head, in the form that its upstream's endpoints want.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// As it is sent. It holds nothing of what the client sent, whose connection can read on into the same buffer.
    Http1(http1::Head),
    /// What each try's is made of.
    Http2(Box<Http2Head>),
}

/// What goes out: a head for an endpoint, and a body.
pub(crate) struct Sent<'a> {
    /// Whether it is a `HEAD`.
    pub(crate) asked_head: bool,
    pub(crate) head: &'a Outgoing,
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
pub(crate) fn exchange<'a>(
    wire: &'a mut Wire,
    sent: Sent<'a>,
    (buffers, alarms): (&'a Buffers, &'a Arc<Alarms>),
    limits: &'a Limits,
    clock: fn() -> Instant,
) -> Exchanging<'a> {
    let Sent {
        asked_head,
        head,
        endpoint,
        body,
        framing,
        feed,
        ended,
    } = sent;
    let kind = match (wire, head) {
        (Wire::Http1(connection), Outgoing::Http1(head)) => {
            let sent = (head, endpoint, asked_head);
            Kind::Http1(http1::Exchange::new(
                connection,
                buffers,
                sent,
                (body, framing),
            ))
        }
        (Wire::Http2(stream), Outgoing::Http2(head)) => {
            let request = head.request(endpoint, body);
            let sender = &mut stream.sender;
            Kind::Http2(Box::pin(http2::exchange(
                sender.try_send_request(request),
                feed,
            )))
        }
        // An upstream's endpoints all speak what its settings say.
        (Wire::Http1(_), Outgoing::Http2(_)) | (Wire::Http2(_), Outgoing::Http1(_)) => Kind::Mixed,
    };
    Exchanging {
        kind,
        patience: Patience::new(feed, ended, limits, clock, alarms),
    }
}

/// An exchange under way. By hand and not an `async fn`, for whoever waits for an answer keeps it.
pub(crate) struct Exchanging<'a> {
    kind: Kind<'a>,
    patience: Patience<'a>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are of the large kind"
)]
enum Kind<'a> {
    Mixed,
    Http1(http1::Exchange<'a>),
    // Boxed, for hyper's future has no name.
    Http2(Pin<Box<dyn Future<Output = Result<Response<Incoming>, Failure>> + Send + 'a>>),
}

impl Future for Exchanging<'_> {
    type Output = Result<(Response<Received>, Names), Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = match &mut this.kind {
            Kind::Mixed => Poll::Ready(Err(Failure::unsent())),
            Kind::Http1(exchange) => exchange
                .poll(cx)
                .map_ok(|(answer, names)| (answer.map(Received::Http1), names)),
            Kind::Http2(answer) => answer.as_mut().poll(cx).map_ok(|answer| {
                let names = Names::of(answer.headers());
                (answer.map(Received::Http2), names)
            }),
        };
        if polled.is_ready() {
            return polled;
        }
        let late = this.patience.poll(cx);
        late.map(|()| Err(Failure::timeout()))
    }
}
