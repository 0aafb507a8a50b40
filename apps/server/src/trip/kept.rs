//! Texts of a request that outlive it.

use http::uri::PathAndQuery;
use smallvec::SmallVec;

/// A copy of a short text.
///
/// What hyper reads lies in the connection's buffer. To hold a piece of it holds all of it, and the connection takes
/// another one to read on; a copy in place costs less than that, or than one on the heap.
#[derive(Clone, Debug, Default)]
pub struct Text(SmallVec<[u8; 48]>);

impl Text {
    /// A copy of `text`.
    pub fn of(text: &[u8]) -> Self {
        Self(SmallVec::from_slice(text))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text; empty where it is none.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

/// A copy of a target: its path in normal form, and its query.
#[derive(Clone, Debug)]
pub struct KeptTarget {
    text: SmallVec<[u8; 112]>,
    path_bytes: usize,
}

impl KeptTarget {
    /// A copy of `target`; `/` where a request has none, as `CONNECT` may.
    pub fn of(target: Option<&PathAndQuery>) -> Self {
        let (text, path_bytes) =
            target.map_or(("/", 1), |target| (target.as_str(), target.path().len()));
        Self {
            text: SmallVec::from_slice(text.as_bytes()),
            path_bytes,
        }
    }

    /// The path.
    pub fn path(&self) -> &str {
        self.as_str().get(..self.path_bytes).unwrap_or("/")
    }

    /// What stands behind the question mark.
    pub fn query(&self) -> Option<&str> {
        self.as_str().get(self.path_bytes + 1..)
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart_as_it_was() {
        let long = format!("/{}?{}", "a".repeat(300), "b".repeat(300));
        for text in ["/", "/a/b", "/a?", "/a?b=c?d", "/a%20b?%", &long] {
            let target: PathAndQuery = text.parse().unwrap();
            let kept = KeptTarget::of(Some(&target));
            assert_eq!((kept.path(), kept.query()), (target.path(), target.query()));
        }
        assert_eq!(
            (KeptTarget::of(None).path(), KeptTarget::of(None).query()),
            ("/", None)
        );
    }
}
