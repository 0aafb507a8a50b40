//! Heads as endpoints wrote them before.
//!
//! The answers of one endpoint have the same fields in the same order, and most of these the same value: who serves, the
//! second, the type, what may be stored. A head that has the lines of the one before it is therefore not parsed, but compared
//! with it line by line, and its field map is a copy of that one's, with the values that are new. That takes a third of
//! parsing, reading names and values, and building a map.
//!
//! Only what the parser ([`head::parse`]) has taken is compared with, and whatever differs in more than a value is its to judge: a shape
//! can be missed, but nothing is taken that the parser would not take, nor as anything else.

use std::ops::Range;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, SET_COOKIE, TRANSFER_ENCODING,
};
use http::{StatusCode, Version};

use super::head::{self, Answer, Connection, Framing, HEAD_MAX, KEEP_ALIVE, Parsed};
use super::spellings::Spellings;
use crate::forward::names::Names;
use crate::forward::response::keep_alive;
use crate::forward::{hop_by_hop, via};
use crate::refusal::Refusal;

/// Places for shapes. Endpoints are numbered one by one, so that few share one.
const PLACES: usize = 64;

/// Most lines of a shape, and most bytes of a line that is known with its value.
const LINES_MAX: usize = 32;
const LINE_BYTES_MAX: usize = 256;

/// A head with more new values than that is another one.
const NEWS_MAX: usize = 8;

/// After so many others in a row a place is given to the next, so that two heads in turn do not take it from each other.
const PATIENCE: u8 = 8;

/// After so many other values in a row a line is known with the next one; twice as many each time that one was not seen again.
const VALUE_PATIENCE: u8 = 4;
const VALUE_PATIENCE_MAX: u8 = 128;

const VERSION: &[u8] = b"HTTP/1.1 ";
const LINE_END: &[u8] = b"\r\n";

/// The last heads of a worker's endpoints.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    places: Vec<Place>,
    spellings: Spellings,
}

#[derive(Debug, Default)]
struct Place {
    shape: Option<Box<Shape>>,
    others: u8,
}

/// A head, without its first line.
#[derive(Debug)]
struct Shape {
    lines: Vec<Line>,
    /// What the client is given of it, our `Via` at its end.
    fields: HeaderMap,
    names: Names,
    /// What its lines say of the connection.
    connection: Connection,
}

#[derive(Debug)]
struct Line {
    /// The line with its end, or its name and colon alone.
    written: Box<[u8]>,
    /// How many bytes the name and its colon have.
    name_bytes: usize,
    kind: LineKind,
    others: u8,
    patience: u8,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineKind {
    /// A field for the client.
    Field,
    /// One whose values are nobody's to keep.
    Secret,
    Length,
    /// What follows is for this hop alone, and no field of the client's head.
    Coding,
    Connection,
    KeepAlive,
}

impl LineKind {
    fn is_for_client(self) -> bool {
        matches!(self, Self::Field | Self::Secret | Self::Length)
    }
}

/// The values that differ from those of the shape.
#[derive(Debug, Default)]
struct News {
    all: [New; NEWS_MAX],
    count: usize,
}

#[derive(Debug, Default)]
struct New {
    /// The place among the shape's lines, and among the fields for the client.
    line: usize,
    entry: usize,
    /// Where in the head it is.
    value: Range<usize>,
}

impl News {
    fn add(&mut self, new: New) -> Option<()> {
        *self.all.get_mut(self.count)? = new;
        self.count += 1;
        Some(())
    }

    fn all(&self) -> &[New] {
        &self.all[..self.count]
    }
}

impl Shapes {
    /// Reads the head at the beginning of `bytes`, as [`head::parse`] would. `place`: a number that the next head from the same
    /// endpoint has too.
    pub(super) fn parse(
        &mut self,
        bytes: &[u8],
        asked_head: bool,
        place: u64,
    ) -> Result<Parsed, Refusal> {
        let Some((status, fields_at)) = first_line(bytes) else {
            return head::parse(bytes, asked_head, &mut self.spellings);
        };
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Place::default);
        }
        // Different statuses have different fields.
        let number = place.wrapping_add(u64::from(status.as_u16()));
        #[expect(
            clippy::cast_possible_truncation,
            reason = "less than there are places"
        )]
        let place = &mut self.places[(number % PLACES as u64) as usize];
        let shape = place.shape.as_deref_mut();
        if let Some(answer) =
            shape.and_then(|shape| shape.read(bytes, (status, fields_at), asked_head))
        {
            place.others = 0;
            return Ok(Parsed::Final(answer));
        }
        let parsed = head::parse(bytes, asked_head, &mut self.spellings)?;
        if let Parsed::Final(answer) = &parsed {
            place.learn(&bytes[fields_at..], answer);
        }
        Ok(parsed)
    }
}

