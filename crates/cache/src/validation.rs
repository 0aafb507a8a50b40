//! Does the client hold this response already? (RFC 9110 §13, RFC 9111 §4.3.2)
//!
//! `If-None-Match` is compared weakly with the stored `ETag`; where it is there, `If-Modified-Since`
//! says nothing. That one is compared with `Last-Modified`, or with `Date` where there is none. A
//! malformed field holds nothing, so the whole response is sent.

use std::time::SystemTime;

use http::header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};

use crate::age;

/// What tells one answer of a resource from another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validators {
    etag: Option<HeaderValue>,
    /// The tag was made here, so the origin does not know it.
    own_etag: bool,
    last_modified: Option<HeaderValue>,
    /// `Last-Modified`, or `Date` where there is none.
    modified: Option<SystemTime>,
}

impl Validators {
    /// Reads them from the fields of a response.
    pub fn of(response: &HeaderMap) -> Self {
        let last_modified = response.get(LAST_MODIFIED);
        Self {
            etag: response.get(ETAG).cloned(),
            own_etag: false,
            last_modified: last_modified.cloned(),
            modified: match last_modified {
                Some(modified) => http_date(modified),
                None => age::date(response),
            },
        }
    }

    /// The same with an entity tag that was made here.
    pub(crate) fn tagged(self, etag: HeaderValue) -> Self {
        Self {
            etag: Some(etag),
            own_etag: true,
            ..self
        }
    }

    /// Whether the response has an entity tag.
    pub fn is_tagged(&self) -> bool {
        self.etag.is_some()
    }

    /// Whether its entity tag was made here.
    pub(crate) fn is_own(&self) -> bool {
        self.own_etag
    }

    /// Whether the origin can be asked if the response still holds.
    pub(crate) fn can_ask(&self) -> bool {
        self.origins_etag().is_some() || self.last_modified.is_some()
    }

    fn origins_etag(&self) -> Option<&HeaderValue> {
        self.etag.as_ref().filter(|_| !self.own_etag)
    }

    /// Asks the origin whether the response still holds (§4.3.1).
    pub(crate) fn ask(&self, request: &mut HeaderMap) {
        if let Some(etag) = self.origins_etag() {
            request.insert(IF_NONE_MATCH, etag.clone());
        }
        if let Some(modified) = &self.last_modified {
            request.insert(IF_MODIFIED_SINCE, modified.clone());
        }
    }

    /// Whether a 304 with these fields is about the response (§4.3.4): it names no other one.
    pub(crate) fn are_confirmed_by(&self, not_modified: &HeaderMap) -> bool {
        let Some(named) = not_modified.get(ETAG) else {
            return true;
        };
        let opaque = |etag: &HeaderValue| opaque(etag.as_bytes()).map(<[u8]>::to_vec);
        match self.origins_etag() {
            Some(etag) => opaque(etag) == opaque(named),
            // A tag that the response did not have before.
            None => true,
        }
    }
}

/// What a client said about the response that it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conditions {
    /// The lines of `If-None-Match`.
    none_match: Vec<HeaderValue>,
    modified_since: Option<HeaderValue>,
}

impl Conditions {
    /// Takes both fields off a request, for the gateway to apply itself.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        let none_match = match headers.entry(IF_NONE_MATCH) {
            http::header::Entry::Occupied(lines) => lines.remove_entry_mult().1.collect(),
            http::header::Entry::Vacant(_) => Vec::new(),
        };
        Self {
            none_match,
            modified_since: headers.remove(IF_MODIFIED_SINCE),
        }
    }

    /// Whether the client holds the response with these validators already.
    pub(crate) fn held(&self, response: &Validators) -> bool {
        held(
            self.none_match.iter(),
            self.modified_since.as_ref(),
            response,
        )
    }
}

/// Whether a client with these request fields holds the response with those validators already.
pub(crate) fn held_by(request: &HeaderMap, response: &Validators) -> bool {
    held(
        request.get_all(IF_NONE_MATCH).iter(),
        request.get(IF_MODIFIED_SINCE),
        response,
    )
}

