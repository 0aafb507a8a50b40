//! An entity tag for each coding, and conditions that name one (RFC 9110 §8.8.3, §13.1).
//!
//! - `"abc"` in gzip is `W/"abc-urm-gzip"`; of a weak `W/"abc"`, `W/"abc-urm-gzip-w"`. Weak, because a strong tag would
//!   promise the same bytes of every reading, and where a flush falls depends on how the body came: a client that went
//!   on with half of one reading and half of another would have neither.
//! - `If-Match` is taken back to the tag that the origin gave, whatever the coding, so that what was read compressed can
//!   be written under its condition; so is `If-None-Match` of methods other than `GET` and `HEAD`.
//! - `If-None-Match` of `GET` and `HEAD` is taken back where it names the coding that the answer would have. Another
//!   coding's tag stays, and matches nothing: whoever holds that one for somebody else is not told to use it here.
//!   A 304 gets the client's own tag again.
//! - `If-Range` with such a tag goes, and its `Range` with it: a part of the coded bytes is not to be had from above, and
//!   one of the bare bytes would not fit.
use http::header::{ETAG, Entry, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Coding;

/// Stands between the origin's tag and the coding's name; no other program's, so that their tags stay their own.
const MARK: &[u8] = b"-urm-";
/// Ends the tag where the origin's was weak.
const WEAK: &[u8] = b"-w";

/// The tag of an answer in this coding; `None` where `tag` is no entity tag.
pub(super) fn of_coding(tag: &HeaderValue, coding: Coding) -> Option<HeaderValue> {
    let (weak, opaque, rest) = read(tag.as_bytes().trim_ascii())?;
    if !rest.is_empty() {
        return None;
    }
    let ending: &[u8] = if weak { WEAK } else { b"" };
    let name = coding.as_str().as_bytes();
    let whole = [b"W/\"", opaque, MARK, name, ending, b"\""].concat();
    HeaderValue::from_bytes(&whole).ok()
}

/// The first tag of a list: whether it is weak, what stands between its quotes, and what follows it.
fn read(text: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let (weak, quoted) = match text.strip_prefix(b"W/") {
        Some(quoted) => (true, quoted),
        None => (false, text),
    };
    let inner = quoted.strip_prefix(b"\"")?;
    let end = inner.iter().position(|byte| *byte == b'"')?;
    Some((weak, &inner[..end], &inner[end + 1..]))
}

/// The origin's tag, as text, of what stands between the quotes of one of ours.
fn origins(opaque: &[u8]) -> Option<(Vec<u8>, Coding)> {
    let (marked, weak) = match opaque.strip_suffix(WEAK) {
        Some(marked) => (marked, true),
        None => (opaque, false),
    };
    Coding::ALL.into_iter().find_map(|coding| {
        let bare = marked.strip_suffix(coding.as_str().as_bytes())?;
        let bare = bare.strip_suffix(MARK)?;
        let start: &[u8] = if weak { b"W/\"" } else { b"\"" };
        Some(([start, bare, b"\""].concat(), coding))
    })
}

/// What the client holds in the coding that its answer would have.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The origin's tags between their quotes, each with the client's own.
    tags: Vec<(Vec<u8>, HeaderValue)>,
    /// It said when, and not what.
    by_date: bool,
}

impl Held {
    /// Takes a request's conditions back to the origin's tags.
    pub(super) fn undo(method: &Method, coding: Option<Coding>, fields: &mut HeaderMap) -> Self {
        let mut held = Self::default();
        let reads = *method == Method::GET || *method == Method::HEAD;
        undo_list(&IF_MATCH, fields, |_| true, |_, _| ());
        if fields.contains_key(IF_NONE_MATCH) {
            undo_list(
                &IF_NONE_MATCH,
                fields,
                |named| !reads || coding == Some(named),
                |origins, own| held.tags.push((origins, own)),
            );
        } else {
            held.by_date = coding.is_some() && fields.contains_key(IF_MODIFIED_SINCE);
        }
        let is_ours = |condition: &HeaderValue| {
            let tag = read(condition.as_bytes().trim_ascii());
            tag.is_some_and(|(_, opaque, _)| origins(opaque).is_some())
        };
        if fields.get(IF_RANGE).is_some_and(is_ours) {
            fields.remove(IF_RANGE);
            fields.remove(RANGE);
        }
        held
    }