/// The status of a final answer of HTTP/1.1 with its usual words, and where its fields begin.
fn first_line(bytes: &[u8]) -> Option<(StatusCode, usize)> {
    let rest = bytes.strip_prefix(VERSION)?;
    let status = StatusCode::from_bytes(rest.get(..3)?).ok()?;
    if status.is_informational() {
        return None;
    }
    let reason = status.canonical_reason()?;
    let end = rest[3..]
        .strip_prefix(b" ")?
        .strip_prefix(reason.as_bytes())?;
    let fields = end.strip_prefix(LINE_END)?;
    Some((status, bytes.len() - fields.len()))
}

impl Place {
    /// Takes the shape of a head that was parsed, where it is this place's turn. `fields`: its lines, and what follows them.
    fn learn(&mut self, fields: &[u8], answer: &Answer) {
        self.others = self.others.saturating_add(1);
        if self.shape.is_some() && self.others < PATIENCE {
            return;
        }
        self.others = 0;
        self.shape = Shape::of(fields, answer).map(Box::new);
    }
}

impl Shape {
    /// The shape of a head that was parsed, where it is one that can be compared with: no field twice, and none that is taken
    /// off on the way to the client.
    fn of(fields: &[u8], answer: &Answer) -> Option<Self> {
        let map = &answer.head.headers;
        if map.keys_len() != map.len() || answer.names.have(Names::VIA) {
            return None;
        }
        let mut lines = Vec::with_capacity(map.len() + 1);
        let mut rest = fields;
        let mut connection = Connection::default();
        while !rest.starts_with(LINE_END) {
            let (line, behind) = rest.split_at(memchr::memchr(b'\n', rest)? + 1);
            if lines.len() == LINES_MAX {
                return None;
            }
            let line = Line::of(line)?;
            if line.kind == LineKind::Connection {
                // All it says is taken in, or the head would have kept it.
                connection.reads(trimmed(line.written[line.name_bytes..].trim_ascii_end()));
            }
            lines.push(line);
            rest = behind;
        }
        // In the order of the lines, for no name came twice.
        let mut fields = HeaderMap::with_capacity(map.len() + 1);
        for (name, value) in map {
            if *name == TRANSFER_ENCODING || *name == KEEP_ALIVE {
                continue;
            }
            if hop_by_hop::is_always(name) {
                return None;
            }
            let is_kept = *name != SET_COOKIE && value.len() <= LINE_BYTES_MAX;
            // A copy of its own: the value holds all of its head.
            let kept = if is_kept { value.as_bytes() } else { b"" };
            fields.append(name, HeaderValue::from_bytes(kept).ok()?);
        }
        let names = Names::of(&fields).and(Names::OUR_VIA);
        via::append(&mut fields, Version::HTTP_11);
        Some(Self {
            lines,
            fields,
            names,
            connection,
        })
    }

    /// Reads a head of this shape; `None` where it is none.
    fn read(
        &mut self,
        bytes: &[u8],
        (status, fields_at): (StatusCode, usize),
        asked_head: bool,
    ) -> Option<Answer> {
        let mut at = fields_at;
        let mut news = News::default();
        let mut framing = Framing::default();
        let mut keeps = None;
        let mut entry = 0;
        for (number, line) in self.lines.iter_mut().enumerate() {
            let rest = &bytes[at..];
            let is_known = line.has_value() && rest.starts_with(&line.written);
            let value = if is_known {
                line.others = 0;
                line.name_bytes..line.written.len() - LINE_END.len()
            } else {
                line.other_value(rest)?
            };
            let end = at + value.end + LINE_END.len();
            if line.kind != LineKind::Field || !is_known {
                let value = trimmed(&rest[value]);
                match line.kind {
                    // It is taken off then.
                    LineKind::Length if status == StatusCode::NOT_MODIFIED => return None,
                    LineKind::Length => framing.reads(&CONTENT_LENGTH, value).ok()?,
                    LineKind::Coding => framing.reads(&TRANSFER_ENCODING, value).ok()?,
                    // It may name fields that are to be taken off.
                    LineKind::Connection if !is_known => return None,
                    LineKind::Field | LineKind::Secret | LineKind::Connection => {}
                    LineKind::KeepAlive => keeps = keep_alive(value),
                }
                if !is_known && line.kind.is_for_client() {
                    let start = at + value.as_ptr().addr() - rest.as_ptr().addr();
                    let value = start..start + value.len();
                    news.add(New {
                        line: number,
                        entry,
                        value,
                    })?;
                }
            }
            entry += usize::from(line.kind.is_for_client());
            at = end;
        }
        let rest = bytes[at..].strip_prefix(LINE_END)?;
        let length = framing
            .length(true, head::bodiless(status, asked_head))
            .ok()?;
        if bytes.len() - rest.len() > HEAD_MAX {
            return None;
        }
        let mut head = http::Response::new(()).into_parts().0;
        head.status = status;
        head.headers = self.fields.clone();
        if news.count > 0 {
            self.take_news(bytes, news.all(), &mut head.headers)?;
        }
        Some(Answer {
            length,
            persists: self.connection.persists(length, true),
            keep_alive: keeps,
            head,
            names: self.names,
            rest: Bytes::copy_from_slice(rest),
        })
    }

