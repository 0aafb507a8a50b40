//! What a request must carry beside its method, host and path.
//!
//! - A field's value is compared as a whole: of several lines, what they are when joined (RFC 9110
//!   §5.3).
//! - A query parameter is compared decoded, `+` being a blank. Where it is there several times, all
//!   have to be equal: which of them the upstream would take cannot be known.
//! - So one request never meets two different exact values of one name, on which the check for
//!   [conflicts](crate::Conflict) relies.
//! - A preflight does not carry the fields that it asks for. One that
//!   `Access-Control-Request-Headers` names counts as met.

use std::borrow::Cow;

use http::header::{ACCESS_CONTROL_REQUEST_HEADERS, HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is asked of one field or query parameter; in settings `true`, or a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Condition {
    /// It is there, with any value.
    Present,
    /// It is there with exactly this value.
    Is(String),
}

impl Condition {
    /// Whether one request can meet both, asked of the same name.
    pub(crate) fn meets_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Is(one), Self::Is(another)) => one == another,
            _ => true,
        }
    }
}

/// Whether `headers` meet every one of `conditions`.
pub(crate) fn headers_meet(
    conditions: &[(HeaderName, Condition)],
    headers: &HeaderMap,
    is_preflight: bool,
) -> bool {
    conditions.iter().all(|(name, condition)| {
        header_meets(name, condition, headers) || (is_preflight && is_asked_for(name, headers))
    })
}

fn header_meets(name: &HeaderName, condition: &Condition, headers: &HeaderMap) -> bool {
    let mut lines = headers.get_all(name).iter();
    match (condition, lines.next()) {
        (_, None) => false,
        (Condition::Present, Some(_)) => true,
        (Condition::Is(exact), Some(first)) => {
            let mut rest = Some(exact.as_bytes());
            let mut take = |text: &[u8]| rest = rest.and_then(|rest| rest.strip_prefix(text));
            take(first.as_bytes());
            for line in lines {
                take(b", ");
                take(line.as_bytes());
            }
            rest.is_some_and(<[u8]>::is_empty)
        }
    }
}

fn is_asked_for(name: &HeaderName, headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|asked| asked.trim().eq_ignore_ascii_case(name.as_str()))
}

/// Whether `query` meets every one of `conditions`.
pub(crate) fn query_meets(conditions: &[(String, Condition)], query: Option<&str>) -> bool {
    conditions.iter().all(|(name, condition)| {
        let mut values = pairs(query.unwrap_or_default())
            .filter(|(key, _)| decoded(key) == name.as_bytes())
            .map(|(_, value)| value);
        match (condition, values.next()) {
            (_, None) => false,
            (Condition::Present, Some(_)) => true,
            (Condition::Is(exact), Some(first)) => std::iter::once(first)
                .chain(values)
                .all(|value| decoded(value) == exact.as_bytes()),
        }
    })
}

fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn decoded(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text.as_bytes());
    }
    Cow::Owned(percent_decode_str(&text.replace('+', " ")).collect())
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Present => serializer.serialize_bool(true),
            Self::Is(exact) => serializer.serialize_str(exact),
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Condition;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true (present) or the exact value")
            }

            fn visit_bool<E: Error>(self, present: bool) -> Result<Condition, E> {
                if present {
                    Ok(Condition::Present)
                } else {
                    Err(E::invalid_value(Unexpected::Bool(false), &self))
                }
            }

            fn visit_str<E: Error>(self, exact: &str) -> Result<Condition, E> {
                Ok(Condition::Is(exact.to_owned()))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl JsonSchema for Condition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "boolean", "const": true }, { "type": "string" }] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn is(exact: &str) -> Condition {
        Condition::Is(exact.to_owned())
    }

    #[track_caller]
    fn check_query(query: &str, condition: Condition, met: bool) {
        let conditions = [("v".to_owned(), condition)];
        assert_eq!(query_meets(&conditions, Some(query)), met, "{query}");
    }

    #[track_caller]
    fn check_header(lines: &[&'static str], condition: Condition, met: bool) {
        let name = HeaderName::from_static("x-v");
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(&name, HeaderValue::from_static(line));
        }
        assert_eq!(
            headers_meet(&[(name, condition)], &headers, false),
            met,
            "{lines:?}"
        );
    }

    #[test]
    fn a_parameter_is_present_or_exact() {
        check_query("a=1&v", Condition::Present, true);
        check_query("a=1&v=", is(""), true);
        check_query("%76=a%20b", is("a b"), true);
        check_query("v=a+b&&v=a%20b", is("a b"), true);
        check_query("v=1&v=2", is("1"), false);
        check_query("v=1&v=2", is("2"), false);
        check_query("vv=1", Condition::Present, false);
        check_query("V=1", Condition::Present, false);
        check_query("v=%ff", is("\u{fffd}"), false);
        assert!(!query_meets(&[("v".into(), Condition::Present)], None));
        assert!(query_meets(&[], None));
    }

    #[test]
    fn a_field_is_present_or_exact() {
        check_header(&["1"], Condition::Present, true);
        check_header(&["1"], is("1"), true);
        check_header(&["1"], is("2"), false);
        check_header(&[], Condition::Present, false);
        check_header(&["1", "2"], is("1"), false);
        check_header(&["1", "2"], is("1, 2"), true);
    }

    #[test]
    fn a_preflight_meets_what_it_asks_for() {
        let name = HeaderName::from_static("x-v");
        let mut headers = HeaderMap::new();
        let asked = HeaderValue::from_static("content-type, X-V");
        headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, asked);
        let conditions = [(name, is("1"))];
        assert!(headers_meet(&conditions, &headers, true));
        assert!(!headers_meet(&conditions, &headers, false));
    }

    #[test]
    fn settings_write_true_or_a_text() {
        let read = |text| serde_json::from_str::<Condition>(text);
        assert_eq!(read("true").unwrap(), Condition::Present);
        assert_eq!(read("\"true\"").unwrap(), is("true"));
        assert!(
            read("false")
                .unwrap_err()
                .to_string()
                .contains("true (present)")
        );
        assert!(read("1").is_err());
        assert_eq!(serde_json::to_string(&Condition::Present).unwrap(), "true");
        assert_eq!(serde_json::to_string(&is("a")).unwrap(), "\"a\"");
    }
}
