//! What of gRPC a gateway has to understand.

use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode};

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Returns the gRPC status that a client is told for an HTTP status of the gateway's own.
///
/// gRPC's own table (`doc/http-grpc-status-mapping.md`): 400 → 13 (internal), 401 → 16
/// (unauthenticated), 403 → 7 (permission denied), 404 → 12 (unimplemented), 429, 502, 503 and 504
/// → 14 (unavailable), 200 → 0, any other → 2 (unknown).
pub fn grpc_status_of(status: StatusCode) -> u8 {
    match status.as_u16() {
        200 => 0,
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// Whether the head is of a gRPC call: `application/grpc`, with or without a format.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(is_grpc_type)
}

/// Whether a `Content-Type` is gRPC's.
pub(crate) fn is_grpc_type(value: &HeaderValue) -> bool {
    const TYPE: &[u8] = b"application/grpc";
    value
        .as_bytes()
        .split_at_checked(TYPE.len())
        .is_some_and(|(start, rest)| {
            // `application/grpc-web` is an ordinary request.
            start.eq_ignore_ascii_case(TYPE) && matches!(rest.first(), None | Some(b'+' | b';'))
        })
}

/// The client's own limit for the call: up to eight digits and a unit. A malformed one is none.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(GRPC_TIMEOUT)?.to_str().ok()?;
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if number.is_empty() || number.len() > 8 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = number.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_map_as_grpc_says() {
        let cases = [
            (401, 16),
            (403, 7),
            (404, 12),
            (429, 14),
            (502, 14),
            (503, 14),
            (504, 14),
        ];
        for (http, grpc) in cases {
            assert_eq!(
                grpc_status_of(StatusCode::from_u16(http).unwrap()),
                grpc,
                "{http}"
            );
        }
        assert_eq!(grpc_status_of(StatusCode::INTERNAL_SERVER_ERROR), 2);
        assert_eq!(grpc_status_of(StatusCode::OK), 0);
    }

    #[track_caller]
    fn check_timeout(text: &'static str, expected: Option<Duration>) {
        let mut headers = HeaderMap::new();
        headers.insert(GRPC_TIMEOUT, HeaderValue::from_static(text));
        assert_eq!(timeout(&headers), expected, "{text}");
    }

    #[test]
    fn the_clients_limit_is_read() {
        check_timeout("1H", Some(Duration::from_hours(1)));
        check_timeout("2M", Some(Duration::from_mins(2)));
        check_timeout("99999999S", Some(Duration::from_secs(99_999_999)));
        check_timeout("250m", Some(Duration::from_millis(250)));
        check_timeout("5u", Some(Duration::from_micros(5)));
        check_timeout("7n", Some(Duration::from_nanos(7)));
        for wrong in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "123456789S",
            "1.5S",
            "1 S",
        ] {
            check_timeout(wrong, None);
        }
    }

    #[test]
    fn grpc_is_told_by_its_type() {
        let is = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            is_grpc(&headers)
        };
        assert!(
            is("application/grpc") && is("Application/gRPC+proto") && is("application/grpc;a=b")
        );
        assert!(!is("application/grpc-web") && !is("application/json") && !is("application/grp"));
    }
}
