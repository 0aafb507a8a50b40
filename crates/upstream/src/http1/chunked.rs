//! The chunked coding (RFC 9112 §7.1), as it comes in.

use bytes::{Buf, Bytes};
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Cut;
use super::head::has_bare_line_end;

/// Longest line that tells a chunk's size, extensions and all.
const SIZE_LINE_MAX: usize = 4 * 1024;

/// Largest trailer section.
const TRAILERS_MAX: usize = 16 * 1024;

/// Most trailer fields.
const TRAILER_FIELDS_MAX: usize = 100;

/// Takes the coding off piece by piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Decoder {
    state: State,
    /// A line of which the end has not come yet, or the trailer section up to here.
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// What a step of the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Further bytes of the body.
    Data(Bytes),
    /// Trailer fields; the body is over.
    Trailers(HeaderMap),
    /// The body is over.
    End,
    /// All bytes are used up.
    More,
}

impl Decoder {
    /// Goes on to the next thing that `bytes` have, and takes off what it has used.
    ///
    /// # Errors
    ///
    /// When it is not the coding.
    pub(super) fn step(&mut self, bytes: &mut Bytes) -> Result<Step, Cut> {
        loop {
            match self.state {
                State::Size => {
                    if !self.collect_line(bytes, SIZE_LINE_MAX)? {
                        return Ok(Step::More);
                    }
                    let size = size(&self.line)?;
                    self.line.clear();
                    self.state = if size == 0 {
                        State::Trailers
                    } else {
                        State::Data(size)
                    };
                }
                State::Data(_) if bytes.is_empty() => return Ok(Step::More),
                State::Data(left) => {
                    let count =
                        usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                    let left = left - count as u64;
                    self.state = if left == 0 {
                        State::DataEnd
                    } else {
                        State::Data(left)
                    };
                    return Ok(Step::Data(bytes.split_to(count)));
                }
                State::DataEnd => {
                    if !self.collect_line(bytes, 2)? {
                        return Ok(Step::More);
                    }
                    if self.line != b"\r\n" {
                        return Err(Cut);
                    }
                    self.line.clear();
                    self.state = State::Size;
                }
                State::Trailers => {
                    if !self.collect_line(bytes, TRAILERS_MAX)? {
                        return Ok(Step::More);
                    }
                    if self.line == b"\r\n" || self.line.ends_with(b"\r\n\r\n") {
                        let trailers = trailers(&self.line)?;
                        self.line = Vec::new();
                        self.state = State::Done;
                        return Ok(if trailers.is_empty() {
                            Step::End
                        } else {
                            Step::Trailers(trailers)
                        });
                    }
                }
                State::Done => return Ok(Step::End),
            }
        }
    }

    /// Collects bytes up to the end of a line; whether it was there.
    fn collect_line(&mut self, bytes: &mut Bytes, max: usize) -> Result<bool, Cut> {
        let found = memchr::memchr(b'\n', bytes);
        let count = found.map_or(bytes.len(), |at| at + 1);
        if self.line.len() + count > max {
            return Err(Cut);
        }
        self.line.extend_from_slice(&bytes[..count]);
        bytes.advance(count);
        if found.is_some() && !self.line.ends_with(b"\r\n") {
            return Err(Cut);
        }
        Ok(found.is_some())
    }
}

/// The size that a line tells. Its extensions mean nothing to anyone but the endpoint.
fn size(line: &[u8]) -> Result<u64, Cut> {
    let text = line.strip_suffix(b"\r\n").ok_or(Cut)?;
    // The parser takes no digits for zero, and passes over what may be a line's end to others.
    if !text.first().is_some_and(u8::is_ascii_hexdigit) || text.contains(&b'\r') {
        return Err(Cut);
    }
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((used, size))) if used == line.len() => Ok(size),
        _ => Err(Cut),
    }
}

fn trailers(section: &[u8]) -> Result<HeaderMap, Cut> {
    if section == b"\r\n" {
        return Ok(HeaderMap::new());
    }
    if has_bare_line_end(section) {
        return Err(Cut);
    }
    let mut fields = [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX];
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(section, &mut fields)
    else {
        return Err(Cut);
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Cut)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| Cut)?;
        trailers.append(name, value);
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All that is read of `pieces`.
    fn decode(pieces: impl IntoIterator<Item = Bytes>) -> Result<(Vec<u8>, HeaderMap, bool), Cut> {
        let mut decoder = Decoder::default();
        let (mut body, mut fields) = (Vec::new(), HeaderMap::new());
        for mut piece in pieces {
            loop {
                match decoder.step(&mut piece)? {
                    Step::Data(data) => body.extend_from_slice(&data),
                    Step::Trailers(trailers) => fields = trailers,
                    Step::End => return Ok((body, fields, true)),
                    Step::More => break,
                }
            }
        }
        Ok((body, fields, false))
    }

    fn at_once(text: &'static str) -> Result<(Vec<u8>, HeaderMap, bool), Cut> {
        decode([Bytes::from_static(text.as_bytes())])
    }

    #[test]
    fn chunks_become_a_body() {
        let (body, trailers, ended) =
            at_once("3\r\none\r\n00a;ext=\"1\" \r\nsecond one\r\n0\r\nX-Sum: 1\r\n\r\n").unwrap();
        assert_eq!(
            (body.as_slice(), ended),
            (b"onesecond one".as_slice(), true)
        );
        assert_eq!(trailers["x-sum"], "1");
    }

    #[test]
    fn what_is_not_the_coding_is_an_error() {
        for text in [
            "\r\n",
            ";a\r\n",
            "x\r\n",
            "-1\r\n",
            "0x1\r\n",
            "1\n1\r\n",
            "1;a\nb\r\n",
            "1;a\rb\r\n1\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\r\r\n",
            "10000000000000000\r\n",
            "0\r\na: 1\n\n\r\n",
            "0\r\na : 1\r\n\r\n",
        ] {
            assert!(at_once(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn lines_and_trailers_are_bounded() {
        let long = format!("1;{}", "x".repeat(SIZE_LINE_MAX));
        assert_eq!(decode([Bytes::from(long)]), Err(Cut));
        let many = format!("0\r\n{}", "a: 1\r\n".repeat(TRAILERS_MAX));
        assert_eq!(decode([Bytes::from(many)]), Err(Cut));
        let fields = format!("0\r\n{}\r\n", "a: 1\r\n".repeat(TRAILER_FIELDS_MAX + 1));
        assert_eq!(decode([Bytes::from(fields)]), Err(Cut));
    }

    proptest! {
        #[test]
        fn what_was_coded_is_read_however_it_is_cut(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..8),
            cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        ) {
            let mut coded = Vec::new();
            for chunk in &chunks {
                coded.extend_from_slice(format!("{:X}\r\n", chunk.len()).as_bytes());
                coded.extend_from_slice(chunk);
                coded.extend_from_slice(b"\r\n");
            }
            coded.extend_from_slice(b"0\r\na: b\r\n\r\n");
            let coded = Bytes::from(coded);
            let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(coded.len())).collect();
            places.extend([0, coded.len()]);
            places.sort_unstable();
            let pieces = places.windows(2).map(|ends| coded.slice(ends[0]..ends[1]));
            let (body, trailers, ended) = decode(pieces).unwrap();
            prop_assert_eq!(body, chunks.concat());
            prop_assert!(ended);
            prop_assert_eq!(trailers.len(), 1);
        }

        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode([Bytes::from(bytes)]);
        }
    }
}
