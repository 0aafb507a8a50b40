//! What do the cache directives of a response say?
//!
//! `CDN-Cache-Control` (RFC 9213) is read first; where it is there and well-formed, `Cache-Control`
//! and `Expires` say nothing any more. Otherwise `Cache-Control` (RFC 9111 §5.2.2) is read leniently:
//! an unknown directive is passed over, a malformed or contradicted number of seconds counts as
//! zero, because serving too briefly is safe and serving too long is not.

use std::time::Duration;

use http::HeaderMap;
use http::header::CACHE_CONTROL;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// The largest number of seconds that a directive may say; more counts as this (RFC 9111 §1.2.2).
const SECONDS_MAX: u64 = 1 << 31;

/// The directives of a response that this cache understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive that is there or is not"
)]
pub struct CacheControl {
    /// `no-store`: kept nowhere.
    pub no_store: bool,
    /// `no-cache`, with or without a list of fields: never used without asking the origin.
    pub no_cache: bool,
    /// `private`, with or without a list of fields: for one user alone.
    pub private: bool,
    /// `public`: for all, even where the request was authenticated.
    pub public: bool,
    /// `must-understand` (§5.2.2.3).
    pub must_understand: bool,
    /// `max-age`; zero where it is malformed or said twice with two values.
    pub max_age: Option<Duration>,
    /// `s-maxage`, as `max_age`.
    pub s_maxage: Option<Duration>,
    /// These directives came from a targeted field (RFC 9213), so `Expires` says nothing.
    pub targeted: bool,
}

impl CacheControl {
    /// Reads the directives that a response of these fields carries for this cache.
    pub fn of_response(headers: &HeaderMap) -> Self {
        Self::targeted(headers).unwrap_or_else(|| Self::plain(headers))
    }

    /// RFC 9213 §2.2: a field that does not parse, or that is empty, is as if it was not there.
    fn targeted(headers: &HeaderMap) -> Option<Self> {
        let mut lines = headers.get_all("cdn-cache-control").iter();
        let mut whole = lines.next()?.as_bytes().to_vec();
        for line in lines {
            whole.extend_from_slice(b", ");
            whole.extend_from_slice(line.as_bytes());
        }
        let directives: Dictionary = Parser::new(&whole).parse().ok()?;
        if directives.is_empty() {
            return None;
        }
        let mut read = Self {
            targeted: true,
            ..Self::default()
        };
        for (name, value) in &directives {
            let seconds = match value {
                ListEntry::Item(item) => match &item.bare_item {
                    BareItem::Integer(seconds) => Some(i64::from(*seconds)),
                    _ => None,
                },
                ListEntry::InnerList(_) => None,
            };
            let off = matches!(
                value,
                ListEntry::Item(item) if item.bare_item == BareItem::Boolean(false)
            );
            let seconds = || {
                let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
                Duration::from_secs(seconds.unwrap_or(0).min(SECONDS_MAX))
            };
            match name.as_str() {
                "max-age" => read.max_age = Some(seconds()),
                "s-maxage" => read.s_maxage = Some(seconds()),
                flag => read.raise(flag, !off),
            }
        }
        Some(read)
    }

    fn plain(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            for directive in Directives(line.as_bytes()) {
                let (name, value) = split_once(directive, b'=');
                let mut lower = [0_u8; 16];
                let Some(lower) = lower.get_mut(..name.len()) else {
                    continue;
                };
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                match &*lower {
                    b"max-age" => read.max_age = Some(agreed(read.max_age, seconds(value))),
                    b"s-maxage" => read.s_maxage = Some(agreed(read.s_maxage, seconds(value))),
                    flag => read.raise(std::str::from_utf8(flag).unwrap_or(""), true),
                }
            }
        }
        read
    }

    fn raise(&mut self, directive: &str, on: bool) {
        match directive {
            "no-store" => self.no_store |= on,
            "no-cache" => self.no_cache |= on,
            "private" => self.private |= on,
            "public" => self.public |= on,
            "must-understand" => self.must_understand |= on,
            _ => {}
        }
    }
}

