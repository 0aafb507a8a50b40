//! Which cookies of a request count? (RFC 6265 §4.2.1)
//!
//! Those that a route ignores are neither looked at nor sent to the upstream. A pair ends at a semicolon and
//! its name at an equals sign; one without is all name. What is left keeps its order and its bytes.

use std::borrow::Cow;
use std::fmt;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use validator::{Validate, ValidationErrors};

use crate::names::{self, Names};

/// The cookies that the answers of a route do not depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum IgnoreCookies {
    /// `true`: all of them; `false`: none.
    Switch(bool),
    /// Those of these names; `*` stands for any letters: `_ga*`.
    Names(Vec<String>),
}

impl Default for IgnoreCookies {
    fn default() -> Self {
        Self::Switch(false)
    }
}

impl Validate for IgnoreCookies {
    fn validate(&self) -> Result<(), ValidationErrors> {
        let mut errors = ValidationErrors::new();
        if let Self::Names(patterns) = self
            && let Err(error) = names::validate(patterns, b"=;")
        {
            errors.add("names", error);
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(errors)
        }
    }
}

impl<'de> Deserialize<'de> for IgnoreCookies {
    /// By hand and not `untagged`: what is neither is told with what it may be. A text may be a list too, as a
    /// variable of the environment writes it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchOrNames;

        impl<'de> Visitor<'de> for SwitchOrNames {
            type Value = IgnoreCookies;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a list of names")
            }

            fn visit_bool<E: Error>(self, all: bool) -> Result<IgnoreCookies, E> {
                Ok(IgnoreCookies::Switch(all))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<IgnoreCookies, E> {
                Ok(match text {
                    "true" => IgnoreCookies::Switch(true),
                    "false" => IgnoreCookies::Switch(false),
                    list => {
                        let names = list.split(',').map(str::trim);
                        let names = names.filter(|name| !name.is_empty());
                        IgnoreCookies::Names(names.map(String::from).collect())
                    }
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<IgnoreCookies, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = list.next_element()? {
                    names.push(name);
                }
                Ok(IgnoreCookies::Names(names))
            }
        }

        deserializer.deserialize_any(SwitchOrNames)
    }
}

impl JsonSchema for IgnoreCookies {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IgnoreCookies".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "boolean" },
            { "type": "array", "items": { "type": "string" }, "examples": [["_ga*", "theme"]] },
        ]})
    }
}

/// [`IgnoreCookies`], made ready for requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IgnoredCookies {
    All,
    Named(Names),
}

impl IgnoredCookies {
    pub(crate) fn compile(settings: &IgnoreCookies) -> Self {
        match settings {
            IgnoreCookies::Switch(true) => Self::All,
            IgnoreCookies::Switch(false) => Self::Named(Names::default()),
            IgnoreCookies::Names(names) => Self::Named(Names::compile(names)),
        }
    }

    /// Whether a request has a cookie that counts.
    pub(crate) fn leave_any(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(COOKIE).iter();
        lines.any(|line| pairs(line).any(|pair| !self.contain(pair)))
    }

    /// Takes the ignored cookies off a request and joins what is left to one line; says whether anything is
    /// left. Without it there is no `Cookie` field either.
    pub(crate) fn strip(&self, headers: &mut HeaderMap) -> bool {
        let mut left = Vec::new();
        let mut sensitive = false;
        for line in headers.get_all(COOKIE) {
            sensitive |= line.is_sensitive();
            for pair in pairs(line).filter(|pair| !self.contain(pair)) {
                if !left.is_empty() {
                    left.extend_from_slice(b"; ");
                }
                left.extend_from_slice(pair);
            }
        }
        // Each pair was in a value: this fails for nothing but an empty line, which is none.
        match HeaderValue::from_bytes(&left) {
            Ok(mut value) if !left.is_empty() => {
                value.set_sensitive(sensitive);
                headers.insert(COOKIE, value);
                true
            }
            _ => {
                headers.remove(COOKIE);
                false
            }
        }
    }

    fn contain(&self, pair: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => {
                let name = pair.split(|byte| *byte == b'=').next().unwrap_or(pair);
                names.contain(name.trim_ascii())
            }
        }
    }
}

