//! The text of a problem document, and the gRPC answer that stands for one.
use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

use super::reason::Reason;
use crate::ids::{Ids, REQUEST_ID};
use crate::trip::Trip;

const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// RFC 9457 §3.1, with the request's id and the error's word as extension members (§3.2).
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'a str>,
    error: &'a str,
    #[serde(rename = "requestId")]
    request_id: &'a str,
}

/// Gives a refusal its body; the fields that the refusing layer set stay.
pub(super) fn write(mut parts: Parts, reason: &Reason, trip: &Trip) -> (Parts, Option<Bytes>) {
    let fields = &mut parts.headers;
    fields.insert(REQUEST_ID, trip.edge.ids.request_id());
    fields.insert(PROXY_STATUS, upstream::proxy_status(reason.word));
    if trip.edge.grpc {
        // Trailers-only: what would be trailers are the fields of an answer without a body.
        trip.set_stands_for(parts.status.as_u16());
        let status = upstream::grpc_status_of(parts.status);
        parts.status = StatusCode::OK;
        fields.remove(CONTENT_LENGTH);
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        fields.insert(GRPC_STATUS, HeaderValue::from(u16::from(status)));
        if let Ok(message) = HeaderValue::try_from(percent_encoded(&reason.detail)) {
            fields.insert(GRPC_MESSAGE, message);
        }
        return (parts, None);
    }
    fields.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    let details = trip.held.snapshot.features.details;
    let text = text(
        parts.status,
        reason,
        details,
        &trip.edge.ids.request_id_text(),
    );
    (parts, Some(text))
}

/// As `grpc-message` wants it: what is not printable ASCII, and the per cent sign itself, encoded.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' | ..b' ' | 0x7f.. => {
                // Writing to a text cannot fail.
                let _ = write!(encoded, "%{byte:02X}");
            }
            _ => encoded.push(char::from(byte)),
        }
    }
    encoded
}

fn text(status: StatusCode, reason: &Reason, details: bool, request_id: &str) -> Bytes {
    let document = Document {
        r#type: "about:blank",
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: &reason.detail,
        cause: reason.cause.as_deref().filter(|_| details),
        error: reason.word,
        request_id,
    };
    let mut text = serde_json::to_vec(&document).unwrap_or_default();
    text.push(b'\n');
    text.into()
}

/// The whole answer, status line to body, to a head that hyper could not read: no layer has seen it.
pub fn bare(status: StatusCode) -> Bytes {
    let detail = match status {
        StatusCode::URI_TOO_LONG => "The request's target is too long.",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "The request's head is too large, or has too many fields."
        }
        _ => "The request's head is malformed.",
    };
    let reason = Reason {
        word: "http_request_error",
        detail: detail.to_owned(),
        cause: None,
    };
    let id = Ids::of(&http::HeaderMap::new()).request_id_text();
    let body = text(status, &reason, false, &id);
    let title = status.canonical_reason().unwrap_or("Error");
    let mut answer = format!(
        "HTTP/1.1 {} {title}\r\n{CONTENT_TYPE}: application/problem+json\r\n{CONTENT_LENGTH}: {}\r\n{CONNECTION}: close\r\n{REQUEST_ID}: {id}\r\n{PROXY_STATUS}: urm; error=http_request_error\r\ndate: {}\r\n\r\n",
        status.as_u16(),
        body.len(),
        httpdate::fmt_http_date(std::time::SystemTime::now()),
    )
    .into_bytes();
    answer.extend_from_slice(&body);
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grpc_message_is_encoded() {
        assert_eq!(
            percent_encoded("send it without %2F, é"),
            "send it without %252F, %C3%A9"
        );
    }

    #[test]
    fn a_bare_answer_is_whole() {
        let answer = bare(StatusCode::BAD_REQUEST);
        let text = std::str::from_utf8(&answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head}");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        let document: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(document["status"], 400);
        assert!(
            head.contains(document["requestId"].as_str().unwrap()),
            "{head}"
        );
    }
}
