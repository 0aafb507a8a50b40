//! Under which name is a response stored?
//!
//! A key has three parts. The *space* is given by the program: the route and a digest of what shapes
//! its answers, so that two routes never meet in a key. The *name* is the strategy's text, such as
//! `GET https://example.com/products?page=2` or `user:42:GET https://…`. The *variant* is what the request said in
//! the fields by which its answer was chosen. A key remembers which parts of its name are the user's prefix and the
//! resource (origin and path), because invalidations name those. Two keys are equal when all three parts are; the
//! whole text is compared, never a hash alone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use http::HeaderValue;

use crate::target::Target;

/// The name of a stored response.
#[derive(Clone)]
pub struct CacheKey {
    space: Arc<str>,
    /// The name, and the variant behind it.
    text: String,
    /// Where the variant begins; at the end where there is none.
    name_end: usize,
    /// Where the user's prefix ends, its last colon taken in; 0 without one.
    user_end: usize,
    /// Origin and path, without the query; empty where the name is no URI.
    resource: Range<usize>,
}

impl CacheKey {
    /// A key for a value of one's own: its name is only a text.
    pub fn new(space: &str, name: impl Into<String>) -> Self {
        let text = name.into();
        Self {
            space: Arc::from(space),
            name_end: text.len(),
            text,
            user_end: 0,
            resource: 0..0,
        }
    }

    /// An empty key, for [`crate::CacheStrategy::key`] to write into.
    pub fn empty() -> Self {
        Self::new("", String::new())
    }

    /// Takes everything off the name and keeps its memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.name_end = 0;
        self.user_end = 0;
        self.resource = 0..0;
    }

    /// Moves the key into a space.
    pub fn set_space(&mut self, space: &Arc<str>) {
        if !Arc::ptr_eq(&self.space, space) {
            self.space = Arc::clone(space);
        }
    }

    /// Appends the user's prefix, `user:{id}:`; called first, on an empty name.
    ///
    /// What could end the prefix early or read as a pattern (`:`, `*`, `%`, blanks, controls) is
    /// percent-encoded, so no user's prefix begins another's.
    pub fn push_user(&mut self, user: &str) {
        self.write_name(|name| push_user(name, user));
        self.user_end = self.name_end;
    }

    /// Appends `GET {origin}{path}?{query}`; the host in lower case, the query sorted on wish.
    pub fn push_target(&mut self, target: &Target<'_>, sort_query: bool) {
        self.push_target_of("GET", target, sort_query);
    }

    /// The same for another method, such as `QUERY`.
    pub fn push_target_of(&mut self, method: &str, target: &Target<'_>, sort_query: bool) {
        let mut resource = 0..0;
        self.write_name(|name| {
            name.push_str(method);
            name.push(' ');
            let start = name.len();
            target.write_resource(name);
            resource = start..name.len();
            target.write_query(name, sort_query);
        });
        self.resource = resource;
    }

    /// Appends any other text that tells two answers apart.
    pub fn push_text(&mut self, text: &str) {
        self.write_name(|name| name.push_str(text));
    }

    /// Writes to the name; a variant is taken off first.
    fn write_name(&mut self, write: impl FnOnce(&mut String)) {
        self.text.truncate(self.name_end);
        write(&mut self.text);
        self.name_end = self.text.len();
    }

    /// Appends to the variant.
    pub(crate) fn write_variant(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
    }

    /// Shortens the variant to so many bytes.
    pub(crate) fn truncate_variant(&mut self, length: usize) {
        self.text.truncate(self.name_end + length);
    }

    /// The space that the key is in.
    pub fn space(&self) -> &str {
        &self.space
    }

    /// Whose figures its value counts in: the space up to its first colon.
    pub fn route(&self) -> &str {
        self.space.split(':').next().unwrap_or_default()
    }

    /// The strategy's text.
    pub fn name(&self) -> &str {
        self.text.get(..self.name_end).unwrap_or_default()
    }

    /// What the request said in the fields by which its answer was chosen; empty where there is one for all.
    pub fn variant(&self) -> &str {
        self.text.get(self.name_end..).unwrap_or_default()
    }

    /// The whole key as a field shows it, its space before its name and the variant last; none where it has a byte
    /// that no field may have.
    pub(crate) fn shown(&self) -> Option<Box<HeaderValue>> {
        HeaderValue::try_from(self.to_string()).ok().map(Box::new)
    }

    /// Origin and path, where the name is a URI.
    pub fn resource(&self) -> Option<&str> {
        self.text
            .get(self.resource.clone())
            .filter(|resource| !resource.is_empty())
    }

    /// The user's prefix, `user:{id}:`, where there is one.
    pub fn user_prefix(&self) -> Option<&str> {
        self.text
            .get(..self.user_end)
            .filter(|prefix| !prefix.is_empty())
    }
}

