//! What is a key called, from the root down?

use std::fmt::Write as _;

/// One step from a value to a value within it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

/// Writes a path as messages show it: `routes.product.methods[2]`. A key that has a dot or a space is quoted.
pub(crate) fn write(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        push(&mut text, step);
    }
    text
}

/// Adds one step to a written path.
pub(crate) fn push(text: &mut String, step: &Step) {
    // Writing to a `String` cannot fail.
    let _ = match step {
        Step::Index(index) => write!(text, "[{index}]"),
        Step::Key(key) => {
            let dot = if text.is_empty() { "" } else { "." };
            if key.is_empty() || key.contains(['.', ' ', '[', '"']) {
                write!(text, "{dot}{key:?}")
            } else {
                write!(text, "{dot}{key}")
            }
        }
    };
}

/// The steps of a written path, as rules and callers name keys. Quoted keys are not understood: no rule is about one.
pub(crate) fn read(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in text.split('.').filter(|part| !part.is_empty()) {
        let (key, indexes) = part.split_once('[').unwrap_or((part, ""));
        steps.push(Step::Key(key.to_owned()));
        let indexes = indexes.split('[').map(|index| index.trim_end_matches(']'));
        steps.extend(indexes.filter_map(|index| index.parse().ok().map(Step::Index)));
    }
    steps
}

/// Every path above `key`, nearest first: `a.b[1]` has `a.b` and `a`.
pub(crate) fn above(key: &str) -> impl Iterator<Item = &str> {
    key.char_indices()
        .rev()
        .filter(|(_, c)| matches!(c, '.' | '['))
        .map(|(at, _)| &key[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_and_read() {
        let steps = [
            Step::Key("routes".into()),
            Step::Key("a-b".into()),
            Step::Key("rules".into()),
            Step::Index(2),
            Step::Key("when".into()),
        ];
        assert_eq!(write(&steps), "routes.a-b.rules[2].when");
        assert_eq!(read("routes.a-b.rules[2].when"), steps);
        assert_eq!(
            write(&[Step::Key("a.b".into()), Step::Key(String::new())]),
            r#""a.b"."""#
        );
    }

    #[test]
    fn above_a_key_are_its_tables() {
        assert_eq!(
            above("a.b[1].c").collect::<Vec<_>>(),
            ["a.b[1]", "a.b", "a"]
        );
        assert_eq!(above("a").count(), 0);
    }
}
