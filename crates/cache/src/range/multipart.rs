//! What does an answer of several parts carry? (RFC 9110 §14.6)

use std::hash::{BuildHasher, RandomState};
use std::vec;

use bytes::Bytes;
use http::HeaderValue;

use super::Span;

/// The content of a `multipart/byteranges`, piece by piece: what frames a part, the part, and so on.
#[derive(Debug)]
pub(crate) struct Pieces {
    queue: vec::IntoIter<Bytes>,
    bytes: u64,
}

impl Pieces {
    /// Cuts `body`, whose `Content-Type` is `kind`, into parts between lines of `boundary`.
    pub(super) fn of(
        spans: &[Span],
        kind: Option<&HeaderValue>,
        body: &Bytes,
        boundary: &str,
    ) -> Self {
        let length = body.len() as u64;
        let mut frames = Vec::new();
        let mut ends = Vec::with_capacity(spans.len());
        for span in spans {
            if !frames.is_empty() {
                frames.extend_from_slice(b"\r\n");
            }
            for text in ["--", boundary, "\r\n"] {
                frames.extend_from_slice(text.as_bytes());
            }
            if let Some(kind) = kind {
                for text in [b"Content-Type: ", kind.as_bytes(), b"\r\n"] {
                    frames.extend_from_slice(text);
                }
            }
            let range = span.content_range(length);
            for text in ["Content-Range: ", &range, "\r\n\r\n"] {
                frames.extend_from_slice(text.as_bytes());
            }
            ends.push(frames.len());
        }
        for text in ["\r\n--", boundary, "--\r\n"] {
            frames.extend_from_slice(text.as_bytes());
        }
        let frames = Bytes::from(frames);
        let mut queue = Vec::with_capacity(2 * spans.len() + 1);
        let mut from = 0;
        for (span, end) in spans.iter().zip(ends) {
            queue.push(frames.slice(from..end));
            queue.push(span.cut(body));
            from = end;
        }
        queue.push(frames.slice(from..));
        let bytes = queue.iter().map(|piece| piece.len() as u64).sum();
        Self {
            queue: queue.into_iter(),
            bytes,
        }
    }

    /// How many bytes are left.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The pieces that are left; none is empty.
impl Iterator for Pieces {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let piece = self.queue.next()?;
        self.bytes -= piece.len() as u64;
        Some(piece)
    }
}

/// A text that no part has in it.
///
/// 128 bits of keys that this process drew and shows to nobody: whoever writes the body cannot guess them,
/// and so cannot end a part early. That is why the parts need not be searched for it.
pub(super) fn boundary() -> String {
    let state = RandomState::new();
    format!("{:016x}{:016x}", state.hash_one(0_u8), state.hash_one(1_u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_are_those_of_the_example() {
        let body = Bytes::from_static(b"0123456789");
        let spans = [(0, 1), (7, 9)].map(|(first, last)| Span { first, last });
        let kind = HeaderValue::from_static("text/plain");
        let mut pieces = Pieces::of(&spans, Some(&kind), &body, "THIS");
        let total = pieces.bytes();
        let mut written = pieces.next().unwrap().to_vec();
        assert_eq!(pieces.bytes(), total - written.len() as u64);
        written.extend(pieces.by_ref().flatten());
        let expected = "--THIS\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
            \r\n--THIS\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\
            \r\n--THIS--\r\n";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
        assert_eq!((pieces.bytes(), total), (0, expected.len() as u64));
    }

    #[test]
    fn a_part_is_a_slice_of_the_body() {
        let body = Bytes::from(vec![7; 100]);
        let spans = [(0, 1), (90, 99)].map(|(first, last)| Span { first, last });
        let pieces: Vec<_> = Pieces::of(&spans, None, &body, "b").collect();
        assert_eq!(pieces[1].as_ptr(), body.as_ptr());
        assert_eq!(pieces[3].as_ptr(), body[90..].as_ptr());
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
    }

    #[test]
    fn each_boundary_is_another_and_needs_no_quotes() {
        let (one, other) = (boundary(), boundary());
        assert_ne!(one, other);
        assert!(one.len() == 32 && one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
