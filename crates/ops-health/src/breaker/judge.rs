//! Is this response a failure of the part behind? By its status, for gRPC by the call's own.

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};

use super::Breaker;
use super::settings::BreakerSettings;
use super::state::CallOutcome;

/// The head of a response.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub headers: &'a HeaderMap,
    /// What the service behind says of it.
    pub extensions: &'a Extensions,
}

/// What a response's head says about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// How it went.
    Known(CallOutcome),
    /// A gRPC call whose status comes in the trailers.
    InTrailers,
}

impl Breaker {
    /// Judges a response by the settings: a status of `failure_statuses` is a failure, and any other an answer. For
    /// `application/grpc` the `grpc-status` goes before it where there is one: 4 and 14 are failures.
    pub fn judge(&self, head: ResponseHead<'_>) -> Judgement {
        let grpc = is_grpc(head.headers);
        if grpc && let Some(outcome) = grpc_outcome(head.headers) {
            return Judgement::Known(outcome);
        }
        if is_error(head.status) && fails(&self.settings.read(), head.status) {
            Judgement::Known(CallOutcome::Failure)
        } else if grpc && head.status == StatusCode::OK {
            Judgement::InTrailers
        } else {
            Judgement::Known(CallOutcome::Success)
        }
    }
}

/// How a gRPC call went by its trailers, or by a head that is all; none where they do not say.
pub(super) fn grpc_outcome(fields: &HeaderMap) -> Option<CallOutcome> {
    let status = fields.get("grpc-status")?.as_bytes();
    Some(match status {
        // DEADLINE_EXCEEDED and UNAVAILABLE.
        b"4" | b"14" => CallOutcome::Failure,
        _ => CallOutcome::Success,
    })
}

/// Whether the message is gRPC's; gRPC-Web, which has its trailers in the body, is not.
fn is_grpc(headers: &HeaderMap) -> bool {
    const GRPC: &[u8] = b"application/grpc";
    let Some(kind) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else {
        return false;
    };
    let (Some(start), next) = (kind.get(..GRPC.len()), kind.get(GRPC.len())) else {
        return false;
    };
    start.eq_ignore_ascii_case(GRPC) && next.is_none_or(|next| b"+; \t".contains(next))
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

fn fails(settings: &BreakerSettings, status: StatusCode) -> bool {
    settings.failure_statuses.contains(&status.as_u16())
}
