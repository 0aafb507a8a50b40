//! Which names of cookies and parameters does a route mean?
//!
//! A pattern is a name in which `*` stands for any letters, or none: `utm_*`, `*_id`, `_g*_v`. Names are
//! compared as they are written, their case too, and nothing is decoded.

use std::borrow::Cow;

use validator::ValidationError;

/// At most this many patterns are in a list, because each is tried on each name of a request.
const PATTERNS_MAX: usize = 64;
/// No pattern is longer, in bytes.
const PATTERN_BYTES_MAX: usize = 128;

/// Some names, each by a pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Names(Box<[Pattern]>);

/// What stands before, between and after the stars of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    start: Box<[u8]>,
    /// What follows each star, the last one's at the end of a name; none: the name is `start`.
    after: Box<[Box<[u8]>]>,
}

impl Names {
    pub(crate) fn compile(patterns: &[String]) -> Self {
        Self(patterns.iter().map(|text| Pattern::compile(text)).collect())
    }

    pub(crate) fn contain(&self, name: &[u8]) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

impl Pattern {
    fn compile(text: &str) -> Self {
        let mut pieces = text.split('*').map(|piece| Box::from(piece.as_bytes()));
        Self {
            start: pieces.next().unwrap_or_default(),
            after: pieces.collect(),
        }
    }

    fn matches(&self, name: &[u8]) -> bool {
        let Some((end, between)) = self.after.split_last() else {
            return name == &*self.start;
        };
        let rest = name.strip_prefix(&*self.start);
        let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(&**end)) else {
            return false;
        };
        // The first place is the best one: it leaves the most to what comes after.
        for piece in between.iter().filter(|piece| !piece.is_empty()) {
            let mut windows = rest.windows(piece.len());
            let Some(at) = windows.position(|window| window == &**piece) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        true
    }
}

/// Refuses a list that is too long, and a pattern that no name can match because it is empty or has blanks,
/// controls or one of `separators` in it.
pub(crate) fn validate(patterns: &[String], separators: &[u8]) -> Result<(), ValidationError> {
    let refused =
        |code, message: String| Err(ValidationError::new(code).with_message(Cow::Owned(message)));
    if patterns.len() > PATTERNS_MAX {
        return refused("length", format!("at most {PATTERNS_MAX} names"));
    }
    for pattern in patterns {
        if pattern.is_empty() || pattern.len() > PATTERN_BYTES_MAX {
            let message = format!("each name must have 1 to {PATTERN_BYTES_MAX} bytes");
            return refused("length", message);
        }
        let is_odd = |byte: &u8| !byte.is_ascii_graphic() || separators.contains(byte);
        if let Some(odd) = pattern.bytes().find(|byte| is_odd(byte)) {
            let message = format!(
                "{pattern:?}: no name has a {:?} as a request writes it",
                char::from(odd)
            );
            return refused("name", message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let names = Names::compile(&[pattern.to_owned()]);
        for name in matching {
            assert!(names.contain(name.as_bytes()), "{pattern} is {name}");
        }
        for name in others {
            assert!(!names.contain(name.as_bytes()), "{pattern} is not {name}");
        }
    }

    #[test]
    fn a_star_stands_for_any_letters_or_none() {
        check("a", &["a"], &["", "A", "ab", "ba"]);
        check(
            "utm_*",
            &["utm_", "utm_source"],
            &["utm", "xutm_a", "UTM_a"],
        );
        check("*_id", &["_id", "a_id"], &["id", "_id_"]);
        check("*ad*", &["ad", "bad", "add"], &["", "a", "dab"]);
        check("a*a", &["aa", "aba", "aaa"], &["a", "ab"]);
        check(
            "a*b*c",
            &["abc", "a-b-c", "abbc", "abcbc"],
            &["ac", "acb", "abcb"],
        );
        check("a**b", &["ab", "axb"], &["a", "b"]);
        check("*ab*ab*", &["abab", "aababb"], &["ab", "aab", "aba"]);
        check("*", &["", "a"], &[]);
    }

    #[test]
    fn no_list_contains_nothing() {
        assert!(!Names::default().contain(b"") && !Names::default().contain(b"a"));
    }

    #[test]
    fn what_no_name_can_be_is_refused() {
        let code = |pattern: &str| {
            let error = validate(&[pattern.to_owned()], b"=;").err();
            error.map(|error| error.code.into_owned())
        };
        for pattern in ["a", "*", "__Host-a*", "a[b]"] {
            assert_eq!(code(pattern), None, "{pattern}");
        }
        assert_eq!(code(&"a".repeat(128)), None);
        for pattern in ["a b", "a=", ";", "\u{e9}", "a\n"] {
            assert_eq!(code(pattern).as_deref(), Some("name"), "{pattern}");
        }
        for pattern in ["", &"a".repeat(129)] {
            assert_eq!(code(pattern).as_deref(), Some("length"), "{pattern}");
        }
        assert!(validate(&vec!["a".to_owned(); 64], b"").is_ok());
        assert!(validate(&vec!["a".to_owned(); 65], b"").is_err());
    }

    /// The same by trying each length for each star.
    fn matches(pattern: &[u8], name: &[u8]) -> bool {
        match pattern {
            [] => name.is_empty(),
            [b'*', rest @ ..] => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
            [letter, rest @ ..] => name.first() == Some(letter) && matches(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_what_trying_all_lengths_finds(
            pattern in "[ab*]{1,7}", name in "[ab]{0,9}",
        ) {
            let expected = matches(pattern.as_bytes(), name.as_bytes());
            let names = Names::compile(&[pattern]);
            prop_assert_eq!(names.contain(name.as_bytes()), expected);
        }
    }
}
