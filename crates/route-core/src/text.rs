//! Texts with a route's parameters in them.
//!
//! `product:{id}` names by its braces parameters of the route's path, each by its own name (a
//! catch-all with or without its star). A brace has no other meaning here, so one that is meant as
//! text cannot be written.

use crate::matched::Captures;
use crate::template::Template;

/// A text with parameters, such as a cache tag.
///
/// ```
/// use http::{HeaderMap, Method};
/// use route_core::{Finding, Lookup, Matcher, Route, Table, TableOptions, TextTemplate};
///
/// let path: route_core::Template = "/products/{id}".parse()?;
/// let tag = TextTemplate::parse("product:{id}", &path)?;
/// assert!(TextTemplate::parse("product:{name}", &path).is_err());
///
/// let route = Route::new("product".parse()?, Matcher::new(path));
/// let table = Table::build(vec![route], &TableOptions::default()).unwrap();
/// let path = "/products/caf%C3%A9";
/// let found = table.find(&Lookup::new(&Method::GET, path, &HeaderMap::new()));
/// let matched = found.finding.matched().unwrap();
/// assert_eq!(tag.expand(path, &matched.captures), "product:café");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextTemplate(Box<[Piece]>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Box<str>),
    /// The parameter at this place in the path's template.
    Parameter {
        index: usize,
        is_catch_all: bool,
    },
}

/// Why a text cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// A name that the path does not have.
    #[error("the path {path} has no parameter \"{name}\"{}", known(.path))]
    UnknownParameter {
        /// The name.
        name: String,
        /// The path, with the names that there are.
        path: Template,
    },
    /// A brace without its partner.
    #[error("\"{0}\" has a brace without its partner")]
    Brace(String),
}

fn known(path: &Template) -> String {
    let names: Vec<&str> = path.params().collect();
    if names.is_empty() {
        return String::new();
    }
    format!(" (it has {})", names.join(", "))
}

impl TextTemplate {
    /// Reads `text`, whose parameters are those of `path`.
    pub fn parse(text: &str, path: &Template) -> Result<Self, TextError> {
        pieces(text, path).map(|pieces| Self(pieces.into()))
    }

    /// Fills in the values that `captures` has in `path`, the normal path, percent-decoded; what is not
    /// UTF-8 then becomes U+FFFD.
    pub fn expand(&self, path: &str, captures: &Captures) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Parameter { index, .. } => {
                    let value = captures.value(*index, path).unwrap_or_default();
                    let value = percent_encoding::percent_decode_str(value);
                    out.push_str(&value.decode_utf8_lossy());
                }
            }
        }
        out
    }
}

pub(crate) fn pieces(text: &str, path: &Template) -> Result<Vec<Piece>, TextError> {
    let brace = || TextError::Brace(text.to_owned());
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, braces) = rest.split_at(at);
        let (inner, after) = braces
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
            .ok_or_else(brace)?;
        if inner.contains('{') {
            return Err(brace());
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before.into()));
        }
        pieces.push(parameter(inner, path)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.into()));
    }
    Ok(pieces)
}

fn parameter(inner: &str, path: &Template) -> Result<Piece, TextError> {
    let unknown = || TextError::UnknownParameter {
        name: inner.to_owned(),
        path: path.clone(),
    };
    let (name, starred) = match inner.strip_prefix('*') {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let index = path
        .params()
        .position(|known| known == name)
        .ok_or_else(unknown)?;
    let is_catch_all = path.catch_all() == Some(name);
    if starred && !is_catch_all {
        return Err(unknown());
    }
    Ok(Piece::Parameter {
        index,
        is_catch_all,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_braces_are_checked() {
        let path: Template = "/a/{id}/{*rest}".parse().unwrap();
        let error = |text| TextTemplate::parse(text, &path).unwrap_err().to_string();
        assert!(TextTemplate::parse("{id}:{rest}:{*rest}", &path).is_ok());
        assert!(error("{x}").ends_with("has no parameter \"x\" (it has id, rest)"));
        assert!(error("{*id}").contains("\"*id\""));
        for text in ["{id", "id}", "{{id}}", "{a{id}}", "}{"] {
            assert!(error(text).contains("partner"), "{text}");
        }
    }
}
