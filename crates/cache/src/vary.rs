//! Which fields of a request choose among the stored responses of one key? (RFC 9111 §4.1)
//!
//! The fields that `Vary` lists, in one set whatever their order and case. What a request says in them is written as a
//! text that joins the key: two requests match when their texts are equal. An absent field is not an empty one.
//!
//! Lines of one field are joined as RFC 9110 §5.3 allows; blanks and case do not matter in the `Accept` family, whose
//! grammar says so. A response that has a content coding, or that is for one origin of a page, depends on what the
//! request said of it even where its `Vary` forgets to say so.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use http::header::{
    ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_ENCODING, COOKIE, HOST, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::accept_encoding;

/// At most this many fields of one response; one with more is not stored.
const FIELDS_MAX: usize = 32;
/// At most this many sets are remembered for one key: an origin that changes its mind more often has more misses.
const SETS_MAX: usize = 4;
/// At most this many variants of one key are found; then the oldest is not any more.
const VARIANTS_MAX: usize = 64;
/// A value that is longer joins the key as a digest, as one that is a credential does.
const VALUE_MAX: usize = 128;

/// Fields whose blanks and letters' case mean nothing.
static LISTS: [HeaderName; 3] = [ACCEPT, ACCEPT_CHARSET, ACCEPT_LANGUAGE];

/// A response that matches no other request: `Vary: *`, or one that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MatchesNone;

/// The fields that chose a response, by name; empty: there is one for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct VarySet(Box<[HeaderName]>);

impl VarySet {
    /// Reads them from the fields of a response.
    pub(crate) fn of(response: &HeaderMap) -> Result<Self, MatchesNone> {
        let mut names = Vec::new();
        for line in response.get_all(VARY) {
            for name in line.as_bytes().split(|byte| *byte == b',') {
                let name = name.trim_ascii();
                if name.is_empty() {
                    continue;
                }
                if name == b"*" {
                    return Err(MatchesNone);
                }
                names.push(HeaderName::from_bytes(name).map_err(|_| MatchesNone)?);
            }
        }
        if response.contains_key(CONTENT_ENCODING) {
            names.push(ACCEPT_ENCODING);
        }
        let for_one = |origin: &HeaderValue| origin != "*";
        if response
            .get(ACCESS_CONTROL_ALLOW_ORIGIN)
            .is_some_and(for_one)
            || response.contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS)
        {
            names.push(ORIGIN);
        }
        // The key has it already.
        names.retain(|name| *name != HOST);
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        if names.len() > FIELDS_MAX {
            return Err(MatchesNone);
        }
        Ok(Self(names.into()))
    }

    /// Whether there is one response for all requests.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends what a request says in these fields.
    pub(crate) fn write(&self, request: &HeaderMap, out: &mut String) {
        for name in &self.0 {
            write_field(name, request, out);
        }
    }
}