/// Two values for one directive: where they differ, the response is stale (§4.2.1).
fn agreed(before: Option<Duration>, now: Duration) -> Duration {
    match before {
        Some(before) if before != now => Duration::ZERO,
        _ => now,
    }
}

/// Seconds as a token or, which a recipient ought to take too, as a quoted string (§5.2).
fn seconds(value: Option<&[u8]>) -> Duration {
    let value = value.unwrap_or(b"");
    let value = match value {
        [b'"', inner @ .., b'"'] => inner,
        bare => bare,
    };
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Duration::ZERO;
    }
    let seconds = value.iter().fold(0_u64, |sum, digit| {
        (sum * 10 + u64::from(digit - b'0')).min(SECONDS_MAX)
    });
    Duration::from_secs(seconds)
}

fn split_once(text: &[u8], at: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == at) {
        Some(position) => (&text[..position], Some(&text[position + 1..])),
        None => (text, None),
    }
}

/// The members of one line, split at commas outside of quoted strings and trimmed.
struct Directives<'a>(&'a [u8]);

impl<'a> Iterator for Directives<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let (mut quoted, mut escaped) = (false, false);
        let end = self.0.iter().position(|byte| {
            let ends = *byte == b',' && !quoted;
            if *byte == b'"' && !escaped {
                quoted = !quoted;
            }
            escaped = quoted && *byte == b'\\' && !escaped;
            ends
        });
        let (member, rest) = match end {
            Some(end) => (&self.0[..end], &self.0[end + 1..]),
            None => (self.0, &b""[..]),
        };
        self.0 = rest;
        Some(member.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(lines: &[&'static str], expected: CacheControl) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(line));
        }
        assert_eq!(CacheControl::of_response(&headers), expected);
    }

    fn max_age(seconds: u64) -> CacheControl {
        CacheControl {
            max_age: Some(Duration::from_secs(seconds)),
            ..CacheControl::default()
        }
    }

    #[test]
    fn a_number_of_seconds_is_read_or_counts_as_zero() {
        check(&["max-age=60"], max_age(60));
        check(&["Max-Age=60"], max_age(60));
        check(&["max-age=\"60\""], max_age(60));
        check(&["max-age=060"], max_age(60));
        check(&["max-age=99999999999999999999"], max_age(SECONDS_MAX));
        check(&["max-age"], max_age(0));
        check(&["max-age="], max_age(0));
        check(&["max-age=-1"], max_age(0));
        check(&["max-age=1.5"], max_age(0));
        check(&["max-age = 60"], CacheControl::default());
        check(&["max-age=60, max-age=60"], max_age(60));
        check(&["max-age=60", "max-age=10"], max_age(0));
    }

    #[test]
    fn flags_are_read_with_or_without_a_value() {
        let private = CacheControl {
            private: true,
            ..CacheControl::default()
        };
        check(&["private"], private);
        check(&["PRIVATE=\"a, no-store\""], private);
        check(&["private=\"a\\\", no-store\", x=1"], private);
        check(&["x, ,, private"], private);
        check(&[""], CacheControl::default());
        check(
            &["privately, a-directive-with-a-long-name=1"],
            CacheControl::default(),
        );
    }

    #[test]
    fn a_targeted_field_stands_in_for_the_other() {
        let read = |line| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert("cdn-cache-control", HeaderValue::from_static(line));
            CacheControl::of_response(&headers)
        };
        let targeted = CacheControl {
            targeted: true,
            ..max_age(60)
        };
        assert_eq!(read("max-age=60"), targeted);
        assert_eq!(read("max-age=60, private=?0"), targeted);
        assert_eq!(read("max-age=6.5").max_age, Some(Duration::ZERO));
        assert_eq!(read("max-age=-6").max_age, Some(Duration::ZERO));
        assert!(read("no-store").no_store);
        // Not well-formed, or empty: as if it was not there.
        assert!(read("max-age=60, =").no_store && !read("max-age=60, =").targeted);
        assert!(read("").no_store);
    }
}
