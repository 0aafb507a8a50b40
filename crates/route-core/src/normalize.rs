//! Which of its many spellings a path is known by.
//!
//! - Percent-encoding of unreserved characters is undone, all other encodings are kept, with
//!   upper-case digits (RFC 3986 §6.2.2).
//! - What may not stand in a path as it is (non-ASCII, `" < > \ ^ [ ] { | }`, the backtick,
//!   blanks and controls) is encoded.
//! - Repeated slashes merge unless that is switched off.
//! - Dot segments are resolved (RFC 3986 §5.2.4) and never climb above the root.
//! - `%2F`, `%5C` and `;` keep their meaning of data; what a next hop might make of them is the
//!   business of [`readings`](crate::readings).
//!
//! The normal form is its own normal form, and most paths are in it already: those are borrowed.

use std::borrow::Cow;

/// The most bytes that a normal path has: what [`http::Uri`] can hold.
pub(crate) const PATH_BYTES_MAX: usize = u16::MAX as usize - 1;

/// Why a path has no normal form. All of them are the client's fault: 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// It does not begin with `/`: empty, or `*` with a method other than `OPTIONS`.
    #[error("a path begins with a slash")]
    NotAbsolute,
    /// A `%` without two hexadecimal digits.
    #[error("the percent sign at byte {at} is not followed by two hexadecimal digits")]
    Encoding {
        /// Where the `%` stands, in bytes from the path's start.
        at: usize,
    },
    /// A NUL, which many programs take for the end of a text.
    #[error("a path may not contain NUL")]
    Nul,
    /// The normal form has more than 65,534 bytes.
    #[error("a path may have 65534 bytes")]
    TooLong,
}

/// Returns the one spelling under which `raw`, a path without its query, is matched and keyed.
///
/// `merge_slashes` makes one slash of several in a row.
///
/// ```
/// use route_core::normalize;
///
/// assert_eq!(normalize("/%7Eann//caf%c3%a9/./menu", true)?, "/~ann/caf%C3%A9/menu");
/// assert_eq!(normalize("/a/../../b", true)?, "/b");
/// assert!(normalize("/50%", true).is_err());
/// # Ok::<(), route_core::PathError>(())
/// ```
pub fn normalize(raw: &str, merge_slashes: bool) -> Result<Cow<'_, str>, PathError> {
    let Some(relative) = raw.strip_prefix('/') else {
        return Err(PathError::NotAbsolute);
    };
    let bytes = raw.as_bytes();
    let normal = if is_plain(bytes) || is_normal(bytes, merge_slashes) {
        Cow::Borrowed(raw)
    } else {
        Cow::Owned(rewritten(relative, merge_slashes)?)
    };
    if normal.len() > PATH_BYTES_MAX {
        return Err(PathError::TooLong);
    }
    Ok(normal)
}

/// What a byte asks for when it is met in a path.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Slash,
    Percent,
    Encode,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Encode; 256];
    let mut byte = 0x21_u8;
    while byte < 0x7F {
        classes[byte as usize] = match byte {
            b'/' => Class::Slash,
            b'%' => Class::Percent,
            b'"' | b'#' | b'<' | b'>' | b'?' | b'[' | b'\\' | b']' | b'^' | b'`' | b'{' | b'|'
            | b'}' => Class::Encode,
            _ => Class::Plain,
        };
        byte += 1;
    }
    classes
};

// What makes a path worth a closer look: a byte with `LOOK`, or two with `PAIR` in a row.
const LOOK: u8 = 1;
const PAIR: u8 = 1 << 1;

const MARKS: [u8; 256] = {
    let mut marks = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        marks[byte] = match CLASSES[byte] {
            Class::Plain if byte == b'.' as usize => PAIR,
            Class::Plain => 0,
            Class::Slash => PAIR,
            Class::Percent | Class::Encode => LOOK,
        };
        byte += 1;
    }
    marks
};

/// Tells the great majority of paths, which have nothing to look at, sixteen bytes at a time. Where it
/// says no, a closer look is needed.
fn is_plain(path: &[u8]) -> bool {
    let Some(last) = path.last_chunk::<WINDOW>() else {
        return is_plain_short(path);
    };
    let mut rest = path;
    while let Some(window) = rest.first_chunk() {
        if is_worth_a_look(window) {
            return false;
        }
        rest = &rest[WINDOW - 1..];
    }
    let [.., end] = last;
    !is_worth_a_look(last) && MARKS[usize::from(*end)] & LOOK == 0
}

/// Sixteen bytes, and one that may be a pair with the last of them.
const WINDOW: usize = 17;

