//! A request's id and its trace context, accepted from the client where they are sound, else made here.
use std::ops::Range;
use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The field of a request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where a `traceparent` has its trace's id, and its parent's (W3C Trace Context §3.2.2).
const TRACE_ID: Range<usize> = 3..35;
const SPAN_ID: Range<usize> = 36..52;
const TRACEPARENT_BYTES: usize = 55;

/// The longest id that is accepted from a client.
const ID_BYTES_MAX: usize = 128;

/// What a request can be found again by, in logs of this and of other programs.
///
/// Nothing is formatted before somebody asks: a stored response is answered without.
#[derive(Clone, Debug)]
pub struct Ids {
    theirs: Option<HeaderValue>,
    parent: Option<HeaderValue>,
    ours: u128,
    made: OnceLock<[u8; TRACEPARENT_BYTES]>,
}

/// Those of a request whose client sent none.
impl Default for Ids {
    fn default() -> Self {
        Self {
            theirs: None,
            parent: None,
            // Zero is no trace id (§3.2.2.3).
            ours: fastrand::u128(..).max(1),
            made: OnceLock::new(),
        }
    }
}

impl Ids {
    /// Takes what the client sent where it is sound: an id of visible ASCII up to 128 bytes, a
    /// `traceparent` of version 00 (W3C Trace Context §3.2).
    pub fn of(fields: &HeaderMap) -> Self {
        let one = |name: &HeaderName| {
            let mut values = fields.get_all(name).iter();
            values.next().filter(|_| values.next().is_none())
        };
        Self {
            theirs: one(&REQUEST_ID)
                .filter(|id| sound_id(id.as_bytes()))
                .cloned(),
            parent: one(&TRACEPARENT)
                .filter(|parent| sound_parent(parent.as_bytes()))
                .cloned(),
            ..Self::default()
        }
    }

    /// The request's id as a field's value.
    pub fn request_id(&self) -> HeaderValue {
        self.theirs.clone().unwrap_or_else(|| {
            let mut id = [0; 32];
            write_hex(&self.ours.to_be_bytes(), &mut id);
            made(Bytes::copy_from_slice(&id))
        })
    }

    /// The request's id and the `traceparent` that go upstream: the client's, or new ones, of which the second asks
    /// for no sampling. Of new ones the id is the trace's, so one text has both.
    pub fn for_upstream(&self) -> (&[u8], &[u8]) {
        let id = match &self.theirs {
            Some(id) => id.as_bytes(),
            None => &self.made()[TRACE_ID],
        };
        let parent = match &self.parent {
            Some(parent) => parent.as_bytes(),
            None => self.made(),
        };
        (id, parent)
    }

    /// The request's id as text.
    pub fn request_id_text(&self) -> String {
        match &self.theirs {
            Some(id) => String::from_utf8_lossy(id.as_bytes()).into_owned(),
            None => format!("{:032x}", self.ours),
        }
    }

    /// A new `traceparent`, the same whenever it is asked for.
    fn made(&self) -> &[u8; TRACEPARENT_BYTES] {
        self.made.get_or_init(|| {
            let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
            write_hex(&self.ours.to_be_bytes(), &mut text[TRACE_ID]);
            write_hex(&fastrand::u64(..).max(1).to_be_bytes(), &mut text[SPAN_ID]);
            text
        })
    }

    /// Whether the client's trace is carried on.
    pub fn continues_trace(&self) -> bool {
        self.parent.is_some()
    }

    /// The trace's id.
    pub fn trace_id(&self) -> String {
        match self
            .parent
            .as_ref()
            .and_then(|parent| parent.as_bytes().get(TRACE_ID))
        {
            Some(id) => String::from_utf8_lossy(id).into_owned(),
            None => format!("{:032x}", self.ours),
        }
    }
}

fn made(text: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static("-"))
}

/// Two digits for each of `bytes`. The formatter takes a thousand instructions for an id, and every proxied request
/// has two.
fn write_hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.as_chunks_mut::<2>().0) {
        *pair = [
            DIGITS[usize::from(byte >> 4)],
            DIGITS[usize::from(byte & 0xf)],
        ];
    }
}

fn sound_id(id: &[u8]) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

fn sound_parent(parent: &[u8]) -> bool {
    let is_id = |part: &[u8]| {
        part.iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            && part.iter().any(|byte| *byte != b'0')
    };
    parent.len() == TRACEPARENT_BYTES
        && parent.starts_with(b"00-")
        && is_id(&parent[TRACE_ID])
        && parent[35] == b'-'
        && is_id(&parent[SPAN_ID])
        && parent[52] == b'-'
        && parent[53..].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(fields: &[(HeaderName, &'static str)]) -> Ids {
        let mut map = HeaderMap::new();
        for (name, value) in fields {
            map.append(name, HeaderValue::from_static(value));
        }
        Ids::of(&map)
    }

    #[test]
    fn a_sound_id_is_kept() {
        assert_eq!(ids(&[(REQUEST_ID, "abc-1")]).request_id(), "abc-1");
        let made = ids(&[(REQUEST_ID, "a b")]);
        assert_eq!(made.request_id().len(), 32);
        assert_eq!(
            made.request_id(),
            made.request_id(),
            "the same whenever it is asked for"
        );
        let two = ids(&[(REQUEST_ID, "a"), (REQUEST_ID, "b")]);
        assert_eq!(two.request_id().len(), 32);
    }

    #[test]
    fn a_sound_trace_is_carried_on() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let carried = ids(&[(TRACEPARENT, parent)]);
        assert_eq!(carried.for_upstream().1, parent.as_bytes());
        assert_eq!(carried.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for wrong in [
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00",
        ] {
            let ids = ids(&[(TRACEPARENT, wrong)]);
            let (id, made) = ids.for_upstream();
            assert_eq!(made[TRACE_ID], *id);
            assert_eq!(id, ids.request_id().as_bytes());
            assert!(sound_parent(made), "{made:?} for {wrong}");
            assert_ne!(made, wrong.as_bytes());
        }
    }
}
