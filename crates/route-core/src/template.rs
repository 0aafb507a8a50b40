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
    segments: Box<[Segment]>,
}

/// One segment of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Segment {
    Static(Box<str>),
    Parameter(Box<str>),
    CatchAll(Box<str>),
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
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Parameter(name) | Segment::CatchAll(name) => Some(&**name),
            Segment::Static(_) => None,
        })
    }

    /// Whether it has no parameter, so that exactly one path matches.
    pub fn is_static(&self) -> bool {
        self.params().next().is_none()
    }

    /// The name of its catch-all, if it has one.
    pub(crate) fn catch_all(&self) -> Option<&str> {
        match self.segments.last() {
            Some(Segment::CatchAll(name)) => Some(name),
            _ => None,
        }
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let Some(relative) = text.strip_prefix('/') else {
            return Err(TemplateError::NotAbsolute(text.to_owned()));
        };
        if text.contains(['?', '#']) {
            return Err(TemplateError::Query);
        }
        let mut segments: Vec<Segment> = Vec::new();
        let mut normal = String::with_capacity(text.len());
        let mut written = relative.split('/').peekable();
        while let Some(segment) = written.next() {
            let segment = Segment::parse(segment, written.peek().is_none())?;
            if segments.iter().any(|earlier| earlier.shares_name(&segment)) {
                return Err(TemplateError::RepeatedName(segment.text().to_owned()));
            }
            segment.push(&mut normal);
            segments.push(segment);
        }
        if segments.len() > SEGMENTS_MAX || normal.len() > PATH_BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        Ok(Self {
            text: normal.into(),
            segments: segments.into(),
        })
    }
}

impl Segment {
    fn parse(text: &str, is_last: bool) -> Result<Self, TemplateError> {
        if text.contains(['{', '}']) {
            return Self::parse_braces(text, is_last);
        }
        let mut normal = String::with_capacity(text.len());
        push_segment(&mut normal, text, 0).map_err(|source| TemplateError::Text {
            segment: text.to_owned(),
            source,
        })?;
        match &*normal {
            "" if !is_last => Err(TemplateError::EmptySegment),
            "." | ".." => Err(TemplateError::DotSegment(text.to_owned())),
            _ => Ok(Self::Static(normal.into())),
        }
    }

    fn parse_braces(text: &str, is_last: bool) -> Result<Self, TemplateError> {
        let inner = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'))
            .filter(|inner| !inner.contains(['{', '}']))
            .ok_or_else(|| TemplateError::MixedSegment(text.to_owned()))?;
        let (name, is_catch_all) = match inner.strip_prefix('*') {
            Some(name) => (name, true),
            None => (inner, false),
        };
        if !is_name(name) {
            return Err(TemplateError::Name(name.to_owned()));
        }
        match (is_catch_all, is_last) {
            (true, false) => Err(TemplateError::CatchAllNotLast(name.to_owned())),
            (true, true) => Ok(Self::CatchAll(name.into())),
            (false, _) => Ok(Self::Parameter(name.into())),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Static(text) | Self::Parameter(text) | Self::CatchAll(text) => text,
        }
    }

    fn shares_name(&self, other: &Self) -> bool {
        let is_named = |segment: &Self| !matches!(segment, Self::Static(_));
        is_named(self) && is_named(other) && self.text() == other.text()
    }

    /// Appends the segment with its slash.
    fn push(&self, out: &mut String) {
        let (before, after) = match self {
            Self::Static(_) => ("/", ""),
            Self::Parameter(_) => ("/{", "}"),
            Self::CatchAll(_) => ("/{*", "}"),
        };
        out.push_str(before);
        out.push_str(self.text());
        out.push_str(after);
    }
}

/// Whether `name` can be a parameter's name.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'))
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
