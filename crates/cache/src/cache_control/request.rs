//! What does a request ask of the cache? (RFC 9111 §5.2.1)

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};

use super::directives::{self, Directives};

/// The directives of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestDirectives {
    /// `no-cache`: no stored response without asking the origin; `Pragma: no-cache` where there is no `Cache-Control`.
    pub no_cache: bool,
    /// `no-store`: nothing of this request or its answer is kept.
    pub no_store: bool,
    /// `only-if-cached`: from the store, or 504.
    pub only_if_cached: bool,
    /// `max-age`: no older than this; malformed counts as zero.
    pub max_age: Option<Duration>,
    /// `min-fresh`: fresh for at least so long.
    pub min_fresh: Option<Duration>,
    /// `max-stale`: stale for at most so long; without an argument for however long.
    pub max_stale: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4): stale for at most so long where the origin fails.
    pub stale_if_error: Option<Duration>,
}

impl RequestDirectives {
    /// Reads them from the fields of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut read = Self::default();
        let mut lines = headers.get_all(CACHE_CONTROL).iter().peekable();
        if lines.peek().is_none() {
            // RFC 9111 §5.4: the older field counts where the newer one is not there.
            let says = |line: &http::HeaderValue| {
                let mut members = line.as_bytes().split(|byte| *byte == b',');
                members.any(|member| member.trim_ascii().eq_ignore_ascii_case(b"no-cache"))
            };
            read.no_cache = headers.get_all(PRAGMA).iter().any(says);
            return read;
        }
        for line in lines {
            for directive in Directives(line.as_bytes()) {
                let seconds = || directive.seconds().unwrap_or_default();
                let stricter = |before: Option<Duration>, now: Duration| {
                    Some(before.map_or(now, |before| before.min(now)))
                };
                match directive.name(&mut directives::room()) {
                    "no-cache" => read.no_cache = true,
                    "no-store" => read.no_store = true,
                    "only-if-cached" => read.only_if_cached = true,
                    "max-age" => read.max_age = stricter(read.max_age, seconds()),
                    "min-fresh" => read.min_fresh = read.min_fresh.max(Some(seconds())),
                    "max-stale" => {
                        let stale = match directive.argument {
                            None => Duration::MAX,
                            Some(_) => seconds(),
                        };
                        read.max_stale = stricter(read.max_stale, stale);
                    }
                    "stale-if-error" => {
                        read.stale_if_error = stricter(read.stale_if_error, seconds());
                    }
                    _ => {}
                }
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    #[track_caller]
    fn check(lines: &[(HeaderName, &'static str)], expected: RequestDirectives) {
        let mut headers = HeaderMap::new();
        for (name, line) in lines {
            headers.append(name, HeaderValue::from_static(line));
        }
        assert_eq!(RequestDirectives::of(&headers), expected);
    }

    #[test]
    fn each_directive_is_read_in_any_case_and_line() {
        let none = RequestDirectives::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        check(
            &[
                (CACHE_CONTROL, "No-Cache, max-age=5"),
                (CACHE_CONTROL, "MAX-AGE=\"3\", min-fresh=2, min-fresh=4"),
            ],
            RequestDirectives {
                no_cache: true,
                max_age: seconds(3),
                min_fresh: seconds(4),
                ..none
            },
        );
        check(
            &[(
                CACHE_CONTROL,
                "max-stale, only-if-cached, no-store, stale-if-error=9",
            )],
            RequestDirectives {
                stale_if_error: seconds(9),
                max_stale: Some(Duration::MAX),
                only_if_cached: true,
                no_store: true,
                ..none
            },
        );
        let bounded = RequestDirectives {
            max_stale: seconds(7),
            ..none
        };
        check(&[(CACHE_CONTROL, "max-stale=7, max-stale")], bounded);
        let doubtful = RequestDirectives {
            max_age: seconds(0),
            max_stale: seconds(0),
            ..none
        };
        check(&[(CACHE_CONTROL, "max-age=x, max-stale=y")], doubtful);
        check(&[(CACHE_CONTROL, "x=\"no-cache\", no-cachet")], none);
    }

    #[test]
    fn pragma_counts_alone_only() {
        let none = RequestDirectives::default();
        let no_cache = RequestDirectives {
            no_cache: true,
            ..none
        };
        check(&[(PRAGMA, "x, No-Cache")], no_cache);
        check(&[(PRAGMA, "no-cache"), (CACHE_CONTROL, "x")], none);
    }
}
