//! One request being watched, from its parsed head to its last piece.
//!
//! The response time leaves out what is the client's: the time between a piece handed over and the
//! next one asked for, and the time that a read of its content waited. What is left is ours and the
//! upstream's, so a slow client makes no route slow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http::{Method as HttpMethod, Response, StatusCode};

use crate::grpc;
use crate::method::Method;
use crate::sample::{Outcome, Sample, SlotIndex};
use crate::shard::Shard;
use crate::subject::{Ended, Subject};
use crate::upload::Upload;

/// The status of a request whose client left before the head.
const CLIENT_LEFT: u16 = 499;

/// Counts its request when it ends, or when it is dropped before: it lives in the future, then in
/// the body.
#[derive(Debug)]
pub(crate) struct Observation {
    shard: Arc<Shard>,
    clock: fn() -> Instant,
    subject: Arc<dyn Subject>,
    slot: SlotIndex,
    counted: bool,
    method: Method,
    started: Instant,
    upload: Option<Arc<Upload>>,
    head: Option<Head>,
    /// When the last piece was handed over, until the next one is asked for.
    handed: Option<Instant>,
    waited: Duration,
    sent: u64,
    ended: bool,
}

#[derive(Debug)]
struct Head {
    status: StatusCode,
    kind: Kind,
    /// The length that ends the body, where it is known.
    length: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Ends with a `grpc-status`, which may have come with the head.
    Grpc(Option<u8>),
    /// Has no response time: counted at its head.
    Stream,
}

/// Why a request is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Complete,
    ClientLeft,
    /// It failed on our side, for a reason with this name.
    Broken(&'static str),
}

impl Observation {
    pub(crate) fn start(
        shard: Arc<Shard>,
        (clock, started): (fn() -> Instant, Instant),
        subject: Arc<dyn Subject>,
        method: &HttpMethod,
        upload: Option<Arc<Upload>>,
    ) -> Self {
        let (slot, counted) = (subject.slot(), subject.counted());
        if counted {
            shard.enter(slot);
        }
        Self {
            shard,
            clock,
            subject,
            slot,
            counted,
            method: method.into(),
            started,
            upload,
            head: None,
            handed: None,
            waited: Duration::ZERO,
            sent: 0,
            ended: false,
        }
    }

    /// The head is there. `empty` says that the body has nothing, `exact` how long it is.
    pub(crate) fn head<B>(&mut self, response: &Response<B>, empty: bool, exact: Option<u64>) {
        let status = response.status();
        let tunnel = status == StatusCode::SWITCHING_PROTOCOLS
            || (self.method == Method::Connect && status.is_success());
        // hyper drops such a body without a poll; that is no client who left.
        let bodiless = self.method == Method::Head
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let kind = if tunnel {
            Kind::Stream
        } else {
            kind_of(response.headers())
        };
        let length = match kind {
            // Trailers may follow, and they decide.
            Kind::Grpc(_) => None,
            _ => exact.or_else(|| content_length(response.headers())),
        };
        self.head = Some(Head {
            status,
            kind,
            length,
        });
        if kind == Kind::Stream && self.counted {
            let now = (self.clock)();
            let spent = now.saturating_duration_since(self.started);
            self.shard.record(&self.sample((now, spent), End::Complete));
        }
        if tunnel || bodiless || empty || length == Some(0) {
            self.end(End::Complete);
        }
    }

    /// A further piece is asked for.
    pub(crate) fn asked(&mut self) {
        if let Some(handed) = self.handed.take() {
            self.waited += (self.clock)().saturating_duration_since(handed);
        }
    }

    /// A piece of `bytes` goes out; `last` says that the body has no other.
    pub(crate) fn handed(&mut self, bytes: usize, last: bool) {
        self.sent += bytes as u64;
        let length = self.head.as_ref().and_then(|head| head.length);
        // A body of a known length is not asked again after its last byte.
        if last || length.is_some_and(|length| self.sent >= length) {
            self.complete();
        } else {
            self.handed = Some((self.clock)());
        }
    }

