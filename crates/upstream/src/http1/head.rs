//! The response head: its fields, and what its framing says of the body behind it.

use std::mem::MaybeUninit;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
};
use http::{StatusCode, Version, response};
use hyper::ext::ReasonPhrase;

use super::spellings::Spellings;
use crate::forward::names::Names;
use crate::forward::response::keep_alive;
use crate::refusal::Refusal;

/// Largest head in bytes.
pub(super) const HEAD_MAX: usize = 64 * 1024;

pub(super) static KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Most fields of a head.
const FIELDS_MAX: usize = 100;

/// Body bytes that came with the head share its allocation up to here; more would hold the memory
/// of a large piece for as long as the head lives.
const SHARED_MAX: usize = 4 * 1024;

/// What the first bytes of an answer are.
#[derive(Debug)]
pub(super) enum Parsed {
    /// More is needed.
    Partial,
    /// An interim head of so many bytes (RFC 9110 §15.2).
    Interim(usize),
    /// The head of the answer, or of a 101.
    Final(Answer),
}

/// A head and what was read behind it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: response::Parts,
    pub(super) length: Length,
    /// The endpoint keeps the connection open (RFC 9112 §9.3).
    pub(super) persists: bool,
    /// How long it says that it keeps it.
    pub(super) keep_alive: Option<Duration>,
    /// The names that the head has.
    pub(super) names: Names,
    /// Bytes read behind the head.
    pub(super) rest: Bytes,
}

/// Where the body ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// After so many bytes.
    Sized(u64),
    /// Where the chunked coding says.
    Chunked,
    /// Where the connection closes.
    UntilClose,
}

/// Reads the head at the beginning of `bytes`. `asked_head`: the request was a `HEAD`.
///
/// # Errors
///
/// The reason why it cannot be passed on.
pub(super) fn parse(
    bytes: &[u8],
    asked_head: bool,
    spellings: &mut Spellings,
) -> Result<Parsed, Refusal> {
    let mut fields = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut fields,
    );
    let used = match parsed {
        Ok(httparse::Status::Complete(used)) if used <= HEAD_MAX => used,
        Ok(httparse::Status::Partial) if bytes.len() <= HEAD_MAX => return Ok(Parsed::Partial),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(_) => return Err(Refusal::Malformed),
    };
    let (head, rest) = bytes.split_at(used);
    if has_bare_line_end(head) {
        return Err(Refusal::Malformed);
    }
    let status = response
        .code
        .and_then(|code| StatusCode::from_u16(code).ok())
        .ok_or(Refusal::Malformed)?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(Parsed::Interim(used));
    }
    let is_http11 = response.version == Some(1);
    let shared = if rest.len() <= SHARED_MAX {
        bytes
    } else {
        head
    };
    let copy = Bytes::copy_from_slice(shared);
    let mut parts = http::Response::new(()).into_parts().0;
    parts.status = status;
    parts.version = if is_http11 {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    if let Some(reason) = response.reason
        && !reason.is_empty()
        && Some(reason) != status.canonical_reason()
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        parts.extensions.insert(reason);
    }
    let mut connection = Connection::default();
    let mut framing = Framing::default();
    let told = (&mut connection, &mut framing);
    parts.headers = headers(response.headers, (bytes, &copy), spellings, told)?;
    let length = framing.length(is_http11, bodiless(status, asked_head))?;
    let names = Names::of(&parts.headers);
    Ok(Parsed::Final(Answer {
        length,
        persists: status != StatusCode::SWITCHING_PROTOCOLS
            && connection.persists(length, is_http11),
        keep_alive: names
            .have(Names::KEEP_ALIVE)
            .then(|| keep_alive(parts.headers.get(&KEEP_ALIVE)?.as_bytes()))
            .flatten(),
        names,
        head: parts,
        rest: if shared.len() > used {
            copy.slice(used..)
        } else {
            Bytes::copy_from_slice(rest)
        },
    }))
}