fn held<'a>(
    none_match: impl Iterator<Item = &'a HeaderValue>,
    modified_since: Option<&HeaderValue>,
    response: &Validators,
) -> bool {
    let etag = response.etag.as_ref();
    let etag = etag.and_then(|etag| opaque(etag.as_bytes()));
    let mut asked = false;
    for line in none_match {
        asked = true;
        if names(line.as_bytes(), etag) {
            return true;
        }
    }
    if asked {
        return false;
    }
    let Some(since) = modified_since.and_then(http_date) else {
        return false;
    };
    response.modified.is_some_and(|modified| modified <= since)
}

fn http_date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// The text between the quotes of one entity tag, weak or strong.
fn opaque(tag: &[u8]) -> Option<&[u8]> {
    let tag = tag.trim_ascii();
    let tag = tag.strip_prefix(b"W/").unwrap_or(tag);
    match tag {
        [b'"', inner @ .., b'"'] if !inner.contains(&b'"') => Some(inner),
        _ => None,
    }
}

/// Whether a line of `If-None-Match` names this tag, compared weakly; `*` names any response.
fn names(line: &[u8], etag: Option<&[u8]>) -> bool {
    let mut rest = line.trim_ascii();
    if rest == b"*" {
        return true;
    }
    // A tag may hold commas, so the list is read tag by tag.
    loop {
        rest = rest.trim_ascii_start();
        if let [b',', after @ ..] = rest {
            rest = after;
            continue;
        }
        let quoted = rest.strip_prefix(b"W/").unwrap_or(rest);
        let [b'"', inner @ ..] = quoted else {
            return false;
        };
        let Some(end) = inner.iter().position(|byte| *byte == b'"') else {
            return false;
        };
        if etag == Some(&inner[..end]) {
            return true;
        }
        rest = &inner[end + 1..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLY: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATE: &str = "Mon, 07 Nov 1994 08:49:37 GMT";

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(request: &[(&'static str, &str)], response: &[(&'static str, &str)], expected: bool) {
        let (mut request, response) = (map(request), Validators::of(&map(response)));
        assert_eq!(held_by(&request, &response), expected);
        let conditions = Conditions::take(&mut request);
        assert!(request.is_empty());
        assert_eq!(conditions.held(&response), expected);
    }

    #[test]
    fn entity_tags_are_compared_weakly() {
        let tagged = [("etag", "\"a,b\"")];
        check(&[("if-none-match", "\"a,b\"")], &tagged, true);
        check(&[("if-none-match", "W/\"a,b\"")], &tagged, true);
        check(
            &[("if-none-match", "\"x\" , ,W/\"y\",\"a,b\"")],
            &tagged,
            true,
        );
        check(
            &[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")],
            &tagged,
            true,
        );
        check(&[("if-none-match", "*")], &tagged, true);
        check(&[("if-none-match", "*")], &[], true);
        check(
            &[("if-none-match", "\"a,b\"")],
            &[("etag", "W/\"a,b\"")],
            true,
        );
        check(&[("if-none-match", "\"a\"")], &tagged, false);
        check(&[("if-none-match", "\"\"")], &[], false);
        check(&[("if-none-match", "a,b")], &[("etag", "a,b")], false);
        check(&[("if-none-match", "\"a,b")], &tagged, false);
        check(&[("if-none-match", "")], &tagged, false);
    }

    #[test]
    fn dates_count_only_without_tags() {
        let modified = [("last-modified", EARLY)];
        check(&[("if-modified-since", EARLY)], &modified, true);
        check(&[("if-modified-since", LATE)], &modified, true);
        check(
            &[("if-modified-since", EARLY)],
            &[("last-modified", LATE)],
            false,
        );
        check(&[("if-modified-since", "soon")], &modified, false);
        check(&[("if-modified-since", LATE)], &[("date", EARLY)], true);
        check(&[("if-modified-since", LATE)], &[], false);
        let both = [("if-none-match", "\"x\""), ("if-modified-since", LATE)];
        check(&both, &modified, false);
        check(&[], &modified, false);
    }
}
