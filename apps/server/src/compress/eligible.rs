//! Which answers are worth a coding, and which must not have one.
//!
//! - Whole ones with content: not 1xx, 204, 205, 206 or 304, not with `Content-Range`.
//! - Not coded yet, and not under `no-transform`.
//! - Of a type that shrinks: `text/*`; `+json`, `+xml`, `+yaml` and `+text`; JSON, JavaScript, XML, YAML, TOML, SQL, RTF,
//!   GraphQL, WebAssembly and newline-delimited JSON under `application/`; SVG, bitmaps and icons; TrueType, OpenType
//!   and collections of them. Everything else is taken to be compressed already.
//! - Never an event stream or gRPC, whose readers wait for each piece in its own frame.
//! - At least [`LENGTH_MIN`] long, where the length is known: below, the fields cost what the coding saves.
use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::coding::forbids_transforms;

/// Bytes below which nothing is gained.
pub(super) const LENGTH_MIN: u64 = 1024;

/// Types that shrink, beyond those that [`shrinks`] knows by their parts.
const TYPES: [&str; 21] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/ndjson",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-yaml",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "font/collection",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/x-icon",
];

/// Whether an answer with this status and these fields may have a coding.
pub(super) fn is_eligible(status: StatusCode, fields: &HeaderMap, length: Option<u64>) -> bool {
    let whole = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        );
    whole
        && length.is_none_or(|length| length >= LENGTH_MIN)
        && !fields.contains_key(CONTENT_ENCODING)
        && !fields.contains_key(CONTENT_RANGE)
        && fields
            .get(CONTENT_TYPE)
            .is_some_and(|kind| shrinks(kind.as_bytes()))
        && !forbids_transforms(fields)
}

fn shrinks(kind: &[u8]) -> bool {
    let media = kind.split(|byte| *byte == b';').next().unwrap_or(kind);
    let media = media.trim_ascii().to_ascii_lowercase();
    let Ok(media) = std::str::from_utf8(&media) else {
        return false;
    };
    if media == "text/event-stream" || media.starts_with("application/grpc") {
        return false;
    }
    let suffix = media.rsplit_once('+').map(|(_, suffix)| suffix);
    media.starts_with("text/")
        || matches!(suffix, Some("json" | "xml" | "yaml" | "text"))
        || media == "image/vnd.microsoft.icon"
        || TYPES.binary_search(&media).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn types_that_shrink() {
        assert!(TYPES.is_sorted());
        for kind in [
            "text/html",
            "Text/HTML; charset=utf-8",
            "text/plain",
            "application/json",
            "application/problem+json",
            "application/vnd.api+json ; ext=x",
            "application/xhtml+xml",
            "image/svg+xml",
            "application/wasm",
            "font/ttf",
            "image/vnd.microsoft.icon",
        ] {
            assert!(shrinks(kind.as_bytes()), "{kind}");
        }
        for kind in [
            "",
            "text",
            "text/event-stream",
            "text/event-stream; charset=utf-8",
            "application/grpc",
            "application/grpc+json",
            "application/grpc-web-text",
            "application/octet-stream",
            "application/zip",
            "image/png",
            "video/mp4",
            "font/woff2",
            "multipart/x-mixed-replace; boundary=x",
        ] {
            assert!(!shrinks(kind.as_bytes()), "{kind}");
        }
    }

    #[test]
    fn whole_uncoded_and_long_enough() {
        let text = ("content-type", "text/plain");
        let ok = StatusCode::OK;
        assert!(is_eligible(ok, &fields(&[text]), None));
        assert!(is_eligible(ok, &fields(&[text]), Some(1024)));
        assert!(is_eligible(StatusCode::NOT_FOUND, &fields(&[text]), None));
        assert!(!is_eligible(ok, &fields(&[text]), Some(1023)));
        assert!(!is_eligible(ok, &fields(&[]), None));
        for status in [101, 204, 205, 206, 304] {
            let status = StatusCode::from_u16(status).unwrap();
            assert!(!is_eligible(status, &fields(&[text]), None), "{status}");
        }
        for further in [
            ("content-encoding", "gzip"),
            ("content-range", "bytes 0-1/2"),
            ("cache-control", "public, no-transform"),
        ] {
            assert!(
                !is_eligible(ok, &fields(&[text, further]), None),
                "{further:?}"
            );
        }
    }
}
