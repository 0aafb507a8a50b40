//! How did a gRPC call go? Its `grpc-status` says, whatever the HTTP status is.

use http::HeaderMap;

use crate::sample::Outcome;

/// Not a status that a server sends by itself, but what a call without one has.
const UNKNOWN: u8 = 2;

/// The `grpc-status` of trailers, or of a head that is also the end.
pub(crate) fn status_of(headers: &HeaderMap) -> Option<u8> {
    let value = headers.get("grpc-status")?;
    let number = value.to_str().ok().and_then(|text| text.parse().ok());
    Some(number.unwrap_or(UNKNOWN))
}

/// The outcome of a call that has ended with `status`, and a word for what failed on the server.
///
/// None where there was no `grpc-status` and the HTTP status tells already that the call failed.
pub(crate) fn outcome(status: Option<u8>, http: u16) -> Option<(Outcome, Option<&'static str>)> {
    let failed = |word| Some((Outcome::ServerError, Some(word)));
    match status {
        None if http >= 400 => None,
        None | Some(UNKNOWN) => failed("UNKNOWN"),
        Some(0) => Some((Outcome::Success, None)),
        Some(4) => failed("DEADLINE_EXCEEDED"),
        Some(12) => failed("UNIMPLEMENTED"),
        Some(13) => failed("INTERNAL"),
        Some(14) => failed("UNAVAILABLE"),
        Some(15) => failed("DATA_LOSS"),
        Some(_) => Some((Outcome::ClientError, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: Option<&'static str>, http: u16, expected: Option<Outcome>) {
        let mut headers = HeaderMap::new();
        if let Some(status) = status {
            headers.insert("grpc-status", http::HeaderValue::from_static(status));
        }
        let found = outcome(status_of(&headers), http).map(|(outcome, _)| outcome);
        assert_eq!(found, expected, "{status:?} {http}");
    }

    #[test]
    fn the_grpc_status_decides() {
        check(Some("0"), 200, Some(Outcome::Success));
        check(Some("0"), 500, Some(Outcome::Success));
        check(Some("5"), 200, Some(Outcome::ClientError));
        for status in ["2", "4", "12", "13", "14", "15", "x", "-1", "999"] {
            check(Some(status), 200, Some(Outcome::ServerError));
        }
        check(None, 200, Some(Outcome::ServerError));
        check(None, 503, None);
    }
}
