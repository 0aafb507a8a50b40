//! Which path the upstream sees.
//!
//! - `strip_prefix = "/api"` takes whole segments off the front, which have to be the front of the
//!   route's own path; what is left begins with a slash.
//! - `rewrite = "/internal/{id}"` is a new path, filled in with the route's parameters.
//!
//! A value goes in as it stands in the normal path, still encoded. It can add no query, and no dot
//! segment: no segment of a normal path is one, text around a value does not make it one, and a
//! catch-all, which may be empty and have several segments, stands alone at the end.

use std::borrow::Cow;

use crate::matched::Captures;
use crate::normalize::{PathError, push_segment};
use crate::template::Template;
use crate::text::{Piece, TextError, pieces};

/// A change of the path.
///
/// ```
/// use http::{HeaderMap, Method};
/// use route_core::{Finding, Lookup, Matcher, Rewrite, Route, Table, TableOptions};
///
/// let path: route_core::Template = "/api/users/{id}".parse()?;
/// let strip = Rewrite::strip_prefix("/api", &path)?;
/// let rewrite = Rewrite::path("/internal/user-{id}", &path)?;
///
/// let route = Route::new("user".parse()?, Matcher::new(path));
/// let table = Table::build(vec![route], &TableOptions::default()).unwrap();
/// let path = "/api/users/42";
/// let found = table.find(&Lookup::new(&Method::GET, path, &HeaderMap::new()));
/// let captures = &found.finding.matched().unwrap().captures;
/// assert_eq!(strip.apply(path, captures), "/users/42");
/// assert_eq!(rewrite.apply(path, captures), "/internal/user-42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Takes this many segments off: the path matched, so they are the right ones.
    Strip {
        segments: usize,
    },
    Path(Box<[Piece]>),
}

/// Why a route's path cannot be changed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// It does not begin with `/`.
    #[error("a path begins with a slash: write \"/{0}\"")]
    NotAbsolute(String),
    /// The route's path does not begin with these segments.
    #[error("the path {path} does not begin with \"{prefix}\": a prefix has whole segments of it")]
    NotAPrefix {
        /// The prefix as it was written.
        prefix: String,
        /// The route's path.
        path: Template,
    },
    /// A prefix of no segment.
    #[error("\"/\" takes nothing off: leave it out")]
    EmptyPrefix,
    /// A `?` or `#`.
    #[error("a path ends before ? and #: the query passes as it is")]
    Query,
    /// A `.`, `..` or empty segment.
    #[error("\"{0}\" has a dot segment or two slashes in a row")]
    Segments(String),
    /// A catch-all that is not a segment of its own at the end.
    #[error("\"{0}\": a catch-all is the whole last segment, as it may be empty")]
    CatchAll(String),
    /// A parameter that the route's path does not have, or a brace alone.
    #[error(transparent)]
    Text(#[from] TextError),
    /// A text that cannot be part of a path.
    #[error("\"{text}\" cannot be part of a path")]
    Path {
        /// The text as it was written.
        text: String,
        /// What is wrong with it.
        source: PathError,
    },
}

impl Rewrite {
    /// Takes `prefix` off the paths of `path`.
    pub fn strip_prefix(prefix: &str, path: &Template) -> Result<Self, RewriteError> {
        let Some(relative) = prefix.strip_prefix('/') else {
            return Err(RewriteError::NotAbsolute(prefix.to_owned()));
        };
        let relative = relative.strip_suffix('/').unwrap_or(relative);
        if relative.is_empty() {
            return Err(RewriteError::EmptyPrefix);
        }
        let not_a_prefix = || RewriteError::NotAPrefix {
            prefix: prefix.to_owned(),
            path: path.clone(),
        };
        // Read as a template of its own, so that spellings make no difference.
        let read: Template = format!("/{relative}").parse().map_err(|_| not_a_prefix())?;
        let prefix = read.as_str();
        let is_front = path
            .as_str()
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if !is_front || read.catch_all().is_some() {
            return Err(not_a_prefix());
        }
        Ok(Self(Kind::Strip {
            segments: prefix.matches('/').count(),
        }))
    }

    /// Puts `text` in the place of the paths of `path`, whose parameters it may name.
    pub fn path(text: &str, path: &Template) -> Result<Self, RewriteError> {
        let Some(relative) = text.strip_prefix('/') else {
            return Err(RewriteError::NotAbsolute(text.to_owned()));
        };
        if text.contains(['?', '#']) {
            return Err(RewriteError::Query);
        }
        let mut out = Vec::new();
        let mut segments = relative.split('/').peekable();
        while let Some(segment) = segments.next() {
            out.push(Piece::Text("/".into()));
            let is_last = segments.peek().is_none();
            match &*pieces(segment, path)? {
                [] if !is_last => return Err(RewriteError::Segments(text.to_owned())),
                [only @ Piece::Parameter { .. }] if is_last => out.push(only.clone()),
                pieces => push(&mut out, pieces, text)?,
            }
        }
        Ok(Self(Kind::Path(out.into())))
    }

    /// The new path of a request whose normal path is `path`.
    pub fn apply<'p>(&self, path: &'p str, captures: &Captures) -> Cow<'p, str> {
        match &self.0 {
            Kind::Strip { segments } => Cow::Borrowed(without_front(path, *segments)),
            Kind::Path(pieces) => Cow::Owned(filled_in(pieces, path, captures)),
        }
    }
}

