//! What a route's paths have in common.
//!
//! - `/products/{id}`: a name in braces stands for one whole segment, which is not empty.
//! - `/files/{*rest}`: a name with a star stands for all that is left, which may be empty but
//!   begins after a slash: `/files/` matches, `/files` does not. It can only be the last segment.
//! - All else is text, in the normal form of [`normalize`](crate::normalize), so that `/é` and
//!   `/%c3%a9` are one template. A slash at the end makes another path.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::normalize::{PATH_BYTES_MAX, PathError, push_segment};

/// The most segments of a template, which bounds how deep a look-up goes.
const SEGMENTS_MAX: usize = 128;

/// A path with parameters. As a text it is also the label under which a route is measured.
///
/// ```
/// use route_core::Template;
///
/// let template: Template = "/users/{id}/files/{*path}".parse()?;
/// assert_eq!(template.params().collect::<Vec<_>>(), ["id", "path"]);
/// assert!("/users/user-{id}".parse::<Template>().is_err());
/// # Ok::<(), route_core::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: Box<str>,
    /// Where the parameters' names stand in it, from left to right.
    names: Box<[Name]>,
}

/// From a name's first byte to behind its last one; a template has no more than 65,534.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Name {
    start: u16,
    end: u16,
    is_catch_all: bool,
}

/// What follows a piece of text in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    Parameter,
    CatchAll,
    Nothing,
}

/// Why a text is no template, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It does not begin with `/`.
    #[error("a path begins with a slash: write \"/{0}\"")]
    NotAbsolute(String),
    /// A segment mixes braces with text, or a brace has no partner.
    #[error(
        "\"{0}\" mixes braces and text: a parameter is a whole segment, as in \"/{{name}}\" \
         (a brace that is meant as text is %7B or %7D)"
    )]
    MixedSegment(String),
    /// A parameter's name is empty or has other characters than letters, digits, `_` and `-`.
    #[error(
        "\"{0}\" is not a parameter's name: use letters, digits, - and _, beginning with a letter \
         or _"
    )]
    Name(String),
    /// Two parameters of one name.
    #[error("the parameter \"{0}\" is there twice: give one of them another name")]
    RepeatedName(String),
    /// A catch-all with segments behind it.
    #[error("\"{{*{0}}}\" takes the rest of the path, so nothing can follow it")]
    CatchAllNotLast(String),
    /// A `.` or `..` segment, which no request's normal path has.
    #[error("dot segments are resolved before matching: leave \"{0}\" out")]
    DotSegment(String),
    /// Two slashes in a row.
    #[error("an empty segment matches nothing: leave one of the slashes out")]
    EmptySegment,
    /// A `?` or `#`.
    #[error("a path ends before ? and #: a route's query conditions are keys of their own")]
    Query,
    /// A static segment that has no normal form.
    #[error("\"{segment}\" cannot be part of a path")]
    Text {
        /// The segment as it was written.
        segment: String,
        /// What is wrong with it.
        source: PathError,
    },
    /// More than 128 segments or 65,534 bytes.
    #[error("a path template may have 128 segments and 65534 bytes")]
    TooLong,
}

impl Template {
    /// The template in its normal form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its parameters, from left to right.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| name.of(&self.text))
    }

    /// Whether it has no parameter, so that exactly one path matches.
    pub fn is_static(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of its catch-all, if it has one.
    pub(crate) fn catch_all(&self) -> Option<&str> {
        let last = self.names.last().filter(|name| name.is_catch_all)?;
        Some(last.of(&self.text))
    }

    /// Its texts between the parameters, each with what follows it.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = (&str, Follows)> {
        let mut at = 0;
        let names = self.names.iter().map(Some).chain([None]);
        names.map(move |name| {
            let start = at;
            let Some(name) = name else {
                return (&self.text[start..], Follows::Nothing);
            };
            at = usize::from(name.end) + "}".len();
            let (before, follows) = if name.is_catch_all {
                ("{*".len(), Follows::CatchAll)
            } else {
                ("{".len(), Follows::Parameter)
            };
            (&self.text[start..usize::from(name.start) - before], follows)
        })
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let Some(relative) = text.strip_prefix('/') else {
            return Err(TemplateError::NotAbsolute(text.to_owned()));
        };
        if text.bytes().any(|byte| matches!(byte, b'?' | b'#')) {
            return Err(TemplateError::Query);
        }
        let mut normal = String::with_capacity(text.len());
        let mut names: SmallVec<[Name; 8]> = SmallVec::new();
        let mut written = relative.split('/').peekable();
        let mut segments = 0;
        while let Some(segment) = written.next() {
            normal.push('/');
            let is_last = written.peek().is_none();
            if segment.bytes().any(|byte| matches!(byte, b'{' | b'}')) {
                let (name, is_catch_all) = parameter(segment, is_last)?;
                if names.iter().any(|earlier| earlier.of(&normal) == name) {
                    return Err(TemplateError::RepeatedName(name.to_owned()));
                }
                normal.push_str(if is_catch_all { "{*" } else { "{" });
                let start = place(normal.len())?;
                normal.push_str(name);
                names.push(Name {
                    start,
                    end: place(normal.len())?,
                    is_catch_all,
                });
                normal.push('}');
            } else {
                push_static(&mut normal, segment, is_last)?;
            }
            segments += 1;
        }
        if segments > SEGMENTS_MAX || normal.len() > PATH_BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        Ok(Self {
            text: normal.into(),
            names: names.into_vec().into(),
        })
    }
}