/// The pairs of a line, without the blanks around them.
fn pairs(line: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    let pairs = line.as_bytes().split(|byte| *byte == b';');
    pairs
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(names: &[&str]) -> IgnoredCookies {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        IgnoredCookies::compile(&IgnoreCookies::Names(names))
    }

    fn request<T: AsRef<[u8]>>(lines: &[T]) -> HeaderMap {
        let lines = lines
            .iter()
            .map(|line| HeaderValue::from_bytes(line.as_ref()));
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(ignored: &IgnoredCookies, lines: &[&str], expected: Option<&str>) {
        let mut headers = request(lines);
        assert_eq!(ignored.leave_any(&headers), expected.is_some());
        assert_eq!(ignored.strip(&mut headers), expected.is_some());
        let left: Vec<_> = headers.get_all(COOKIE).iter().collect();
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(left, expected);
    }

    #[test]
    fn ignored_pairs_go_and_the_others_stay_as_they_are() {
        let ignored = named(&["_ga*", "theme"]);
        check(&ignored, &["_ga=1; a=b; theme=dark"], Some("a=b"));
        check(
            &ignored,
            &["z=1; _ga_X=2; a=\"x y\"; b==;c"],
            Some("z=1; a=\"x y\"; b==; c"),
        );
        check(&ignored, &["_ga=1;theme=2 ; _ga"], None);
        check(&ignored, &["theme =dark;\t_ga= 1"], None);
        check(
            &ignored,
            &["Theme=1; themes=2; x_ga=3"],
            Some("Theme=1; themes=2; x_ga=3"),
        );
        check(&ignored, &["a=_ga; b=theme=1"], Some("a=_ga; b=theme=1"));
        check(&ignored, &["=theme"], Some("=theme"));
    }

    #[test]
    fn several_lines_are_joined() {
        check(
            &named(&["b"]),
            &["a=1", "b=2", "c=3; b=4"],
            Some("a=1; c=3"),
        );
        check(&named(&["*"]), &["a=1", "b=2"], None);
        check(&named(&[]), &["a=1", "b=2"], Some("a=1; b=2"));
    }

    #[test]
    fn what_has_no_pair_is_no_cookie() {
        check(&named(&[]), &[], None);
        check(&named(&[]), &["", " ; ;"], None);
        let none = IgnoredCookies::compile(&IgnoreCookies::default());
        check(&none, &["a=1"], Some("a=1"));
    }

    #[test]
    fn all_can_be_ignored() {
        let all = IgnoredCookies::compile(&IgnoreCookies::Switch(true));
        check(&all, &["a=1; b", "c=2"], None);
        check(&all, &[], None);
    }

    #[test]
    fn what_is_left_of_a_secret_is_secret() {
        let mut headers = request(&["a=1; b=2"]);
        headers.get_mut(COOKIE).unwrap().set_sensitive(true);
        assert!(named(&["a"]).strip(&mut headers));
        assert!(headers[COOKIE].is_sensitive());
    }

    #[test]
    fn settings_are_a_switch_or_names() {
        let read = |text: &str| serde_json::from_str::<IgnoreCookies>(text);
        let names = |names: &[&str]| {
            IgnoreCookies::Names(names.iter().map(|name| (*name).to_owned()).collect())
        };
        assert_eq!(read("true").unwrap(), IgnoreCookies::Switch(true));
        assert_eq!(read("\"false\"").unwrap(), IgnoreCookies::Switch(false));
        assert_eq!(read("[\"_ga*\", \"a\"]").unwrap(), names(&["_ga*", "a"]));
        assert_eq!(read("\"_ga*, a,\"").unwrap(), names(&["_ga*", "a"]));
        let error = read("5").unwrap_err().to_string();
        assert!(error.contains("true, false, or a list of names"), "{error}");
        for settings in [IgnoreCookies::Switch(true), names(&["a"])] {
            let text = serde_json::to_string(&settings).unwrap();
            assert_eq!(read(&text).unwrap(), settings);
            assert!(settings.validate().is_ok());
        }
        assert!(names(&["a=b"]).validate().is_err());
    }

    proptest! {
        #[test]
        fn what_is_left_is_what_is_not_ignored_in_its_order(
            lines in proptest::collection::vec(
                proptest::collection::vec(("[abc]{1,2}", "[a-c=\" ]{0,4}[a-c]"), 0..4), 0..4,
            ),
        ) {
            let pair = |(name, value): &(String, String)| format!("{name}={value}");
            let written: Vec<_> = lines.iter()
                .map(|line| line.iter().map(pair).collect::<Vec<_>>().join(" ;")).collect();
            let kept: Vec<_> = lines.iter().flatten()
                .filter(|(name, _)| name != "b" && !name.starts_with('a')).map(pair).collect();
            let ignored = named(&["a*", "b"]);
            let mut headers = request(&written);
            prop_assert_eq!(ignored.leave_any(&headers), !kept.is_empty());
            prop_assert_eq!(ignored.strip(&mut headers), !kept.is_empty());
            let left = headers.get(COOKIE).map(|line| line.to_str().unwrap().to_owned());
            prop_assert_eq!(left.unwrap_or_default(), kept.join("; "));
        }

        #[test]
        fn any_bytes_are_judged_as_they_are_stripped(
            lines in proptest::collection::vec("[ab;= \t]{0,12}|[\u{80}-\u{ff};]{0,6}", 0..3),
        ) {
            let mut headers = request(&lines);
            let ignored = named(&["a", "\u{e9}*"]);
            let any = ignored.leave_any(&headers);
            prop_assert_eq!(ignored.strip(&mut headers), any);
            let once = headers.clone();
            prop_assert_eq!(ignored.strip(&mut headers), any);
            prop_assert_eq!(headers, once);
        }
    }
}