/// Adds what is not a catch-all, its text in normal form.
fn push(out: &mut Vec<Piece>, pieces: &[Piece], text: &str) -> Result<(), RewriteError> {
    for piece in pieces {
        match piece {
            Piece::Parameter { is_catch_all, .. } if *is_catch_all => {
                return Err(RewriteError::CatchAll(text.to_owned()));
            }
            Piece::Parameter { .. } => out.push(piece.clone()),
            Piece::Text(written) => {
                let mut normal = String::new();
                push_segment(&mut normal, written, 0).map_err(|source| RewriteError::Path {
                    text: written.clone().into(),
                    source,
                })?;
                if pieces.len() == 1 && matches!(&*normal, "." | "..") {
                    return Err(RewriteError::Segments(text.to_owned()));
                }
                out.push(Piece::Text(normal.into()));
            }
        }
    }
    Ok(())
}

fn without_front(path: &str, segments: usize) -> &str {
    let slashes = path.bytes().enumerate().filter(|(_, byte)| *byte == b'/');
    match slashes.map(|(at, _)| at).nth(segments) {
        Some(at) => &path[at..],
        None => "/",
    }
}

fn filled_in(pieces: &[Piece], path: &str, captures: &Captures) -> String {
    let mut out = String::with_capacity(path.len() + 16);
    for piece in pieces {
        out.push_str(match piece {
            Piece::Text(text) => text,
            Piece::Parameter { index, .. } => captures.value(*index, path).unwrap_or_default(),
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(path: &str) -> Template {
        path.parse().unwrap()
    }

    /// The captures of `values`, as they stand in `path`.
    fn captures(path: &str, values: &[&str]) -> Captures {
        let mut captures = Captures::default();
        for value in values {
            let start = path.find(value).unwrap();
            captures.push(start, start + value.len());
        }
        captures
    }

    #[track_caller]
    fn check_strip(prefix: &str, of: &str, path: &str, left: &str) {
        let strip = Rewrite::strip_prefix(prefix, &template(of)).unwrap();
        assert_eq!(strip.apply(path, &Captures::default()), left);
    }

    #[track_caller]
    fn check_path(text: &str, of: &str, path: &str, values: &[&str], new: &str) {
        let rewrite = Rewrite::path(text, &template(of)).unwrap();
        assert_eq!(rewrite.apply(path, &captures(path, values)), new);
    }

    #[test]
    fn a_prefix_is_whole_segments() {
        check_strip("/api", "/api/{*rest}", "/api/a/b", "/a/b");
        check_strip("/api/", "/api/{*rest}", "/api/", "/");
        check_strip("/api", "/api", "/api", "/");
        check_strip("/t/{id}", "/t/{id}/x", "/t/%2F/x", "/x");
        check_strip("/é", "/%c3%a9/a", "/%C3%A9/a", "/a");
        let refused = |prefix, of| Rewrite::strip_prefix(prefix, &template(of)).unwrap_err();
        for (prefix, of) in [
            ("/ap", "/api/x"),
            ("/api/x/y", "/api/x"),
            ("/api/{name}", "/api/{id}"),
            ("/api/{*rest}", "/api/{*rest}"),
        ] {
            let error = refused(prefix, of);
            assert!(
                matches!(error, RewriteError::NotAPrefix { .. }),
                "{prefix} {of}"
            );
        }
        assert_eq!(refused("/", "/a"), RewriteError::EmptyPrefix);
        assert_eq!(refused("a", "/a"), RewriteError::NotAbsolute("a".into()));
    }

    #[test]
    fn a_new_path_is_filled_in() {
        check_path("/x", "/a/{id}", "/a/1", &["1"], "/x");
        check_path("/", "/a/{id}", "/a/1", &["1"], "/");
        check_path(
            "/x/{id}.json/",
            "/a/{id}",
            "/a/%2F",
            &["%2F"],
            "/x/%2F.json/",
        );
        check_path("/{b}/{a}", "/{a}/{b}", "/1/2", &["1", "2"], "/2/1");
        check_path("/x/{*rest}", "/a/{*rest}", "/a/b/c", &["b/c"], "/x/b/c");
        check_path("/x y/{rest}", "/a/{*rest}", "/a/", &[""], "/x%20y/");
    }

    #[test]
    fn a_new_path_gains_no_query_and_no_dot_segment() {
        let refused = |text| Rewrite::path(text, &template("/{id}/{*rest}")).unwrap_err();
        assert_eq!(refused("/x?id={id}"), RewriteError::Query);
        assert_eq!(refused("x"), RewriteError::NotAbsolute("x".into()));
        for text in ["/a/../b", "/a/%2e", "/a//b", "/.."] {
            assert_eq!(refused(text), RewriteError::Segments(text.into()));
        }
        for text in ["/.{rest}", "/{*rest}/a", "/{rest}.json", "/a{id}{rest}"] {
            assert_eq!(refused(text), RewriteError::CatchAll(text.into()));
        }
        assert!(matches!(refused("/{x}"), RewriteError::Text(_)));
        assert!(matches!(refused("/%"), RewriteError::Path { .. }));
    }
}