    /// Puts the values that differ into `fields`, and into the shape where a line has others all the time.
    fn take_news(&mut self, bytes: &[u8], all: &[New], fields: &mut HeaderMap) -> Option<()> {
        let (first, last) = (all.first()?.value.start, all.last()?.value.end);
        let copy = Bytes::copy_from_slice(&bytes[first..last]);
        let mut values = fields.values_mut();
        let mut next = 0;
        for New { line, entry, value } in all {
            let made = copy.slice(value.start - first..value.end - first);
            let made = HeaderValue::from_maybe_shared(made).ok()?;
            *values.nth(entry - next)? = made;
            next = entry + 1;
            let line = &mut self.lines[*line];
            line.others = line.others.saturating_add(1);
        }
        for New { line, entry, value } in all {
            let line = &mut self.lines[*line];
            if line.is_due() {
                let value = &bytes[value.clone()];
                if line.learn(value) {
                    let known = self.fields.values_mut().nth(*entry)?;
                    *known = HeaderValue::from_bytes(value).ok()?;
                }
            }
        }
        Some(())
    }
}

impl Line {
    /// A line of a head that was parsed.
    fn of(line: &[u8]) -> Option<Self> {
        let name_bytes = memchr::memchr(b':', line)? + 1;
        let name = &line[..name_bytes - 1];
        let is = |known: &http::HeaderName| name.eq_ignore_ascii_case(known.as_str().as_bytes());
        let kind = if is(&CONTENT_LENGTH) {
            LineKind::Length
        } else if is(&TRANSFER_ENCODING) {
            LineKind::Coding
        } else if is(&CONNECTION) {
            LineKind::Connection
        } else if is(&KEEP_ALIVE) {
            LineKind::KeepAlive
        } else if is(&SET_COOKIE) {
            LineKind::Secret
        } else {
            LineKind::Field
        };
        let is_known = line.len() <= LINE_BYTES_MAX && kind != LineKind::Secret;
        let written = if is_known { line } else { &line[..name_bytes] };
        Some(Self {
            written: written.into(),
            name_bytes,
            kind,
            others: 0,
            patience: VALUE_PATIENCE,
        })
    }

    fn has_value(&self) -> bool {
        self.written.len() > self.name_bytes
    }

    /// Where the value is in `bytes`, if they begin with a line of this name.
    fn other_value(&self, bytes: &[u8]) -> Option<Range<usize>> {
        if !bytes.starts_with(&self.written[..self.name_bytes]) {
            return None;
        }
        let end = memchr::memchr(b'\n', bytes)?;
        (bytes[end - 1] == b'\r').then_some(self.name_bytes..end - 1)
    }

    fn is_due(&self) -> bool {
        self.others >= self.patience && self.kind != LineKind::Secret
    }

    /// Knows the line with `value` from now on, where it is short enough; whether it is.
    fn learn(&mut self, value: &[u8]) -> bool {
        self.others = 0;
        self.patience = self.patience.saturating_mul(2).min(VALUE_PATIENCE_MAX);
        let name = &self.written[..self.name_bytes];
        let is_short = name.len() + value.len() < LINE_BYTES_MAX - LINE_END.len();
        if is_short {
            self.written = [name, b" ", value, LINE_END].concat().into();
        }
        is_short
    }
}

/// A value without the blanks around it (RFC 9110 §5.5).
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests;
