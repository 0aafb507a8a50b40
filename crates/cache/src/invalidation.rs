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

use crate::tags;
use crate::target::Target;

/// What is to be invisible from now on, or stale ([`crate::CacheProvider::mark_stale`]); a fetch that is under way is
/// concerned as well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalidation {
    /// A resource by origin and path (`https://example.com/products/7`), with all its queries, in
    /// every space and for every user. [`Invalidation::uri`] makes one from any spelling.
    Uri(String),
    /// All that is stored for one user.
    User(String),
    /// All that carries a tag, case-sensitively, whoever gave it.
    Tag(String),
    /// All that an origin (`https://example.com`) has given a tag.
    TagOf {
        /// Whose answers.
        origin: String,
        /// Which of them.
        label: String,
    },
    /// Every variant under a key's name, in every space.
    Key(String),
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

/// What a response to an unsafe request for `path` drops at `origin`: what `Location` and `Content-Location` name,
/// and the groups that it lists (RFC 9875 §3).
pub(crate) fn of_response((origin, path): (&str, &str), response: &HeaderMap) -> Vec<Invalidation> {
    let mut dropped = Vec::new();
    for name in [LOCATION, CONTENT_LOCATION] {
        let Some(reference) = response.get(name).and_then(|value| value.to_str().ok()) else {
            continue;
        };
        let reference = reference.split('#').next().unwrap_or(reference);
        let absolute = match resolved(path, reference) {
            Some(path) => Invalidation::uri(&format!("{origin}{path}")),
            None => Invalidation::uri(reference),
        };
        match absolute {
            Some(Invalidation::Uri(uri)) if same_origin(&uri, origin) => {
                dropped.push(Invalidation::Uri(uri));
            }
            _ => {}
        }
    }
    dropped.extend(tags::dropped_by(origin, response));
    dropped
}

/// The path that a reference without scheme and host means, seen from `path` (RFC 3986 §5.2); without its query, for
/// every query of a resource is dropped.
fn resolved(path: &str, reference: &str) -> Option<String> {
    let reference = reference.split('?').next().unwrap_or(reference);
    let has_scheme = reference
        .split('/')
        .next()
        .is_some_and(|first| first.contains(':'));
    if has_scheme || reference.starts_with("//") {
        return None;
    }
    let merged = if reference.starts_with('/') {
        reference.to_owned()
    } else if reference.is_empty() {
        path.to_owned()
    } else {
        let folder = path.rfind('/').and_then(|slash| path.get(..=slash));
        format!("{}{reference}", folder.unwrap_or("/"))
    };
    let mut segments: Vec<&str> = Vec::new();
    let ends_in_folder = merged.ends_with("/.") || merged.ends_with("/..");
    for segment in merged.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut found = format!("/{}", segments.join("/"));
    if ends_in_folder && !found.ends_with('/') {
        found.push('/');
    }
    Some(found)
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
        Self::digest(&[label])
    }

    /// The tag of a label that an origin (`https://example.com`) has given.
    pub fn of_origin(origin: &str, label: &str) -> Self {
        Self::digest(&[origin, label])
    }

    fn digest(parts: &[&str]) -> Self {
        let mut half = [0; 16];
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
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
            uris(of_response(("https://h", "/products/7"), &headers))
        };
        assert_eq!(named("/products/8?x#y"), ["https://h/products/8"]);
        assert_eq!(named("https://H:443/products/8"), ["https://h/products/8"]);
        assert!(named("https://h.evil/products/8").is_empty());
        assert!(named("http://h/products/8").is_empty());
        assert!(named("//evil/products/8").is_empty());
        assert_eq!(named("8"), ["https://h/products/8"]);
        assert_eq!(named("../8?x"), ["https://h/8"]);
        assert_eq!(named("./8/."), ["https://h/products/8/"]);
        assert_eq!(named("?x"), ["https://h/products/7"]);
        assert_eq!(named("../../../8"), ["https://h/8"]);
        assert!(named("mailto:a").is_empty());
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
