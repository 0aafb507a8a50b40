//! Which part of a file a request wants (RFC 9110 §14.2).
//!
//! tower-http serves single ranges; what it reads differently from the RFC is settled before it is asked:
//!
//! - `Range` counts for `GET` alone; an unknown unit, a malformed value and several ranges are passed over,
//!   and the whole file is the answer.
//! - `If-Range` lets the range count only for the very file that it names, by a strong comparison (§13.1.5).
//! - Positions beyond the file's end are cut to it, a suffix longer than the file is the file.
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, ETAG, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::Empty;

use super::files::Folder;

type Asked = Request<Empty<Bytes>>;

/// A range that a request asks for, and the condition under which it counts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    range: Range,
    only_of: Option<HeaderValue>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    /// From here to there, both counted in; left out: to the end.
    From(u64, Option<u64>),
    /// So many bytes at the end.
    Last(u64),
}

impl Wanted {
    /// Takes the range off a request; none where the whole is the answer.
    pub(super) fn take(asked: &mut Asked) -> Option<Self> {
        let is_get = *asked.method() == Method::GET;
        let fields = asked.headers_mut();
        let only_of = fields.remove(IF_RANGE);
        let mut values = fields.get_all(RANGE).iter();
        let range = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(Range::parse),
            _ => None,
        };
        fields.remove(RANGE);
        let range = range.filter(|_| is_get)?;
        Some(Self { range, only_of })
    }

    /// Asks what the file is, and puts the range back as far as it counts.
    pub(super) async fn put_back(self, folder: &mut Folder, asked: &mut Asked) {
        let mut head = Request::new(Empty::<Bytes>::new());
        *head.method_mut() = Method::HEAD;
        *head.uri_mut() = asked.uri().clone();
        // A file that cannot be read is told by the request itself.
        let Ok(response) = folder.try_call(head).await else {
            return;
        };
        let file = response.headers();
        if !response.status().is_success() || !self.counts_for(file) {
            return;
        }
        let length = file
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        let text = length.map(|length| self.range.within(length));
        if let Some(Ok(value)) = text.map(HeaderValue::try_from) {
            asked.headers_mut().insert(RANGE, value);
        }
    }

    fn counts_for(&self, file: &HeaderMap) -> bool {
        let Some(only_of) = &self.only_of else {
            return true;
        };
        let validator = if only_of.as_bytes().ends_with(b"\"") {
            ETAG
        } else {
            LAST_MODIFIED
        };
        let weak = only_of.as_bytes().starts_with(b"W/");
        !weak && file.get(validator) == Some(only_of)
    }
}

impl Range {
    fn parse(value: &str) -> Option<Self> {
        let (unit, range) = value.split_once('=')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (first, last) = range.trim().split_once('-')?;
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            // A number that no file reaches is as good as the largest.
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        match (first, last) {
            ("", last) => number(last).map(Self::Last),
            (first, "") => number(first).map(|first| Self::From(first, None)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::From(first, Some(last)))
            }
        }
    }

    /// The range as tower-http reads it, for a file of `length` bytes; one that it cannot satisfy becomes one
    /// that it refuses with 416.
    fn within(self, length: u64) -> String {
        // Of an empty file every range is refused, and tower-http would answer one of its first byte.
        let end = length.saturating_sub(1);
        match self {
            Self::Last(count) if count > 0 && length > 0 => {
                format!("bytes={}-{end}", length.saturating_sub(count))
            }
            Self::From(first, last) if first < length => {
                format!("bytes={first}-{}", last.unwrap_or(end).min(end))
            }
            _ => format!("bytes={}-", length.saturating_add(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, length: u64, expected: Option<&str>) {
        let within = Range::parse(value).map(|range| range.within(length));
        assert_eq!(within.as_deref(), expected, "{value} of {length}");
    }

    #[test]
    fn ranges_are_cut_to_the_file() {
        check("bytes=2-4", 10, Some("bytes=2-4"));
        check("bytes=2-", 10, Some("bytes=2-9"));
        check("bytes=0-99999999999999999999", 10, Some("bytes=0-9"));
        check("bytes=-3", 10, Some("bytes=7-9"));
        check("bytes=-2000", 10, Some("bytes=0-9"));
        check("BYTES = 0-0", 10, Some("bytes=0-0"));
    }

    #[test]
    fn what_lies_outside_is_refused() {
        check("bytes=10-", 10, Some("bytes=11-"));
        check("bytes=-0", 10, Some("bytes=11-"));
        check("bytes=0-0", 0, Some("bytes=1-"));
    }

    #[test]
    fn what_is_no_single_range_is_passed_over() {
        for value in [
            "items=0-1",
            "bytes=0-1,3-4",
            "bytes=4-2",
            "bytes=a-b",
            "bytes",
            "bytes=-",
            "bytes=+1-2",
        ] {
            check(value, 10, None);
        }
    }

    #[test]
    fn a_condition_names_the_very_file() {
        let mut file = HeaderMap::new();
        file.insert(
            LAST_MODIFIED,
            HeaderValue::from_static("Wed, 25 Nov 2026 12:00:00 GMT"),
        );
        file.insert(ETAG, HeaderValue::from_static("\"a\""));
        let counts = |only_of: &'static str| {
            let only_of = Some(HeaderValue::from_static(only_of));
            Wanted {
                range: Range::Last(1),
                only_of,
            }
            .counts_for(&file)
        };
        assert!(counts("Wed, 25 Nov 2026 12:00:00 GMT") && counts("\"a\""));
        assert!(!counts("Wed, 25 Nov 2026 12:00:01 GMT") && !counts("\"b\"") && !counts("W/\"a\""));
    }
}