    /// Gives a 304 the tag by which the client knows what it holds; whether it did.
    pub(super) fn redo(&self, fields: &mut HeaderMap) -> bool {
        let Some(tag) = fields.get(ETAG) else {
            return false;
        };
        if self.by_date {
            // Of which coding the client holds what it asks about is not known: no tag is better than a wrong one.
            fields.remove(ETAG);
            return false;
        }
        let opaque = read(tag.as_bytes().trim_ascii()).map(|(_, opaque, _)| opaque);
        let own = self
            .tags
            .iter()
            .find(|(origins, _)| Some(&origins[..]) == opaque);
        if let Some((_, own)) = own {
            fields.insert(ETAG, own.clone());
            return true;
        }
        false
    }
}

/// Takes the tags of one field back, those of codings that `counts`; what cannot be read stays.
fn undo_list(
    name: &HeaderName,
    fields: &mut HeaderMap,
    counts: impl Fn(Coding) -> bool,
    mut told: impl FnMut(Vec<u8>, HeaderValue),
) {
    let Entry::Occupied(mut lines) = fields.entry(name) else {
        return;
    };
    for line in lines.iter_mut() {
        let text = line.as_bytes();
        if !text.windows(MARK.len()).any(|part| part == MARK) {
            continue;
        }
        let mut written = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.iter().position(|byte| !b", \t".contains(byte)) {
            written.extend_from_slice(&rest[..start]);
            rest = &rest[start..];
            let Some((_, opaque, after)) = read(rest) else {
                break;
            };
            let whole = &rest[..rest.len() - after.len()];
            match origins(opaque).filter(|(_, coding)| counts(*coding)) {
                Some((tag, _)) => {
                    if let (Some((_, bare, _)), Ok(own)) =
                        (read(&tag), HeaderValue::from_bytes(whole))
                    {
                        told(bare.to_vec(), own);
                    }
                    written.extend_from_slice(&tag);
                }
                None => written.extend_from_slice(whole),
            }
            rest = after;
        }
        written.extend_from_slice(rest);
        if let Ok(value) = HeaderValue::from_bytes(&written) {
            *line = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GZIP: Option<Coding> = Some(Coding::Gzip);

    fn value(text: &str) -> HeaderValue {
        HeaderValue::from_str(text).unwrap()
    }

    #[track_caller]
    fn undone(method: &Method, name: HeaderName, text: &str, expected: &str) -> Held {
        let mut fields = HeaderMap::new();
        fields.insert(name.clone(), value(text));
        let held = Held::undo(method, GZIP, &mut fields);
        assert_eq!(fields[name], expected);
        held
    }

    #[track_caller]
    fn redone(held: &Held, tag: &str, expected: Option<&str>) {
        let mut fields = HeaderMap::new();
        fields.insert(ETAG, value(tag));
        held.redo(&mut fields);
        let found = fields.get(ETAG).map(|tag| tag.to_str().unwrap());
        assert_eq!(found, expected);
    }

    #[test]
    fn each_coding_has_its_own() {
        let of = |tag, coding| of_coding(&value(tag), coding);
        assert_eq!(of("\"a\"", Coding::Gzip), Some(value("W/\"a-urm-gzip\"")));
        assert_eq!(of("\"a\"", Coding::Br), Some(value("W/\"a-urm-br\"")));
        assert_eq!(of("W/\"\"", Coding::Zstd), Some(value("W/\"-urm-zstd-w\"")));
        for other in ["a", "\"a", "\"a\"b", "w/\"a\"", ""] {
            assert_eq!(of(other, Coding::Gzip), None, "{other}");
        }
    }

    #[test]
    fn a_read_is_asked_about_in_the_coding_of_its_answer() {
        let get = Method::GET;
        let held = undone(
            &get,
            IF_NONE_MATCH,
            "\"x\", W/\"a,b-urm-gzip\" ,W/\"c-urm-gzip-w\", W/\"d-urm-br\"",
            "\"x\", \"a,b\" ,W/\"c\", W/\"d-urm-br\"",
        );
        redone(&held, "\"a,b\"", Some("W/\"a,b-urm-gzip\""));
        redone(&held, "W/\"a,b\"", Some("W/\"a,b-urm-gzip\""));
        redone(&held, "W/\"c\"", Some("W/\"c-urm-gzip-w\""));
        redone(&held, "\"x\"", Some("\"x\""));
        redone(&held, "\"d\"", Some("\"d\""));
        for same in [
            "*",
            "\"a-gzip\"",
            "\"a-urm-lz4\"",
            "\"-urm-gzip",
            "a-urm-gzip",
        ] {
            let held = undone(&get, IF_NONE_MATCH, same, same);
            redone(&held, "\"a\"", Some("\"a\""));
        }
        undone(
            &get,
            IF_NONE_MATCH,
            "\"a-urm-gzip\", illegible \"b-urm-gzip\"",
            "\"a\", illegible \"b-urm-gzip\"",
        );
    }

    #[test]
    fn a_write_is_conditional_on_what_was_read_in_any_coding() {
        for method in [Method::PUT, Method::GET] {
            undone(&method, IF_MATCH, "W/\"a-urm-br\", \"b\"", "\"a\", \"b\"");
        }
        undone(&Method::PUT, IF_NONE_MATCH, "\"a-urm-br\"", "\"a\"");
    }

    #[test]
    fn a_part_of_the_coded_bytes_becomes_all_of_them() {
        let ask = |condition: &str| {
            let mut fields = HeaderMap::new();
            fields.insert(RANGE, value("bytes=1-"));
            fields.insert(IF_RANGE, value(condition));
            Held::undo(&Method::GET, GZIP, &mut fields);
            fields.len()
        };
        assert_eq!(ask("W/\"a-urm-gzip\""), 0);
        assert_eq!(ask("\"a-urm-br\""), 0);
        assert_eq!(ask("\"a\""), 2);
        assert_eq!(ask("Sun, 06 Nov 1994 08:49:37 GMT"), 2);
    }

    #[test]
    fn a_304_to_a_date_names_no_tag() {
        let mut fields = HeaderMap::new();
        fields.insert(IF_MODIFIED_SINCE, value("Sun, 06 Nov 1994 08:49:37 GMT"));
        let held = Held::undo(&Method::GET, GZIP, &mut fields.clone());
        redone(&held, "\"a\"", None);
        let held = Held::undo(&Method::GET, None, &mut fields);
        redone(&held, "\"a\"", Some("\"a\""));
    }

    proptest! {
        #[test]
        fn a_tag_comes_back_as_it_went(weak: bool, opaque in "[!#-~]{0,24}", at in 0_usize..3) {
            let tag = value(&format!("{}\"{opaque}\"", if weak { "W/" } else { "" }));
            let coding = Coding::ALL[at];
            let marked = of_coding(&tag, coding).unwrap();
            let mut fields = HeaderMap::new();
            fields.insert(IF_NONE_MATCH, marked.clone());
            let held = Held::undo(&Method::GET, Some(coding), &mut fields);
            prop_assert_eq!(&fields[IF_NONE_MATCH], &tag);
            let mut answer = HeaderMap::new();
            answer.insert(ETAG, tag);
            prop_assert!(held.redo(&mut answer));
            prop_assert_eq!(&answer[ETAG], &marked);
        }

        #[test]
        fn what_names_none_of_ours_stays(line in "[ -~]{0,48}") {
            prop_assume!(!line.contains("-urm-"));
            let mut fields = HeaderMap::new();
            fields.insert(IF_NONE_MATCH, value(&line));
            let before = fields.clone();
            Held::undo(&Method::GET, GZIP, &mut fields);
            prop_assert_eq!(fields, before);
        }
    }
}
