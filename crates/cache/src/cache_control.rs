//! What do the cache directives of a message say?
//!
//! Of a response, `CDN-Cache-Control` (RFC 9213) is read first; where it is there and well-formed, `Cache-Control`
//! and `Expires` say nothing any more. Otherwise `Cache-Control` (RFC 9111 §5.2.2) is read leniently:
//! an unknown directive is passed over, a malformed or contradicted number of seconds counts as
//! zero, because serving too briefly is safe and serving too long is not.

use std::time::Duration;

use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderName};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

mod directives;
mod request;

pub use request::RequestDirectives;

use directives::{Directives, SECONDS_MAX};

/// The directives of a response that this cache understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive that is there or is not"
)]
pub struct CacheControl {
    /// `no-store`: kept nowhere.
    pub no_store: bool,
    /// `no-cache` about the whole response: never used without asking the origin.
    pub no_cache: bool,
    /// `private` about the whole response: for one user alone.
    pub private: bool,
    /// `public`: for all, even where the request was authenticated.
    pub public: bool,
    /// `must-understand` (§5.2.2.3).
    pub must_understand: bool,
    /// `must-revalidate`: never used stale.
    pub must_revalidate: bool,
    /// `proxy-revalidate`: never used stale by a shared cache.
    pub proxy_revalidate: bool,
    /// `immutable` (RFC 8246): it does not change while it is fresh.
    pub immutable: bool,
    /// `no-transform` (§5.2.2.6): its content stays as it is.
    pub no_transform: bool,
    /// `max-age`; zero where it is malformed or said twice with two values.
    pub max_age: Option<Duration>,
    /// `s-maxage`, as `max_age`.
    pub s_maxage: Option<Duration>,
    /// `stale-while-revalidate` (RFC 5861 §3), as `max_age`.
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4), as `max_age`.
    pub stale_if_error: Option<Duration>,
    /// The fields that `no-cache` or `private` with an argument name: not to be used without asking, or not by all.
    pub withheld: Vec<HeaderName>,
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
            let item = match value {
                ListEntry::Item(item) => Some(&item.bare_item),
                ListEntry::InnerList(_) => None,
            };
            if item == Some(&BareItem::Boolean(false)) {
                continue;
            }
            let seconds = match item {
                Some(BareItem::Integer(seconds)) => u64::try_from(i64::from(*seconds)).ok(),
                _ => None,
            };
            let seconds = Duration::from_secs(seconds.unwrap_or(0).min(SECONDS_MAX));
            if !read.count(name.as_str(), || seconds) {
                read.raise(name.as_str());
            }
        }
        Some(read)
    }

    fn plain(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            for directive in Directives(line.as_bytes()) {
                let mut room = directives::room();
                let name = directive.name(&mut room);
                if read.count(name, || directive.seconds().unwrap_or_default()) {
                    continue;
                }
                if matches!(name, "no-cache" | "private")
                    && let Some(names) = directive.field_names()
                {
                    read.withheld.extend(names);
                    continue;
                }
                read.raise(name);
            }
        }
        read
    }

    /// A directive that says seconds.
    fn count(&mut self, directive: &str, seconds: impl FnOnce() -> Duration) -> bool {
        let place = match directive {
            "max-age" => &mut self.max_age,
            "s-maxage" => &mut self.s_maxage,
            "stale-while-revalidate" => &mut self.stale_while_revalidate,
            "stale-if-error" => &mut self.stale_if_error,
            _ => return false,
        };
        *place = Some(agreed(*place, seconds()));
        true
    }

    fn raise(&mut self, directive: &str) {
        let place = match directive {
            "no-store" => &mut self.no_store,
            "no-cache" => &mut self.no_cache,
            "private" => &mut self.private,
            "public" => &mut self.public,
            "must-understand" => &mut self.must_understand,
            "must-revalidate" => &mut self.must_revalidate,
            "proxy-revalidate" => &mut self.proxy_revalidate,
            "immutable" => &mut self.immutable,
            "no-transform" => &mut self.no_transform,
            _ => return,
        };
        *place = true;
    }
}

/// Two values for one directive: where they differ, the response is stale (§4.2.1).
fn agreed(before: Option<Duration>, now: Duration) -> Duration {
    match before {
        Some(before) if before != now => Duration::ZERO,
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is expected is written at the call"
    )]
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
        check(&["max-age = 60"], max_age(0));
        check(&["max-age =60"], max_age(0));
        check(&["max-age= 60"], max_age(0));
        check(&["x=\"a, max-age=60"], max_age(60));
        check(&["max-age=60, max-age=60"], max_age(60));
        check(&["max-age=60", "max-age=10"], max_age(0));
    }

    #[test]
    fn flags_are_read_with_or_without_a_value() {
        let private = CacheControl {
            private: true,
            ..CacheControl::default()
        };
        check(&["private"], private.clone());
        // An argument that is no list of names: about the whole.
        check(&["private=\"a\\\", no-store\", x=1"], private.clone());
        check(&["private=\"a b\""], private.clone());
        check(&["private=\"\""], private.clone());
        check(&["x, ,, private"], private);
        let withheld = |names: &[&'static str]| CacheControl {
            withheld: names
                .iter()
                .map(|name| HeaderName::from_static(name))
                .collect(),
            ..CacheControl::default()
        };
        check(&["PRIVATE=\"A, no-store\""], withheld(&["a", "no-store"]));
        check(&["no-cache=x-a"], withheld(&["x-a"]));
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
