//! One request on an HTTP/2 connection, and what that says of one that it did not answer.

use std::error::Error;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;

use super::Failure;
use crate::feed::{Feed, RequestBody};
use crate::refusal::Refusal;

/// Waits for what hyper brings; `feed` is what brings the request's body.
pub(super) async fn exchange(
    sent: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
    feed: Option<&Feed>,
) -> Result<Response<Incoming>, Failure> {
    match sent.await {
        // An interim answer where the answer itself belongs: nothing that could be passed on.
        Ok(response) if response.status().is_informational() => Err(malformed()),
        Ok(response) => Ok(response),
        Err(error) => Err(failure(&error, feed)),
    }
}

/// Why `feed`'s request was not answered, and what of it went out.
fn failure(error: &TrySendError<Request<RequestBody>>, feed: Option<&Feed>) -> Failure {
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
        refusal: refusal_of(error, feed),
        // The endpoint says that it did not look at it (RFC 9113 §8.7).
        unsent: returned || refused,
        unanswered: true,
        broken: !cause.is_some_and(h2::Error::is_reset),
    }
}

/// The failure of an answer that makes no sense.
fn malformed() -> Failure {
    Failure {
        refusal: Refusal::Malformed,
        unsent: false,
        unanswered: false,
        broken: false,
    }
}

fn refusal_of(error: &hyper::Error, feed: Option<&Feed>) -> Refusal {
    if feed.is_some_and(Feed::has_failed) {
        Refusal::RequestBody
    } else if error.is_parse() {
        Refusal::Malformed
    } else {
        Refusal::ConnectionLost
    }
}
