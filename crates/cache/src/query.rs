//! Which parameters of a query tell answers apart?
//!
//! What a route leaves out of the key is not sent to the upstream either, so that no two requests of one key
//! can get different answers. For that reason names are compared as they are written: an encoded name is
//! another one, which is kept in both places or left out of both. Parameters stand between ampersands, each
//! with its name before the first equals sign; what is left keeps its order and its bytes.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

use crate::names::{self, Names};

/// The parameters that the answers of a route depend on: all, some, or all but some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "one_or_the_other"))]
pub struct QuerySettings {
    /// Those of these names alone; `*` stands for any letters. An empty list: none.
    #[validate(custom(function = "parameter_names"))]
    pub only: Option<Vec<String>>,
    /// All but those of these names; `*` stands for any letters: `utm_*`.
    #[validate(custom(function = "parameter_names"))]
    pub ignore: Option<Vec<String>>,
}

fn one_or_the_other(settings: &QuerySettings) -> Result<(), ValidationError> {
    if settings.only.is_some() && settings.ignore.is_some() {
        let message = "has only or ignore, not both";
        return Err(ValidationError::new("exclusive").with_message(Cow::Borrowed(message)));
    }
    Ok(())
}

fn parameter_names(names: &[String]) -> Result<(), ValidationError> {
    names::validate(names, b"=&#")
}

/// [`QuerySettings`], made ready for requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum QueryFilter {
    #[default]
    All,
    Only(Names),
    AllBut(Names),
}

impl QueryFilter {
    pub(crate) fn compile(settings: &QuerySettings) -> Self {
        match (&settings.only, &settings.ignore) {
            (Some(names), _) => Self::Only(Names::compile(names)),
            (None, Some(names)) if !names.is_empty() => Self::AllBut(Names::compile(names)),
            (None, _) => Self::All,
        }
    }

    /// What counts of a query, given without its question mark; `None` where nothing is left, and the
    /// question mark goes as well.
    pub(crate) fn apply<'q>(&self, query: &'q str) -> Option<Cow<'q, str>> {
        let mut parameters = query.split('&');
        if parameters.all(|parameter| self.keeps(parameter)) {
            return Some(Cow::Borrowed(query));
        }
        let mut kept = query.split('&').filter(|parameter| self.keeps(parameter));
        let mut left = String::with_capacity(query.len());
        left.push_str(kept.next()?);
        for parameter in kept {
            left.push('&');
            left.push_str(parameter);
        }
        Some(Cow::Owned(left))
    }

    fn keeps(&self, parameter: &str) -> bool {
        let name = || parameter.split('=').next().unwrap_or(parameter).as_bytes();
        match self {
            Self::All => true,
            Self::Only(names) => names.contain(name()),
            Self::AllBut(names) => !names.contain(name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn only(names: &[&str]) -> QueryFilter {
        QueryFilter::compile(&QuerySettings {
            only: Some(owned(names)),
            ignore: None,
        })
    }

    fn ignore(names: &[&str]) -> QueryFilter {
        QueryFilter::compile(&QuerySettings {
            only: None,
            ignore: Some(owned(names)),
        })
    }

    #[track_caller]
    fn check(filter: &QueryFilter, query: &str, expected: Option<&str>) {
        let left = filter.apply(query);
        assert_eq!(left.as_deref(), expected, "{filter:?} of {query}");
        let borrowed = matches!(left, Some(Cow::Borrowed(_)));
        assert_eq!(borrowed, expected == Some(query), "copied only if changed");
    }

    #[test]
    fn only_some_are_kept() {
        let some = only(&["page", "f_*"]);
        check(&some, "page=2", Some("page=2"));
        check(
            &some,
            "x=1&page=2&f_a=3&page=1&y",
            Some("page=2&f_a=3&page=1"),
        );
        check(&some, "page&pages=1", Some("page"));
        check(&some, "x=page", None);
        check(&some, "", None);
        check(&some, "&&page=1&", Some("page=1"));
        check(&only(&[]), "a=1", None);
        check(&only(&["*"]), "a=1&&b", Some("a=1&&b"));
    }

    #[test]
    fn some_are_ignored() {
        let some = ignore(&["utm_*", "gclid"]);
        check(
            &some,
            "utm_source=a&b=1&gclid=x&a=%20&utm_",
            Some("b=1&a=%20"),
        );
        check(&some, "b=1&&a", Some("b=1&&a"));
        check(&some, "gclid&&utm_a", Some(""));
        check(&some, "gclid=1", None);
        check(&some, "", Some(""));
        check(&some, "a=utm_b", Some("a=utm_b"));
        check(&some, "a=1;utm_b=2", Some("a=1;utm_b=2"));
    }

    #[test]
    fn an_encoded_name_is_another_one() {
        check(&ignore(&["utm_*"]), "%75tm_a=1", Some("%75tm_a=1"));
        check(&only(&["page"]), "%70age=1", None);
        check(&only(&["%70age"]), "%70age=1", Some("%70age=1"));
    }

    #[test]
    fn without_settings_the_query_is_as_it_is() {
        let all = QueryFilter::compile(&QuerySettings::default());
        assert_eq!(all, QueryFilter::default());
        check(&all, "b=1&&a", Some("b=1&&a"));
        check(&ignore(&[]), "", Some(""));
    }

    #[test]
    fn settings_name_parameters_and_say_one_thing() {
        let read = |text| serde_json::from_str::<QuerySettings>(text).unwrap();
        let settings = read("{\"ignore\": [\"utm_*\"]}");
        assert_eq!(QueryFilter::compile(&settings), ignore(&["utm_*"]));
        assert!(settings.validate().is_ok() && QuerySettings::default().validate().is_ok());
        assert!(read("{\"only\": []}").validate().is_ok());
        for bad in [
            "{\"only\": [], \"ignore\": [\"a\"]}",
            "{\"only\": [\"a=1\"]}",
            "{\"ignore\": [\"a&b\"]}",
            "{\"ignore\": [\"\"]}",
        ] {
            assert!(read(bad).validate().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn only_and_ignore_part_a_query_in_two(query in "[a-c=&]{0,24}") {
            let is_named = |parameter: &&str| {
                let name = parameter.split_once('=').map_or(*parameter, |(name, _)| name);
                name == "b" || name.starts_with('a')
            };
            let (named, others): (Vec<_>, Vec<_>) = query.split('&').partition(is_named);
            let expected = |parts: Vec<&str>| (!parts.is_empty()).then(|| parts.join("&"));
            let names = ["a*", "b"];
            let left = |filter: QueryFilter| filter.apply(&query).map(Cow::into_owned);
            prop_assert_eq!(left(only(&names)), expected(named));
            prop_assert_eq!(left(ignore(&names)), expected(others));
        }
    }
}
