//! One request on one connection.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use tokio::time::Sleep;

use crate::feed::{Feed, RequestBody, Standing};
use crate::forward::deadline::Limits;
use crate::pool::http1::Line;
use crate::pool::http2::Stream;
use crate::refusal::Refusal;

/// The connection that a try has.
#[derive(Debug)]
pub(crate) enum Wire {
    Http1(Box<Line>),
    Http2(Stream),
}

impl Wire {
    /// Whether it served others before, so that it may be dead without anyone's fault.
    pub(crate) fn was_kept(&self) -> bool {
        match self {
            Self::Http1(line) => line.used,
            Self::Http2(stream) => stream.used,
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
    fn of(refusal: Refusal) -> Self {
        Self {
            refusal,
            unsent: false,
            unanswered: false,
            broken: false,
        }
    }
}

/// Sends `request` and waits for the response head as long as `limits` allow.
///
/// `feed` brings the request's body, `ended` is when a request without one had ended. Dropping the
/// future and the wire ends the exchange: on HTTP/1 by closing the connection.
pub(crate) async fn exchange(
    wire: &mut Wire,
    request: Request<RequestBody>,
    feed: Option<&Feed>,
    ended: Instant,
    limits: &Limits,
    clock: fn() -> Instant,
) -> Result<Response<Incoming>, Failure> {
    let mut patience = pin!(Patience {
        feed,
        ended,
        limits,
        clock,
        on_client: false,
        progress: 0,
        moved: clock(),
        sleep: None,
    });
    match wire {
        Wire::Http1(line) => {
            let (written, read) = (line.meter().written(), line.meter().read());
            let mut sent = pin!(line.sender.try_send_request(request));
            let answer = poll_fn(|cx| {
                let ended = line.poll(cx).is_ready();
                // Nothing but the line itself can complete it, so it need not wake anyone.
                let mut quiet = Context::from_waker(Waker::noop());
                match sent.as_mut().poll(&mut quiet) {
                    Poll::Ready(answer) => Poll::Ready(Ok(answer)),
                    // The line's end completes it; were it not so, nothing would ever wake us.
                    Poll::Pending if ended => Poll::Ready(Err(Refusal::ConnectionLost)),
                    Poll::Pending => {
                        let late = patience.as_mut().poll(cx);
                        late.map(|()| Err(Refusal::ResponseTimeout))
                    }
                }
            })
            .await;
            let unanswered = line.meter().read() == read;
            match answer {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(Failure {
                    refusal: refusal_of(error.error(), feed, unanswered),
                    unsent: line.meter().written() == written,
                    unanswered,
                    broken: true,
                }),
                Err(refusal) => Err(Failure::of(refusal)),
            }
        }
        Wire::Http2(stream) => {
            let mut sent = pin!(stream.sender.try_send_request(request));
            let answer = poll_fn(|cx| match sent.as_mut().poll(cx) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => patience.as_mut().poll(cx).map(|()| None),
            })
            .await;
            match answer {
                Some(Ok(response)) => Ok(response),
                Some(Err(error)) => Err(http2_failure(&error, feed)),
                None => Err(Failure::of(Refusal::ResponseTimeout)),
            }
        }
    }
}

fn http2_failure(error: &TrySendError<Request<RequestBody>>, feed: Option<&Feed>) -> Failure {
    let returned = error.message().is_some();
    let error = error.error();
    let cause = error.source().and_then(<dyn Error>::downcast_ref);
    let refused = cause.is_some_and(|cause: &h2::Error| {
        cause.reason() == Some(h2::Reason::REFUSED_STREAM)
            || (cause.is_go_away()
                && cause.is_remote()
                && cause.reason() == Some(h2::Reason::NO_ERROR))
    });
    Failure {
        refusal: refusal_of(error, feed, true),
        // The endpoint says that it did not look at it (RFC 9113 §8.7).
        unsent: returned || refused,
        unanswered: true,
        broken: !cause.is_some_and(h2::Error::is_reset),
    }
}

fn refusal_of(error: &hyper::Error, feed: Option<&Feed>, unanswered: bool) -> Refusal {
    if feed.is_some_and(Feed::has_failed) {
        Refusal::RequestBody
    } else if error.is_parse_too_large() {
        Refusal::HeadTooLarge
    } else if error.is_parse() {
        Refusal::Malformed
    } else if unanswered {
        Refusal::ConnectionLost
    } else {
        Refusal::Incomplete
    }
}

pin_project_lite::pin_project! {
    /// Waits until a limit has passed. The timer is made when there is something to wait for, and
    /// moved only when it fires.
    struct Patience<'a> {
        feed: Option<&'a Feed>,
        ended: Instant,
        limits: &'a Limits,
        clock: fn() -> Instant,
        on_client: bool,
        progress: u64,
        moved: Instant,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl Future for Patience<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let standing = match this.feed {
            None => Standing {
                on_client: false,
                progress: 0,
                ended_at: Some(*this.ended),
            },
            Some(feed) => feed.standing(),
        };
        // The upstream's time begins anew with each piece that it took, and when the client, whose
        // turn it was, has done its part.
        if standing.on_client != *this.on_client || standing.progress != *this.progress {
            *this.on_client = standing.on_client;
            *this.progress = standing.progress;
            *this.moved = (this.clock)();
        }
        loop {
            let Some(end) = this.limits.next(&standing, *this.moved) else {
                this.sleep.set(None);
                return Poll::Pending;
            };
            let end = tokio::time::Instant::from_std(end);
            match this.sleep.as_mut().as_pin_mut() {
                None => this.sleep.set(Some(tokio::time::sleep_until(end))),
                Some(sleep) if sleep.deadline() > end => sleep.reset(end),
                Some(_) => {}
            }
            let Some(sleep) = this.sleep.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            let until = sleep.deadline();
            if sleep.poll(cx).is_pending() {
                return Poll::Pending;
            }
            if until >= end {
                return Poll::Ready(());
            }
            // It was set for an earlier end, which has moved on since.
            this.sleep.set(Some(tokio::time::sleep_until(end)));
        }
    }
}