/// Writes `user:{id}:` as a key does.
pub(crate) fn push_user(name: &mut String, user: &str) {
    use std::fmt::Write as _;
    name.push_str("user:");
    for letter in user.chars() {
        if matches!(letter, ':' | '*' | '%') || letter.is_whitespace() || letter.is_control() {
            for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(name, "%{byte:02X}");
            }
        } else {
            name.push(letter);
        }
    }
    name.push(':');
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
            && self.name_end == other.name_end
            && (Arc::ptr_eq(&self.space, &other.space) || self.space == other.space)
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.space.hash(state);
        self.text.hash(state);
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CacheKey({self})")
    }
}

/// Space, name and variant on one line.
impl fmt::Display for CacheKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.space, self.name())?;
        for part in self.variant().split('\n') {
            if !part.is_empty() {
                write!(formatter, " {part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue, Uri};
    use proptest::prelude::*;

    fn key(user: Option<&str>, host: &'static str, uri: &str, sort: bool) -> CacheKey {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static(host));
        let uri: Uri = uri.parse().unwrap();
        let target = Target::of(&uri, &headers, "https").unwrap();
        let mut key = CacheKey::empty();
        if let Some(user) = user {
            key.push_user(user);
        }
        key.push_target(&target, sort);
        key
    }

    #[test]
    fn a_name_is_the_whole_target() {
        let found = key(None, "Example.COM:443", "/a/b?z=1&a=2", true);
        assert_eq!(found.name(), "GET https://example.com/a/b?a=2&z=1");
        assert_eq!(found.resource(), Some("https://example.com/a/b"));
        assert_eq!(found.user_prefix(), None);
        let found = key(Some("a:b c"), "h", "/a?z=1&a=2", false);
        assert_eq!(found.name(), "user:a%3Ab%20c:GET https://h/a?z=1&a=2");
        assert_eq!(found.user_prefix(), Some("user:a%3Ab%20c:"));
        assert_eq!(found.resource(), Some("https://h/a"));
    }

    #[test]
    fn a_key_that_is_used_again_forgets_what_it_was() {
        let mut reused = key(Some("42"), "h", "/a", true);
        reused.clear();
        reused.push_text("x");
        assert_eq!((reused.user_prefix(), reused.resource()), (None, None));
        assert_eq!(reused, CacheKey::new("", "x"));
        assert_ne!(reused, CacheKey::new("y", "x"));
    }

    #[test]
    fn a_variant_stands_behind_the_name() {
        let mut key = CacheKey::new("s", "x");
        key.write_variant(|variant| variant.push_str("\na=1"));
        assert_eq!((key.name(), key.variant()), ("x", "\na=1"));
        assert_eq!(key.to_string(), "s x a=1");
        assert_ne!(key, CacheKey::new("s", "x\na=1"));
        key.truncate_variant(0);
        assert_eq!(key, CacheKey::new("s", "x"));
    }

    proptest! {
        #[test]
        fn no_users_prefix_begins_anothers(one in ".{0,8}", other in ".{0,8}") {
            let (mut a, mut b) = (String::new(), String::new());
            push_user(&mut a, &one);
            push_user(&mut b, &other);
            prop_assert_eq!(b.starts_with(&a), one == other);
        }
    }
}
