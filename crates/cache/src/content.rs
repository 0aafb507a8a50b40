//! Which content does a `QUERY` have? (RFC 10008 §2.7)
//!
//! The content is part of the key, so it is read before anything is looked up: as much of it as a key is made of. A
//! body that is longer, that fails or that has trailers goes to the service as it came.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, Request};
use http_body::{Body, Frame};

use crate::body::BoxError;
use crate::key::CacheKey;

/// The most content that becomes part of a key: 64 KiB.
pub(crate) const CONTENT_MAX: usize = 64 * 1024;

/// The fields that say what content means (RFC 9110 §8).
static METADATA: [HeaderName; 4] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LANGUAGE,
    CONTENT_LOCATION,
];

/// Whether the content of a request has to be read before its key can be written, and may be.
pub(crate) fn is_to_be_read<A: Body>(request: &Request<A>) -> bool {
    *request.method() == Method::QUERY && request.body().size_hint().lower() <= CONTENT_MAX as u64
}

/// Appends what tells two contents apart: a digest of them and of their fields.
pub(crate) fn write_digest(content: &[u8], headers: &HeaderMap, key: &mut CacheKey) {
    let mut hasher = blake3::Hasher::new();
    // Each part with its place and length, so that no two requests run together to the same bytes.
    for (name, place) in METADATA.iter().zip(0u8..) {
        for value in headers.get_all(name) {
            let value = value.as_bytes();
            hasher.update(&[place]);
            hasher.update(&(value.len() as u64).to_le_bytes());
            if *name == CONTENT_TYPE {
                // The media type is of no case; a parameter's value may be.
                let end = value.iter().position(|byte| *byte == b';');
                let (media_type, parameters) = value.split_at(end.unwrap_or(value.len()));
                hasher.update(&media_type.to_ascii_lowercase());
                hasher.update(parameters);
            } else {
                hasher.update(value);
            }
        }
    }
    hasher.update(&[u8::MAX]);
    hasher.update(content);
    key.push_text(" ");
    key.push_text(&hasher.finalize().to_hex());
}

/// How the reading of a body ended.
pub(crate) enum Read<A> {
    /// With all of it.
    Content(Bytes),
    /// With something that no key is made of, behind what was read until then.
    Other(Bytes, Result<Frame<Bytes>, BoxError>, Pin<Box<A>>),
}

/// A body that is being read.
pub(crate) struct Content<A> {
    /// In a place of its own, where it stays if others read on.
    body: Option<Pin<Box<A>>>,
    first: Bytes,
    /// All there is, once there is more than one piece.
    all: BytesMut,
}

impl<A> Content<A> {
    pub(crate) fn of(body: A) -> Self {
        Self {
            body: Some(Box::pin(body)),
            first: Bytes::new(),
            all: BytesMut::new(),
        }
    }

    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.first = data;
            return;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&self.first);
        }
        self.all.extend_from_slice(&data);
    }

    fn take(&mut self) -> Bytes {
        if self.all.is_empty() {
            std::mem::take(&mut self.first)
        } else {
            self.all.split().freeze()
        }
    }
}

impl<A> Content<A>
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    /// Reads on; ready once.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read<A>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Pending;
            };
            let ended = body.is_end_stream();
            let frame = if ended {
                None
            } else {
                ready!(body.as_mut().poll_frame(cx))
            };
            let last = match frame {
                None => {
                    self.body = None;
                    return Poll::Ready(Read::Content(self.take()));
                }
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.len() <= CONTENT_MAX - self.len() => {
                        self.push(data);
                        continue;
                    }
                    Ok(data) => Ok(Frame::data(data)),
                    Err(frame) => Ok(frame),
                },
                Some(Err(error)) => Err(error.into()),
            };
            if let Some(body) = self.body.take() {
                return Poll::Ready(Read::Other(self.take(), last, body));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn digest(fields: &[(&HeaderName, &'static str)], content: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let mut key = CacheKey::empty();
        write_digest(content, &headers, &mut key);
        key.name().to_owned()
    }

    #[test]
    fn what_the_content_means_is_in_its_digest() {
        let json = digest(&[(&CONTENT_TYPE, "application/json;a=B")], b"{}");
        assert_eq!(json.len(), 1 + 64);
        let same = digest(&[(&CONTENT_TYPE, "Application/JSON;a=B")], b"{}");
        assert_eq!(json, same);
        let fields: [&[(&HeaderName, &'static str)]; 7] = [
            &[],
            &[(&CONTENT_TYPE, "application/json;a=b")],
            &[(&CONTENT_TYPE, "application/json")],
            &[(&CONTENT_TYPE, ""), (&CONTENT_TYPE, "application/json;a=B")],
            &[(&CONTENT_ENCODING, "application/json;a=B")],
            &[
                (&CONTENT_TYPE, "application/json;a=B"),
                (&CONTENT_ENCODING, "gzip"),
            ],
            &[
                (&CONTENT_TYPE, "application/json;a=B"),
                (&CONTENT_LANGUAGE, "de"),
            ],
        ];
        let others: std::collections::HashSet<_> = fields
            .iter()
            .map(|fields| digest(fields, b"{}"))
            .chain([digest(&[(&CONTENT_TYPE, "application/json;a=B")], b"{} ")])
            .collect();
        assert_eq!(others.len(), fields.len() + 1);
        assert!(!others.contains(&json));
    }

    proptest! {
        #[test]
        fn pieces_are_put_together(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..6)) {
            let mut content = Content::of(());
            for piece in &pieces {
                content.push(Bytes::copy_from_slice(piece));
            }
            let whole = pieces.concat();
            prop_assert_eq!(content.len(), whole.len());
            prop_assert_eq!(content.take(), whole);
        }
    }
}