/// Whether the first sixteen bytes make `window` worth a closer look, or maybe do. Written so that all of
/// them are judged at once.
fn is_worth_a_look(window: &[u8; WINDOW]) -> bool {
    let mut seen = 0;
    for at in 0..WINDOW - 1 {
        let is_pair = is_dot_or_slash(window[at]) & is_dot_or_slash(window[at + 1]);
        seen |= u8::from(may_have_look(window[at]) | is_pair);
    }
    seen != 0
}

/// Whether `byte` has [`LOOK`], or is one of a few others, which makes it fewer comparisons.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without a branch, many bytes are compared at once"
)]
#[inline]
fn may_have_look(byte: u8) -> bool {
    (byte <= b'%')
        | (byte.wrapping_sub(b'<') <= b'?' - b'<')
        | (byte.wrapping_sub(b'[') <= b'^' - b'[')
        | (byte == b'`')
        | (byte >= b'{')
}

#[inline]
fn is_dot_or_slash(byte: u8) -> bool {
    byte.wrapping_sub(b'.') <= b'/' - b'.'
}

/// The same of a path that is no window, without a branch for each byte.
fn is_plain_short(path: &[u8]) -> bool {
    let (mut seen, mut before) = (0, 0);
    for &byte in path {
        let marks = MARKS[usize::from(byte)];
        seen |= (marks & LOOK) | (marks & before & PAIR);
        before = marks;
    }
    seen == 0
}

/// Whether there is nothing to change, looking closer.
fn is_normal(path: &[u8], merge_slashes: bool) -> bool {
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        match CLASSES[usize::from(byte)] {
            Class::Plain => at += 1,
            Class::Slash => {
                let rest = &path[at + 1..];
                match rest.first() {
                    Some(b'/') if merge_slashes => return false,
                    Some(b'.') if begins_with_dot_segment(rest) => return false,
                    _ => at += 1,
                }
            }
            Class::Percent => match encoded(path, at) {
                Some(0) | None => return false,
                Some(byte) if is_unreserved(byte) => return false,
                Some(_) if path[at + 1..at + 3].iter().any(u8::is_ascii_lowercase) => return false,
                Some(_) => at += 3,
            },
            Class::Encode => return false,
        }
    }
    true
}

fn begins_with_dot_segment(rest: &[u8]) -> bool {
    matches!(
        rest,
        [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..]
    )
}

/// The byte that the `%` at `at` and its two digits stand for.
fn encoded(text: &[u8], at: usize) -> Option<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = digit(text.get(at + 1)?)? << 4 | digit(text.get(at + 2)?)?;
    u8::try_from(byte).ok()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn rewritten(relative: &str, merge_slashes: bool) -> Result<String, PathError> {
    let mut out = String::with_capacity(relative.len() + 16);
    out.push('/');
    let mut segments = relative.split('/').peekable();
    // Errors are told by the place in the path, whose slash was taken off.
    let mut offset = 1;
    while let Some(segment) = segments.next() {
        let start = out.len();
        push_segment(&mut out, segment, offset)?;
        offset += segment.len() + 1;
        let is_last = segments.peek().is_none();
        match &out[start..] {
            "" if merge_slashes || is_last => {}
            "." => out.truncate(start),
            ".." => {
                // `out` ends with the slash before the dots, which stays where it is the root.
                out.truncate(start.max(2) - 1);
                let parent = out.rfind('/').unwrap_or(0);
                out.truncate(parent + 1);
            }
            _ if is_last => {}
            _ => out.push('/'),
        }
        // Bounds the work for a path that only grows.
        if out.len() > PATH_BYTES_MAX {
            return Err(PathError::TooLong);
        }
    }
    Ok(out)
}

/// Appends the normal form of one segment, in which dots are only dots.
pub(crate) fn push_segment(
    out: &mut String,
    segment: &str,
    offset: usize,
) -> Result<(), PathError> {
    let bytes = segment.as_bytes();
    let is_plain = |byte: &&u8| matches!(CLASSES[usize::from(**byte)], Class::Plain);
    let mut at = bytes.iter().take_while(is_plain).count();
    out.push_str(&segment[..at]);
    while let Some(&byte) = bytes.get(at) {
        match CLASSES[usize::from(byte)] {
            Class::Percent => {
                let byte = encoded(bytes, at).ok_or(PathError::Encoding { at: offset + at })?;
                match byte {
                    0 => return Err(PathError::Nul),
                    _ if is_unreserved(byte) => out.push(char::from(byte)),
                    _ => push_encoded(out, byte),
                }
                at += 3;
                continue;
            }
            Class::Encode if byte == 0 => return Err(PathError::Nul),
            Class::Encode => push_encoded(out, byte),
            Class::Plain | Class::Slash => out.push(char::from(byte)),
        }
        at += 1;
    }
    Ok(())
}

