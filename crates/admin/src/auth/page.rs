//! May a web page have made a browser send this?
//!
//! What changes something needs a content type that a page of another origin can send only after a preflight, which is
//! never answered here; and where a browser says which page it was, that page must be of this origin.

use http::header::{CONTENT_TYPE, ORIGIN};
use http::request::Parts;
use http::{HeaderName, StatusCode};

use super::host;
use crate::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a change that another origin's page may have caused.
pub(crate) fn check(request: &Parts) -> Result<(), Problem> {
    let text = |name: &HeaderName| {
        request
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap_or(""))
    };
    let is_json = text(&CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    });
    if !is_json {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Send JSON, with Content-Type: application/json.",
        ));
    }
    let is_own = text(&ORIGIN).is_none_or(|origin| {
        let of = |scheme| origin.strip_prefix(scheme);
        let named = of("http://").or_else(|| of("https://"));
        named.is_some_and(|named| named.eq_ignore_ascii_case(host(request)))
    });
    let from_here = text(&SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
    if is_own && from_here {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "A page of another origin may change nothing here.",
    ))
}
