//! What does a request, or an operator, make invalid? (RFC 9111 §4.4)
//!
//! A successful request with an unsafe or unknown method invalidates its resource, the collection
//! above it (`PUT /products/7` drops `/products` too) and what `Location` and `Content-Location`
//! name at the same origin: every query of them, in every space. A path and the same path with a
//! slash at its end are one resource here, so that more is dropped, never less.
//!
//! Nothing is searched for: each stored response carries [`Tag`]s, and an invalidation names one.

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{HeaderMap, Method, StatusCode, Uri};

use crate::target::Target;

/// What is to be invisible from now on; a fetch that is under way is not kept either.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidation {
    /// A resource by origin and path (`https://example.com/products/7`), with all its queries, in
    /// every space and for every user. [`Invalidation::uri`] makes one from any spelling.
    Uri(String),
    /// All that is stored for one user.
    User(String),
    /// All that carries a tag, case-sensitively.
    Tag(String),
    /// Every key whose name begins so, in every space; a `*` at the end is passed over.
    Prefix(String),
}

impl Invalidation {
    /// The resource of an absolute `http` or `https` URI; its query does not matter.
    pub fn uri(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        uri.authority()?;
        let none = HeaderMap::new();
        let scheme = uri.scheme_str()?;
        Some(Self::of(&Target::of(&uri, &none, scheme)?))
    }

    /// The resource of a request and the collection above it.
    pub fn of_target(target: &Target<'_>) -> Vec<Self> {
        let mut dropped = vec![Self::of(target)];
        if let Some(collection) = collection_above(target.path()) {
            let mut above = String::new();
            target.write_origin(&mut above);
            above.push_str(collection);
            dropped.push(Self::Uri(above));
        }
        dropped
    }

    fn of(target: &Target<'_>) -> Self {
        let mut resource = String::new();
        target.write_resource(&mut resource);
        Self::Uri(resource)
    }
}

/// The path above the last segment, with its slash; none above the root.
fn collection_above(path: &str) -> Option<&str> {
    let path = path.trim_end_matches('/');
    path.rfind('/').and_then(|slash| path.get(..=slash))
}

/// What the `Location` and `Content-Location` of a response name at `origin`, its request's.
///
/// A reference that is not absolute, does not begin with a slash or climbs with dots is passed over:
/// nothing says that it means a resource of this gateway.
pub(crate) fn of_response(origin: &str, response: &HeaderMap) -> Vec<Invalidation> {
    let mut dropped = Vec::new();
    for name in [LOCATION, CONTENT_LOCATION] {
        let Some(reference) = response.get(name).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        let reference = reference.split('#').next().unwrap_or(reference);
        let absolute = if reference.starts_with('/') && !reference.starts_with("//") {
            Invalidation::uri(&format!("{origin}{reference}"))
        } else {
            Invalidation::uri(reference)
        };
        match absolute {
            Some(Invalidation::Uri(uri)) if same_origin(&uri, origin) => {
                dropped.push(Invalidation::Uri(uri));
            }
            _ => {}
        }
    }
    dropped
}

fn same_origin(uri: &str, origin: &str) -> bool {
    uri.strip_prefix(origin)
        .is_some_and(|path| path.starts_with('/'))
}

/// Whether a request with this method may change anything: what is not known to be safe may.
pub(crate) fn may_change(method: &Method) -> bool {
    let safe = matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT
    );
    // RFC 10008 registers it as safe.
    !safe && method.as_str() != "QUERY"
}

/// Whether an unsafe request with this outcome has changed something: no error (RFC 9111 §4.4).
pub(crate) fn has_changed(status: StatusCode) -> bool {
    status.is_success() || status.is_redirection()
}

/// A 128-bit digest of a label that stored responses have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u128);

impl Tag {
    /// The tag of a label that values carry, such as a name from `Cache-Tag`.
    pub fn label(label: &str) -> Self {
        let mut half = [0; 16];
        let mut hasher = blake3::Hasher::new();
        hasher.update(label.as_bytes());
        hasher.finalize_xof().fill(&mut half);
        Self(u128::from_le_bytes(half))
    }

    /// Its number.
    pub(crate) fn number(self) -> u128 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn uris(found: Vec<Invalidation>) -> Vec<String> {
        let text = |one| match one {
            Invalidation::Uri(uri) => uri,
            other => panic!("{other:?}"),
        };
        found.into_iter().map(text).collect()
    }

    #[track_caller]
    fn check(uri: &str, expected: &[&str]) {
        let (uri, none): (Uri, _) = (uri.parse().unwrap(), HeaderMap::new());
        let target = Target::of(&uri, &none, "http").unwrap();
        assert_eq!(uris(Invalidation::of_target(&target)), expected);
    }

    #[test]
    fn a_resource_and_the_collection_above_it() {
        check(
            "http://h/products/7?x=1",
            &["http://h/products/7", "http://h/products/"],
        );
        check(
            "http://h/products/7/",
            &["http://h/products/7/", "http://h/products/"],
        );
        check("http://H:80/products", &["http://h/products", "http://h/"]);
        check("http://h/", &["http://h/"]);
    }

    #[test]
    fn a_location_counts_at_the_same_origin_only() {
        let named = |location: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(LOCATION, HeaderValue::from_static(location));
            uris(of_response("https://h", &headers))
        };
        assert_eq!(named("/products/8?x#y"), ["https://h/products/8"]);
        assert_eq!(named("https://H:443/products/8"), ["https://h/products/8"]);
        assert!(named("https://h.evil/products/8").is_empty());
        assert!(named("http://h/products/8").is_empty());
        assert!(named("//evil/products/8").is_empty());
        assert!(named("8").is_empty());
    }

    #[test]
    fn what_is_not_known_to_be_safe_may_change_something() {
        for method in ["GET", "HEAD", "OPTIONS", "TRACE", "QUERY"] {
            assert!(!may_change(&method.parse().unwrap()), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "PURGE", "get", "PROPFIND"] {
            assert!(may_change(&method.parse().unwrap()), "{method}");
        }
        assert!(has_changed(StatusCode::SEE_OTHER) && has_changed(StatusCode::CREATED));
        assert!(!has_changed(StatusCode::NOT_FOUND));
        assert!(!has_changed(StatusCode::BAD_GATEWAY));
    }
}