/// The fields, whose values are slices of `copy`, which begins as `bytes` does. A `Connection` that names none of them is
/// taken in only.
fn headers(
    fields: &[httparse::Header<'_>],
    (bytes, copy): (&[u8], &Bytes),
    spellings: &mut Spellings,
    (connection, framing): (&mut Connection, &mut Framing),
) -> Result<HeaderMap, Refusal> {
    // Room for what the gateway adds.
    let mut headers = HeaderMap::with_capacity(fields.len() + 4);
    let start = bytes.as_ptr().addr();
    for (place, field) in fields.iter().enumerate() {
        let name = spellings
            .read(place, field.name.as_bytes())
            .map_err(|_| Refusal::Malformed)?;
        if name == CONNECTION && connection.reads(field.value) {
            continue;
        }
        framing.reads(&name, field.value)?;
        let at = field.value.as_ptr().addr() - start;
        let value = copy.slice(at..at + field.value.len());
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Refusal::Malformed)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// Whether a line ends in a bare LF, which not every parser takes for a line's end (RFC 9112 §2.2). A bare CR is refused
/// by the parser.
pub(super) fn has_bare_line_end(head: &[u8]) -> bool {
    let pairs = head.iter().zip(head.iter().skip(1));
    // Without branches, so that many bytes are looked at at once.
    let bare = pairs.fold(0, |found, (before, byte)| {
        found | u8::from(*byte == b'\n') & u8::from(*before != b'\r')
    });
    bare != 0 || head.first() == Some(&b'\n')
}

/// Whether no body follows, whatever the fields say.
pub(super) fn bodiless(status: StatusCode, asked_head: bool) -> bool {
    asked_head
        || status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// What the fields say of where the body ends (RFC 9112 §6.3).
#[derive(Debug, Default)]
pub(super) struct Framing {
    chunked: bool,
    sized: Option<u64>,
}

impl Framing {
    pub(super) fn reads(&mut self, name: &HeaderName, value: &[u8]) -> Result<(), Refusal> {
        if *name == CONTENT_LENGTH {
            // Of several, equal ones too, the next hop might take another one.
            if self.sized.is_some() {
                return Err(Refusal::Malformed);
            }
            self.sized = Some(digits(value).ok_or(Refusal::Malformed)?);
        } else if *name == TRANSFER_ENCODING {
            // Under any other coding the body would go out as something else.
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Refusal::TransferCoding);
            }
            self.chunked = true;
        }
        Ok(())
    }

    pub(super) fn length(&self, is_http11: bool, bodiless: bool) -> Result<Length, Refusal> {
        match (self.chunked, self.sized) {
            // Which of the two was meant nobody can tell: a splitting attempt, or a bug. HTTP/1.0 knows no coding, so
            // its end may be anywhere (RFC 9112 §6.1).
            (true, Some(_)) => Err(Refusal::Malformed),
            (true, None) if !is_http11 => Err(Refusal::Malformed),
            _ if bodiless => Ok(Length::Sized(0)),
            (true, None) => Ok(Length::Chunked),
            (false, Some(length)) => Ok(Length::Sized(length)),
            (false, None) => Ok(Length::UntilClose),
        }
    }
}

/// `1*DIGIT` and nothing else, not even a leading zero, which some read as octal.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text[0] == b'0') {
        return None;
    }
    text.iter().try_fold(0_u64, |sum, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// What `Connection` says of how long the connection lasts (RFC 9112 §9.3).
#[derive(Debug, Default)]
pub(super) struct Connection {
    close: bool,
    keep_alive: bool,
}

impl Connection {
    /// Reads a line; whether it says nothing else, such as which fields are for this connection only.
    pub(super) fn reads(&mut self, line: &[u8]) -> bool {
        let mut says_nothing_else = true;
        for token in line.split(|byte| *byte == b',') {
            let token = token.trim_ascii();
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else {
                says_nothing_else = false;
            }
        }
        says_nothing_else
    }

    /// Whether it lasts beyond a body of this length.
    pub(super) fn persists(&self, length: Length, is_http11: bool) -> bool {
        length != Length::UntilClose && !self.close && (is_http11 || self.keep_alive)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn answer(bytes: &str) -> Answer {
        match parse(bytes.as_bytes(), false, &mut Spellings::default()) {
            Ok(Parsed::Final(answer)) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check_length(fields: &str, length: Length) {
        assert_eq!(
            answer(&format!("HTTP/1.1 200 OK\r\n{fields}\r\n")).length,
            length
        );
    }

    #[track_caller]
    fn check_refused(bytes: &str, refusal: Refusal) {
        match parse(bytes.as_bytes(), false, &mut Spellings::default()) {
            Err(refused) => assert_eq!(refused, refusal, "{bytes:?}"),
            other => panic!("{bytes:?}: {other:?}"),
        }
    }

    #[test]
    fn the_fields_say_where_the_body_ends() {
        check_length("content-length: 5\r\n", Length::Sized(5));
        check_length("content-length: 0\r\n", Length::Sized(0));
        check_length("Transfer-Encoding: Chunked\r\n", Length::Chunked);
        check_length("", Length::UntilClose);
    }

    #[test]
    fn what_two_could_read_differently_is_refused() {
        for fields in [
            "content-length: 1\r\ncontent-length: 2\r\n",
            "content-length: 1\r\ncontent-length: 1\r\n",
            "content-length: 1, 1\r\n",
            "content-length: +1\r\n",
            "content-length: 0x1\r\n",
            "content-length: 01\r\n",
            "content-length: \r\n",
            "content-length: 18446744073709551616\r\n",
            "content-length: 1\r\ntransfer-encoding: chunked\r\n",
            "a: 1\r\n b\r\n",
            "a : 1\r\n",
            ": 1\r\n",
            "a: 1\n",
            "a: 1\rb: 2\r\n",
            "a: \0\r\n",
        ] {
            check_refused(
                &format!("HTTP/1.1 200 OK\r\n{fields}\r\n"),
                Refusal::Malformed,
            );
        }
        for bytes in [
            "HTTP/1.1 200 OK\n\r\n",
            "HTTP/1.1 200 OK\r\na: 1\r\n\n",
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "ICY 200 OK\r\n\r\n",
        ] {
            check_refused(bytes, Refusal::Malformed);
        }
        for coding in [
            "gzip",
            "gzip, chunked",
            "chunked, chunked",
            "chunked\r\ntransfer-encoding: chunked",
            "identity",
        ] {
            check_refused(
                &format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\n\r\n"),
                Refusal::TransferCoding,
            );
        }
    }

    #[test]
    fn some_answers_have_no_body() {
        let with =
            |status| answer(&format!("HTTP/1.1 {status} X\r\ncontent-length: 9\r\n\r\n")).length;
        assert_eq!(
            (with(204), with(304), with(200)),
            (Length::Sized(0), Length::Sized(0), Length::Sized(9))
        );
        let head = parse(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            true,
            &mut Spellings::default(),
        );
        assert!(
            matches!(head, Ok(Parsed::Final(answer)) if answer.length == Length::Sized(0) && answer.persists)
        );
    }

    #[test]
    fn a_connection_persists_by_its_version_and_word() {
        let persists = |first: &str, fields: &str| {
            answer(&format!(
                "{first} 200 OK\r\ncontent-length: 0\r\n{fields}\r\n"
            ))
            .persists
        };
        assert!(persists("HTTP/1.1", ""));
        assert!(!persists("HTTP/1.1", "connection: x, Close\r\n"));
        assert!(!persists("HTTP/1.0", ""));
        assert!(persists("HTTP/1.0", "connection: Keep-Alive\r\n"));
        assert!(!persists(
            "HTTP/1.0",
            "connection: keep-alive\r\nconnection: close\r\n"
        ));
        assert!(!answer("HTTP/1.1 200 OK\r\n\r\n").persists);
        assert!(!answer("HTTP/1.1 101 X\r\n\r\n").persists);
    }

    #[test]
    fn heads_are_bounded_and_may_come_in_pieces() {
        let whole = "HTTP/1.1 200 OK\r\na: 1\r\n\r\n";
        for end in 0..whole.len() {
            assert!(
                matches!(
                    parse(&whole.as_bytes()[..end], false, &mut Spellings::default()),
                    Ok(Parsed::Partial)
                ),
                "{end}"
            );
        }
        let large = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(HEAD_MAX));
        check_refused(&large, Refusal::HeadTooLarge);
        check_refused(&format!("{large}\r\n\r\n"), Refusal::HeadTooLarge);
        let fields = |count| format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: 1\r\n".repeat(count));
        assert_eq!(answer(&fields(FIELDS_MAX)).head.headers.len(), FIELDS_MAX);
        check_refused(&fields(FIELDS_MAX + 1), Refusal::HeadTooLarge);
    }

    #[test]
    fn an_interim_head_is_told_with_its_length() {
        let bytes = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
        assert!(matches!(
            parse(bytes, false, &mut Spellings::default()),
            Ok(Parsed::Interim(37))
        ));
    }

    #[test]
    fn values_and_a_small_rest_share_one_copy() {
        let found =
            answer("HTTP/1.1 200 Fine\r\na: one\r\nA: two\r\ncontent-length: 4\r\n\r\nbody");
        let values: Vec<_> = found.head.headers.get_all("a").iter().collect();
        assert_eq!(values, ["one", "two"]);
        assert_eq!(found.rest, "body");
        let reason = found.head.extensions.get::<ReasonPhrase>().unwrap();
        assert_eq!(reason.as_bytes(), b"Fine");
        let large = format!(
            "HTTP/1.1 200 OK\r\na: one\r\n\r\n{}",
            "x".repeat(SHARED_MAX + 1)
        );
        let found = answer(&large);
        assert_eq!(found.rest.len(), SHARED_MAX + 1);
        assert!(found.head.extensions.get::<ReasonPhrase>().is_none());
    }
}
