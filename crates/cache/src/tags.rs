//! By which labels can a response be dropped beside its URI?
//!
//! Those of its route, and those that its upstream gives it: `Cache-Tag` (by commas), `Surrogate-Key` (by blanks) and
//! `Cache-Groups` (RFC 9875). What an upstream says is under its origin, so that an answer of one origin drops nothing
//! of another's; an operator drops a label wherever it is.

use http::HeaderMap;
use sfv::{BareItem, List, ListEntry, Parser};

use crate::invalidation::{Invalidation, Tag};
use crate::storing::NotStored;

/// At most this many labels of one response; one with more is not stored.
const TAGS_MAX: usize = 64;

/// RFC 9875 §2: which groups a response is in.
const CACHE_GROUPS: &str = "cache-groups";
/// RFC 9875 §3: which groups an unsafe request's response drops.
const CACHE_GROUP_INVALIDATION: &str = "cache-group-invalidation";

/// The tags of a response from `origin`, those of its route taken in.
pub(crate) fn of_response(
    origin: &str,
    headers: &HeaderMap,
    route: Vec<Tag>,
) -> Result<Vec<Tag>, NotStored> {
    let mut tags = route;
    let mut labels = 0;
    let mut push = |label: &str| {
        labels += 1;
        if labels > TAGS_MAX {
            return Err(NotStored::Tags);
        }
        tags.extend([Tag::label(label), Tag::of_origin(origin, label)]);
        Ok(())
    };
    for (field, separators) in [("cache-tag", ","), ("surrogate-key", " \t")] {
        for line in headers.get_all(field) {
            let line = line.to_str().map_err(|_| NotStored::Tags)?;
            for label in line.split(|letter| separators.contains(letter)) {
                let label = label.trim();
                if !label.is_empty() {
                    push(label)?;
                }
            }
        }
    }
    for group in groups(headers, CACHE_GROUPS) {
        push(&group)?;
    }
    Ok(tags)
}

/// What a response from `origin` to an unsafe request drops by its groups.
pub(crate) fn dropped_by(origin: &str, headers: &HeaderMap) -> Vec<Invalidation> {
    let groups = groups(headers, CACHE_GROUP_INVALIDATION);
    let dropped = groups.into_iter().take(TAGS_MAX);
    dropped
        .map(|label| Invalidation::TagOf {
            origin: origin.to_owned(),
            label,
        })
        .collect()
}

/// The strings of a list field; one that is no list of strings says nothing (RFC 9651 §4.2).
fn groups(headers: &HeaderMap, field: &str) -> Vec<String> {
    let mut whole = Vec::new();
    for line in headers.get_all(field) {
        if !whole.is_empty() {
            whole.extend_from_slice(b", ");
        }
        whole.extend_from_slice(line.as_bytes());
    }
    let list: List = match Parser::new(&whole).parse() {
        Ok(list) => list,
        Err(_) => return Vec::new(),
    };
    let name = |entry: ListEntry| match entry {
        ListEntry::Item(item) => match item.bare_item {
            BareItem::String(name) => Some(String::from(name)),
            _ => None,
        },
        ListEntry::InnerList(_) => None,
    };
    list.into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn labels_are_read_from_all_fields_and_bounded() {
        let fields = headers(&[
            ("cache-tag", "a, b,"),
            ("surrogate-key", "c  d"),
            ("cache-groups", "\"e\", \"f g\";x"),
        ]);
        let found = of_response("o", &fields, vec![Tag::label("route")]).unwrap();
        let mut expected = vec![Tag::label("route")];
        for label in ["a", "b", "c", "d", "e", "f g"] {
            expected.extend([Tag::label(label), Tag::of_origin("o", label)]);
        }
        assert_eq!(found, expected);
        let many = "x ".repeat(TAGS_MAX + 1);
        let many = headers(&[("surrogate-key", &many)]);
        assert_eq!(of_response("o", &many, Vec::new()), Err(NotStored::Tags));
    }

    #[test]
    fn an_answer_drops_groups_of_its_own_origin() {
        let fields = headers(&[("cache-group-invalidation", "\"a\", \"b\"")]);
        let dropped = ["a", "b"].map(|label| Invalidation::TagOf {
            origin: "o".into(),
            label: label.into(),
        });
        assert_eq!(dropped_by("o", &fields), dropped);
        assert_ne!(Tag::of_origin("o", "a"), Tag::of_origin("p", "a"));
        let malformed = headers(&[("cache-group-invalidation", "\"a\", ?")]);
        assert!(dropped_by("o", &malformed).is_empty());
    }
}
