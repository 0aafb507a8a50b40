//! May a range count for this stored response? (RFC 9110 §13.1.5)
//!
//! Without `If-Range` it may. With one it may only where the client's part and the stored response are of
//! the same bytes for certain; a condition that is malformed or said twice is not that.

use std::time::{Duration, SystemTime};

use http::header::{ETAG, IF_RANGE, LAST_MODIFIED};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::age;

/// How much older than its response a modification date is, at least, to tell all changes apart.
///
/// §8.8.2.2 wants a second, and more only where the two dates may be of two clocks. Both are fields of one
/// response, so they are taken to be of the origin's clock. A `Date` that the gateway wrote, for a response
/// that came without, is of the moment of receipt: of another clock, but no earlier than the origin's would be.
const STRONG_AFTER: Duration = Duration::from_secs(1);

/// Whether the condition of a request, if it has one, is true of a response with the `stored` fields.
pub(super) fn holds(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if !request.contains_key(IF_RANGE) {
        return true;
    }
    let Some(condition) = only(request, &IF_RANGE) else {
        return false;
    };
    if is_strong_tag(condition) {
        only(stored, &ETAG) == Some(condition)
    } else {
        only(stored, &LAST_MODIFIED) == Some(condition) && is_strong_date(condition, stored)
    }
}

/// The value of a field that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => Some(HeaderValue::as_bytes(line).trim_ascii()),
        _ => None,
    }
}

/// Whether it is an entity tag (§8.8.3) that is not weak.
fn is_strong_tag(value: &[u8]) -> bool {
    let is_letter = |byte: &u8| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..);
    match value {
        [b'"', inner @ .., b'"'] => inner.iter().all(is_letter),
        _ => false,
    }
}

/// Whether it is an HTTP date that tells all changes up to the response's own date apart.
fn is_strong_date(modified: &[u8], stored: &HeaderMap) -> bool {
    let modified = str::from_utf8(modified).ok();
    let modified = modified.and_then(|modified| httpdate::parse_http_date(modified).ok());
    let (Some(modified), Some(made)) = (modified, age::date(stored)) else {
        return false;
    };
    let since = SystemTime::duration_since(&made, modified);
    since.is_ok_and(|since| since >= STRONG_AFTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const SECOND_LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const SECOND_EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(conditions: &[&str], stored: &[(&'static str, &str)], expected: bool) {
        let conditions: Vec<_> = conditions
            .iter()
            .map(|value| ("if-range", *value))
            .collect();
        let found = holds(&map(&conditions), &map(stored));
        assert_eq!(found, expected, "{conditions:?} of {stored:?}");
    }

    #[test]
    fn without_a_condition_a_range_counts() {
        check(&[], &[], true);
        check(&[], &[("etag", "W/\"a\"")], true);
    }

    #[test]
    fn entity_tags_are_compared_strongly() {
        check(&["\"a\""], &[("etag", "\"a\"")], true);
        check(&["\"\""], &[("etag", "\"\"")], true);
        check(&["\"a,\u{e9}\""], &[("etag", "\"a,\u{e9}\"")], true);
        check(&["\"b\""], &[("etag", "\"a\"")], false);
        check(&["\"A\""], &[("etag", "\"a\"")], false);
        check(&["\"a\""], &[], false);
        check(&["W/\"a\""], &[("etag", "W/\"a\"")], false);
        check(&["W/\"a\""], &[("etag", "\"a\"")], false);
        check(&["\"a\""], &[("etag", "W/\"a\"")], false);
        check(&["\"a\""], &[("etag", "\"a\""), ("etag", "\"a\"")], false);
    }

    #[test]
    fn a_malformed_condition_is_false() {
        for condition in [
            "",
            "*",
            "a",
            "\"",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"a b\"",
            "\"a\", \"b\"",
        ] {
            check(&[condition], &[("etag", condition)], false);
            let dated = [("last-modified", condition), ("date", SECOND_LATER)];
            check(&[condition], &dated, false);
        }
        check(&["\"a\"", "\"a\""], &[("etag", "\"a\"")], false);
        check(&["\"a\"", MODIFIED], &[("etag", "\"a\"")], false);
    }

    #[test]
    fn a_date_is_the_very_one_and_older_than_the_response() {
        let stored = |date| [("last-modified", MODIFIED), ("date", date)];
        check(&[MODIFIED], &stored(SECOND_LATER), true);
        check(&[MODIFIED], &stored(MODIFIED), false);
        check(&[MODIFIED], &stored(SECOND_EARLIER), false);
        check(&[MODIFIED], &stored("soon"), false);
        check(&[MODIFIED], &[("last-modified", MODIFIED)], false);
        check(&[MODIFIED], &[("date", SECOND_LATER)], false);
        check(&[SECOND_LATER], &stored(SECOND_LATER), false);
        check(&[SECOND_EARLIER], &stored(SECOND_LATER), false);
        // The same moment in an older form is another value.
        check(
            &["Sunday, 06-Nov-94 08:49:37 GMT"],
            &stored(SECOND_LATER),
            false,
        );
    }
}