    /// Trailers go out: always the last there is.
    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(Head {
            kind: Kind::Grpc(status),
            ..
        }) = &mut self.head
        {
            *status = grpc::status_of(trailers).or(*status);
        }
        self.complete();
    }

    /// The body has nothing more.
    pub(crate) fn complete(&mut self) {
        self.end(End::Complete);
    }

    /// The body broke off.
    pub(crate) fn body_failed(&mut self) {
        self.end(End::Broken("incomplete_body"));
    }

    /// There is no head because the service failed.
    pub(crate) fn service_failed(&mut self) {
        self.end(End::Broken("service_error"));
    }

    fn end(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let now = (self.clock)();
        let spent = now.saturating_duration_since(self.started);
        let sample = self.sample((now, spent), end);
        if self.counted {
            if self.kind() == Kind::Stream {
                self.shard
                    .add_bytes(self.slot, sample.request_bytes, sample.response_bytes);
            } else {
                self.shard.record(&sample);
            }
            self.shard.remember(&sample, self.subject.caller());
            self.shard.leave(self.slot);
        }
        self.subject.ended(&Ended {
            method: sample.method,
            status: sample.status,
            outcome: sample.outcome,
            aborted: sample.outcome == Outcome::Aborted,
            broken: matches!(end, End::Broken(_)),
            response_time: sample.response_time,
            total_time: spent,
            request_bytes: sample.request_bytes,
            response_bytes: sample.response_bytes,
            error_type: sample.error_type,
            at: now,
        });
    }

    fn kind(&self) -> Kind {
        self.head.as_ref().map_or(Kind::Plain, |head| head.kind)
    }

    fn sample(&self, (now, spent): (Instant, Duration), end: End) -> Sample {
        let stands_for = self.subject.stands_for();
        let status = match (&self.head, end) {
            _ if stands_for.is_some() => stands_for.unwrap_or_default(),
            (Some(head), _) => head.status.as_u16(),
            (None, End::ClientLeft) => CLIENT_LEFT,
            (None, _) => StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
        };
        let grpc = match self.kind() {
            Kind::Grpc(told) if stands_for.is_none() => grpc::outcome(told, status),
            _ => None,
        };
        let outcome = match end {
            _ if stands_for == Some(CLIENT_LEFT) => Outcome::Aborted,
            End::ClientLeft => Outcome::Aborted,
            End::Broken(_) => Outcome::ServerError,
            End::Complete => {
                grpc.map_or_else(|| Outcome::of_status(status), |(outcome, _)| outcome)
            }
        };
        let error_type = match outcome {
            Outcome::Success | Outcome::Aborted => None,
            _ => self.subject.error_type().or(match end {
                End::Broken(word) => Some(word),
                _ => grpc.and_then(|(_, word)| word),
            }),
        };
        let (request_bytes, reading) = match &self.upload {
            Some(upload) => (upload.bytes(), upload.waited()),
            None => (0, Duration::ZERO),
        };
        let response_time = (self.kind() != Kind::Stream)
            .then(|| spent.saturating_sub(self.waited).saturating_sub(reading));
        let mut sample = Sample::new(self.slot, status, Duration::ZERO, now);
        sample.response_time = response_time;
        sample.method = self.method;
        sample.outcome = outcome;
        sample.request_bytes = request_bytes;
        sample.response_bytes = self.sent;
        sample.cache = self.subject.cache();
        sample.arms = self.subject.arms();
        sample.error_type = error_type;
        sample.secure = self.subject.scheme() == "https";
        sample
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.asked(); // The client did not take what it was offered last.
        self.end(if std::thread::panicking() {
            End::Broken("panic")
        } else {
            End::ClientLeft
        });
    }
}

fn kind_of(headers: &HeaderMap) -> Kind {
    let content_type = headers
        .get(CONTENT_TYPE)
        .map_or(&b""[..], |value| value.as_bytes());
    let is = |name: &str, ends: &[u8]| {
        let Some((start, rest)) = content_type.split_at_checked(name.len()) else {
            return false;
        };
        let ended = rest.first().is_none_or(|next| ends.contains(next));
        ended && start.eq_ignore_ascii_case(name.as_bytes())
    };
    if is("text/event-stream", b"; \t") {
        Kind::Stream
    } else if is("application/grpc", b"+; \t") {
        Kind::Grpc(grpc::status_of(headers))
    } else {
        Kind::Plain
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
