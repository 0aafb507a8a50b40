//! Which part of a complete stored response does a request want? (RFC 9110 §14, RFC 9111 §3.3)
//!
//! - `Range` counts for a `GET` that a stored 200 answers. A unit other than `bytes`, a malformed set and
//!   a second `Range` line are passed over (§14.2): the whole is the answer, which is always right.
//! - `If-Range` lets it count only for the very response that it names, compared strongly (§13.1.5).
//! - Ranges are cut to the body, those beyond it are left out, those that overlap or touch are joined. A
//!   set that asks for too much work (§14.2, §17.15) gets the whole.
//! - Where nothing is left of a set the answer is a 416 (§15.5.17).
//!
//! Whether the client holds the response already is asked before (§13.2.2): a 304 has no parts.

mod condition;
mod multipart;
mod wanted;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

pub(crate) use multipart::Pieces;
pub(crate) use wanted::Wanted;

/// What a request gets of a stored response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ranged {
    /// All of it, as if no range had been asked for.
    Whole,
    /// One part: a 206 with `Content-Range`.
    One(Span),
    /// Several parts, in the order in which they were asked for: a 206 of `multipart/byteranges`.
    Many(Box<[Span]>),
    /// None of what was asked for is there: a 416.
    Unsatisfiable,
}

/// So many bytes of a body: from `first` to `last`, both counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    first: u64,
    /// At least `first`, and within the body.
    last: u64,
}

/// What an answer carries.
#[derive(Debug)]
pub(crate) enum Content {
    /// The stored body or a slice of it; empty for a 416.
    Bytes(Bytes),
    /// What frames the parts, and the parts, which are slices of the stored body.
    Pieces(Pieces),
}

/// Decides what a request gets of a stored response with this status, these fields (`Date`, `ETag` and
/// `Last-Modified` count) and a body of `length` bytes.
pub(crate) fn judge(
    (method, request): (&Method, &HeaderMap),
    (status, stored): (StatusCode, &HeaderMap),
    length: u64,
) -> Ranged {
    if *method != Method::GET || status != StatusCode::OK {
        return Ranged::Whole;
    }
    match Wanted::of(request) {
        Some(wanted) if condition::holds(request, stored) => wanted.within(length),
        _ => Ranged::Whole,
    }
}

impl Ranged {
    /// Turns the fields of a hit into those of the answer, and cuts its body, of which nothing is copied.
    ///
    /// `body` has the length that was judged. All stored fields stay in a 206 (§15.3.7), but for those that
    /// speak of the content as a whole.
    pub(crate) fn apply(self, headers: &mut HeaderMap, body: &Bytes) -> (StatusCode, Content) {
        let length = body.len() as u64;
        match self {
            Self::Whole => (StatusCode::OK, Content::Bytes(body.clone())),
            Self::One(span) => {
                remove(headers, &OF_WHOLE_CONTENT);
                insert(headers, CONTENT_RANGE, span.content_range(length));
                let part = span.cut(body);
                headers.insert(CONTENT_LENGTH, HeaderValue::from(part.len()));
                (StatusCode::PARTIAL_CONTENT, Content::Bytes(part))
            }
            Self::Many(spans) => {
                remove(headers, &OF_WHOLE_CONTENT);
                let boundary = multipart::boundary();
                let pieces = Pieces::of(&spans, headers.get(CONTENT_TYPE), body, &boundary);
                let kind = format!("multipart/byteranges; boundary={boundary}");
                insert(headers, CONTENT_TYPE, kind);
                headers.insert(CONTENT_LENGTH, HeaderValue::from(pieces.bytes()));
                (StatusCode::PARTIAL_CONTENT, Content::Pieces(pieces))
            }
            Self::Unsatisfiable => {
                remove(headers, &OF_WHOLE_CONTENT);
                remove(headers, &OF_REPRESENTATION);
                insert(headers, CONTENT_RANGE, format!("bytes */{length}"));
                let nothing = Content::Bytes(Bytes::new());
                (StatusCode::RANGE_NOT_SATISFIABLE, nothing)
            }
        }
    }
}

impl Span {
    fn bytes(self) -> u64 {
        self.last - self.first + 1
    }

    fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Whether both make one span: they overlap, or one begins where the other ends.
    fn joins(self, other: Self) -> bool {
        self.first <= other.last.saturating_add(1) && other.first <= self.last.saturating_add(1)
    }

    fn joined(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }

    /// The value of `Content-Range` (§14.4) in a body of `length` bytes.
    fn content_range(self, length: u64) -> String {
        format!("bytes {}-{}/{length}", self.first, self.last)
    }

    fn cut(self, body: &Bytes) -> Bytes {
        let within = |at: u64| usize::try_from(at).map_or(body.len(), |at| at.min(body.len()));
        body.slice(within(self.first)..within(self.last.saturating_add(1)))
    }
}

fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}

/// Digits and letters only: the value is always one that a field may have.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// What is said of all that a message carries, and not true of a part (RFC 9530 §2; `Repr-Digest` stays true).
/// A message of several parts has its ranges in them, never in its own head (§15.3.7.2).
static OF_WHOLE_CONTENT: [HeaderName; 4] = [
    CONTENT_LENGTH,
    CONTENT_RANGE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
];

/// What is said of a representation, which a 416 does not carry, and for how long it may be kept: a cache
/// further on that kept the 416 would answer other requests for the resource with it.
static OF_REPRESENTATION: [HeaderName; 13] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
    CONTENT_DISPOSITION,
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("digest"),
    ETAG,
    LAST_MODIFIED,
    CACHE_CONTROL,
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    EXPIRES,
];

#[cfg(test)]
mod tests;