fn push_encoded(out: &mut String, byte: u8) {
    out.push_str(percent_encoding::percent_encode_byte(byte));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(raw: &str, normal: &str) {
        assert_eq!(normalize(raw, true).as_deref(), Ok(normal), "{raw}");
    }

    #[track_caller]
    fn check_kept(raw: &str, normal: &str) {
        assert_eq!(normalize(raw, false).as_deref(), Ok(normal), "{raw}");
    }

    proptest! {
        #[test]
        fn a_plain_path_is_normal(
            front in "[a-z/.]{0,40}",
            middle in "[/.%a-z\\x00-\\xff]{0,3}",
            back in "[a-z/.]{0,40}",
        ) {
            let path = format!("/{front}{middle}{back}");
            if is_plain(path.as_bytes()) {
                prop_assert!(is_normal(path.as_bytes(), true), "{}", path);
            }
        }
    }

    #[test]
    fn ordinary_paths_are_plain_whatever_their_length() {
        for length in 1..60 {
            let path = &"/users/ann_b-1~/keys/2024.json/A/b.c/tags/x/files/0123456789"[..length];
            assert_eq!(
                is_plain(path.as_bytes()),
                is_plain_short(path.as_bytes()) && (length < 17 || !path.contains('~')),
                "{path}"
            );
        }
        for byte in 0..=u8::MAX {
            let is_let_pass = MARKS[usize::from(byte)] & LOOK != 0 && !may_have_look(byte);
            assert!(!is_let_pass, "{byte:x}");
            assert_eq!(is_dot_or_slash(byte), MARKS[usize::from(byte)] & PAIR != 0);
        }
    }

    #[test]
    fn a_normal_path_is_borrowed() {
        for path in [
            "/",
            "/a/b",
            "/a/",
            "/a;v=1/b%2Fc",
            "/.well-known/..a/...",
            "/caf%C3%A9",
        ] {
            assert!(
                matches!(normalize(path, true), Ok(Cow::Borrowed(same)) if same == path),
                "{path}"
            );
        }
    }

    #[test]
    fn unreserved_characters_are_decoded_and_others_are_not() {
        check("/%7e%41%2d%2E%5f", "/~A-._");
        check("/a%2fb%5c%3b%20%25", "/a%2Fb%5C%3B%20%25");
        check("/%c3%a9", "/%C3%A9");
        // Decoded once: what comes out is data.
        check("/%252e%252e/a", "/%252e%252e/a");
    }

    #[test]
    fn what_may_not_stand_in_a_path_is_encoded() {
        check("/é", "/%C3%A9");
        check("/\"\\^[]{|}`", "/%22%5C%5E%5B%5D%7B%7C%7D%60");
        check("/a b<c>\u{7f}\n", "/a%20b%3Cc%3E%7F%0A");
    }

    #[test]
    fn slashes_merge_unless_kept() {
        check("//a///b//", "/a/b/");
        check_kept("//a///b//", "//a///b//");
        check_kept("/a//../b", "/a/b");
        check_kept("//..", "/");
    }

    #[test]
    fn dot_segments_are_resolved_and_never_climb() {
        check("/a/./b/../c", "/a/c");
        check("/..", "/");
        check("/../../a", "/a");
        check("/a/b/..", "/a/");
        check("/a/.", "/a/");
        check("/%2e%2E/a/.%2e/b", "/b");
        check("/a//..//b", "/b");
        check("/a/..b/c../.d", "/a/..b/c../.d");
    }

    #[test]
    fn what_has_no_normal_form_is_named() {
        let error = |raw: &str| normalize(raw, true).unwrap_err();
        assert_eq!(error(""), PathError::NotAbsolute);
        assert_eq!(error("*"), PathError::NotAbsolute);
        assert_eq!(error("a/b"), PathError::NotAbsolute);
        assert_eq!(error("/a%"), PathError::Encoding { at: 2 });
        assert_eq!(error("/a/b%2"), PathError::Encoding { at: 4 });
        assert_eq!(error("/a/%zz"), PathError::Encoding { at: 3 });
        assert_eq!(error("/%é1"), PathError::Encoding { at: 1 });
        assert_eq!(error("/a%00"), PathError::Nul);
        assert_eq!(error("/\0"), PathError::Nul);
        assert_eq!(
            error(&format!("/{}", "a".repeat(PATH_BYTES_MAX))),
            PathError::TooLong
        );
        assert_eq!(
            error(&format!("/{}", "é".repeat(20_000))),
            PathError::TooLong
        );
    }
}