impl Name {
    fn of(self, text: &str) -> &str {
        &text[usize::from(self.start)..usize::from(self.end)]
    }
}

fn place(at: usize) -> Result<u16, TemplateError> {
    u16::try_from(at).map_err(|_| TemplateError::TooLong)
}

/// Appends the normal form of a segment without parameter.
fn push_static(out: &mut String, segment: &str, is_last: bool) -> Result<(), TemplateError> {
    let start = out.len();
    push_segment(out, segment, 0).map_err(|source| TemplateError::Text {
        segment: segment.to_owned(),
        source,
    })?;
    match &out[start..] {
        "" if !is_last => Err(TemplateError::EmptySegment),
        "." | ".." => Err(TemplateError::DotSegment(segment.to_owned())),
        _ => Ok(()),
    }
}

/// The name that stands in the braces of `segment`, and whether it is a catch-all's.
fn parameter(segment: &str, is_last: bool) -> Result<(&str, bool), TemplateError> {
    let inner = segment
        .strip_prefix('{')
        .and_then(|segment| segment.strip_suffix('}'))
        .filter(|inner| !inner.contains(['{', '}']))
        .ok_or_else(|| TemplateError::MixedSegment(segment.to_owned()))?;
    let (name, is_catch_all) = match inner.strip_prefix('*') {
        Some(name) => (name, true),
        None => (inner, false),
    };
    if !is_name(name) {
        return Err(TemplateError::Name(name.to_owned()));
    }
    if is_catch_all && !is_last {
        return Err(TemplateError::CatchAllNotLast(name.to_owned()));
    }
    Ok((name, is_catch_all))
}

/// Whether `name` can be a parameter's name.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl AsRef<str> for Template {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        text.parse()
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.text.into()
    }
}

impl JsonSchema for Template {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/[^?#]*$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, normal: &str, params: &[&str]) {
        let template: Template = text.parse().unwrap();
        assert_eq!(template.as_str(), normal);
        assert_eq!(template.params().collect::<Vec<_>>(), params);
        let mut names = params.iter();
        let mut pieces = String::new();
        for (text, follows) in template.pieces() {
            pieces += text;
            let (before, after) = match follows {
                Follows::Parameter => ("{", "}"),
                Follows::CatchAll => ("{*", "}"),
                Follows::Nothing => continue,
            };
            pieces.extend([before, names.next().unwrap(), after]);
        }
        assert_eq!(pieces, normal);
        assert_eq!(normal.parse::<Template>().unwrap(), template);
    }

    #[track_caller]
    fn check_refused(text: &str, error: &TemplateError) {
        assert_eq!(text.parse::<Template>().as_ref(), Err(error));
    }

    #[test]
    fn text_is_normal_and_parameters_are_named() {
        check("/", "/", &[]);
        check("/a/", "/a/", &[]);
        check("/é/%7ea", "/%C3%A9/~a", &[]);
        check("/a/{id}/{*rest}", "/a/{id}/{*rest}", &["id", "rest"]);
        check("/{user_id}/x", "/{user_id}/x", &["user_id"]);
        check("/%7Bid%7D", "/%7Bid%7D", &[]);
    }

    #[test]
    fn what_matches_nothing_or_not_what_it_seems_is_refused() {
        check_refused("a", &TemplateError::NotAbsolute("a".into()));
        check_refused("", &TemplateError::NotAbsolute(String::new()));
        check_refused("/v{n}", &TemplateError::MixedSegment("v{n}".into()));
        check_refused("/{a}{b}", &TemplateError::MixedSegment("{a}{b}".into()));
        check_refused("/{a", &TemplateError::MixedSegment("{a".into()));
        check_refused("/{}", &TemplateError::Name(String::new()));
        check_refused("/{*}", &TemplateError::Name(String::new()));
        check_refused("/{a b}", &TemplateError::Name("a b".into()));
        check_refused("/{a}/{a}", &TemplateError::RepeatedName("a".into()));
        check_refused("/{a}/{*a}", &TemplateError::RepeatedName("a".into()));
        check_refused("/{*a}/", &TemplateError::CatchAllNotLast("a".into()));
        check_refused("/a/../b", &TemplateError::DotSegment("..".into()));
        check_refused("/a/%2e", &TemplateError::DotSegment("%2e".into()));
        check_refused("/a//b", &TemplateError::EmptySegment);
        check_refused("/a?b", &TemplateError::Query);
        check_refused("/{a?}", &TemplateError::Query);
        check_refused(&"/a".repeat(129), &TemplateError::TooLong);
        let source = PathError::Encoding { at: 0 };
        let segment = "%x".to_owned();
        check_refused("/%x", &TemplateError::Text { segment, source });
    }

    #[test]
    fn the_message_names_the_place_and_the_way_out() {
        let error = "/v{n}".parse::<Template>().unwrap_err().to_string();
        assert!(
            error.contains("\"v{n}\"") && error.contains("\"/{name}\""),
            "{error}"
        );
    }
}