/// Appends what a request says in one field, as part of a key.
pub(crate) fn write_field(name: &HeaderName, request: &HeaderMap, out: &mut String) {
    out.push('\n');
    out.push_str(name.as_str());
    let mut lines = request.get_all(name).iter().peekable();
    if lines.peek().is_none() {
        return;
    }
    out.push('=');
    if *name == ACCEPT_ENCODING {
        out.push_str(&accept_encoding::reduced(request).unwrap_or_default());
        return;
    }
    let is_list = LISTS.contains(name);
    let mut joined = Vec::new();
    for (place, line) in lines.enumerate() {
        if place > 0 {
            joined.push(b',');
        }
        let line = line.as_bytes().trim_ascii();
        if is_list {
            let kept = line.iter().filter(|byte| !matches!(byte, b' ' | b'\t'));
            joined.extend(kept.map(u8::to_ascii_lowercase));
        } else {
            if place > 0 {
                joined.push(b' ');
            }
            joined.extend_from_slice(line);
        }
    }
    // A key is shown to people, and a credential is for nobody's eyes.
    let is_secret = [AUTHORIZATION, COOKIE].contains(name);
    if is_secret || joined.len() > VALUE_MAX {
        out.push_str("blake3:");
        out.push_str(&blake3::hash(&joined).to_hex());
        return;
    }
    match std::str::from_utf8(&joined) {
        Ok(text) => out.push_str(text),
        Err(_) => {
            for byte in joined {
                // Writing into a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

/// What is known of the variants of one key; it lies under the key itself and answers nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variants {
    /// The newest first.
    sets: Vec<VarySet>,
    /// Digests of the variants that may be found, the oldest first.
    held: VecDeque<u64>,
    /// Until when the last of them is kept.
    until: Option<Instant>,
}

impl Variants {
    /// How long it is worth keeping from `now` on.
    pub(crate) fn keep(&self, now: Instant) -> Duration {
        let until = self.until.unwrap_or(now);
        until.saturating_duration_since(now)
    }

    /// The sets by which a variant may have been chosen, the newest first.
    pub(crate) fn sets(&self) -> &[VarySet] {
        &self.sets
    }

    /// Whether a variant is one of those that may be found.
    pub(crate) fn holds(&self, variant: &str) -> bool {
        self.held.contains(&digest(variant))
    }

    /// The same with one more variant, which `set` chose and which is kept until then.
    pub(crate) fn with(&self, set: &VarySet, variant: &str, until: Instant) -> Self {
        let mut sets = vec![set.clone()];
        sets.extend(self.sets.iter().filter(|known| *known != set).cloned());
        sets.truncate(SETS_MAX);
        let mut held = self.held.clone();
        let digest = digest(variant);
        held.retain(|known| *known != digest);
        held.push_back(digest);
        if held.len() > VARIANTS_MAX {
            held.pop_front();
        }
        Self {
            sets,
            held,
            until: self.until.max(Some(until)),
        }
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let names: usize = self.sets.iter().map(|set| set.0.len()).sum();
        names * size_of::<HeaderName>() + self.held.len() * size_of::<u64>() + size_of::<Self>()
    }
}

/// The full text is compared as part of the key; here a digest is enough, for two with one digest are only both found.
fn digest(variant: &str) -> u64 {
    let hash = blake3::hash(variant.as_bytes());
    let mut half = [0; 8];
    half.copy_from_slice(&hash.as_bytes()[..8]);
    u64::from_le_bytes(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn variant(response: &[(&'static str, &str)], request: &[(&'static str, &str)]) -> String {
        let mut out = String::new();
        let set = VarySet::of(&headers(response)).unwrap();
        set.write(&headers(request), &mut out);
        out
    }

    #[test]
    fn order_case_and_lines_of_vary_do_not_matter() {
        let request = [("a", "1"), ("b", "2")];
        let one = variant(&[("vary", "A, b")], &request);
        assert_eq!(one, "\na=1\nb=2");
        assert_eq!(
            variant(&[("vary", "b,,"), ("vary", " a , B")], &request),
            one
        );
        assert_eq!(VarySet::of(&headers(&[("vary", "a, *")])), Err(MatchesNone));
        assert_eq!(VarySet::of(&headers(&[("vary", "a b")])), Err(MatchesNone));
        assert!(VarySet::of(&headers(&[("vary", "")])).unwrap().is_empty());
        let many: Vec<_> = (0..=FIELDS_MAX).map(|field| format!("x-{field}")).collect();
        let many = headers(&[("vary", &many.join(","))]);
        assert_eq!(VarySet::of(&many), Err(MatchesNone));
    }

    #[test]
    fn absent_is_not_empty_and_lines_are_joined() {
        let vary = [("vary", "foo")];
        assert_eq!(variant(&vary, &[]), "\nfoo");
        assert_eq!(variant(&vary, &[("foo", "")]), "\nfoo=");
        assert_eq!(variant(&vary, &[("foo", "1"), ("foo", "2")]), "\nfoo=1, 2");
        assert_eq!(variant(&vary, &[("foo", "1, 2")]), "\nfoo=1, 2");
        let long = "x".repeat(VALUE_MAX + 1);
        assert!(variant(&vary, &[("foo", &long)]).starts_with("\nfoo=blake3:"));
        let secret = variant(&[("vary", "cookie")], &[("cookie", "a=1")]);
        assert!(secret.starts_with("\ncookie=blake3:") && !secret.contains("a=1"));
        let vary = [("vary", "accept-language")];
        assert_eq!(
            variant(&vary, &[("accept-language", "de, EN;q=0.5")]),
            variant(&vary, &[("accept-language", "DE,en; q=0.5")]),
        );
    }

    #[test]
    fn a_coding_and_an_origin_count_though_vary_is_silent() {
        let gzip = [("content-encoding", "gzip")];
        assert_eq!(
            variant(&gzip, &[("accept-encoding", "gzip, br")]),
            "\naccept-encoding=br, gzip"
        );
        let one_page = [("access-control-allow-origin", "https://a")];
        assert_eq!(
            variant(&one_page, &[("origin", "https://a")]),
            "\norigin=https://a"
        );
        assert_eq!(variant(&[("access-control-allow-origin", "*")], &[]), "");
    }

    #[test]
    fn the_oldest_variant_is_found_no_more() {
        let set = VarySet::of(&headers(&[("vary", "a")])).unwrap();
        let (mut variants, now) = (Variants::default(), Instant::now());
        for number in 0..=VARIANTS_MAX {
            variants = variants.with(&set, &number.to_string(), now);
        }
        assert!(!variants.holds("0") && variants.holds("1") && variants.holds("64"));
        assert_eq!(variants.sets(), [set]);
    }
}
