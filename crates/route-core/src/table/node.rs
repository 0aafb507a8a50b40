//! What is read of a tree at one place: where it leads, and the text that leads there.

use crate::matched::Captures;

use super::words::{are_same, segment_end};

/// No node, no leaf.
pub(super) const NONE: u32 = u32::MAX;

/// A node in 64 bytes, which are one cache line. Whatever the table's size, a step costs one.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(super) struct Node {
    pub(super) parent: u32,
    /// Where the path ends here.
    pub(super) leaf: u32,
    /// Where anything may follow.
    pub(super) catch_all: u32,
    /// The child whose first segment is a parameter.
    pub(super) parameter: u32,
    /// The child that [`Texts`] tells of; where it tells of several, the node's own number.
    pub(super) text: u32,
    pub(super) texts: Texts,
    pub(super) label: Label,
}

const _: () = assert!(size_of::<Node>() == 64, "a node is a cache line");

/// What children with a text for their first segment a node has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Texts {
    None,
    /// One, which is compared.
    One,
    /// Several, among which a hash decides.
    Many,
    /// The node's label did not fit: one child goes on with it, wherever in a segment that is.
    Label,
}

impl Node {
    pub(super) fn new(parent: u32) -> Self {
        Self {
            parent,
            leaf: NONE,
            catch_all: NONE,
            parameter: NONE,
            text: NONE,
            texts: Texts::None,
            label: Label::default(),
        }
    }
}

/// What all templates below a node have in common behind its parent: texts and parameters, in pieces.
///
/// A piece is a byte that says how long its text is and whether a parameter follows it, and the text.
/// Each label begins with a slash, and ends before one or where paths end.
#[derive(Clone, Copy)]
pub(super) struct Label {
    len: u8,
    bytes: [u8; Self::BYTES],
}

/// A parameter follows the piece's text.
const PARAMETER: u8 = 1 << 7;

impl Default for Label {
    fn default() -> Self {
        Self {
            len: 0,
            bytes: [0; Self::BYTES],
        }
    }
}

impl Label {
    /// What a node has room for.
    const BYTES: usize = 42;

    /// Adds `text` and maybe a parameter as far as there is room, and returns how much of the text
    /// there was room for; None where not even the parameter had any.
    pub(super) fn push(&mut self, text: &[u8], parameter: bool) -> Option<usize> {
        let start = usize::from(self.len);
        let room = Self::BYTES.checked_sub(start + 1)?;
        let taken = text.len().min(room);
        let parameter = parameter && taken == text.len();
        if taken == 0 && !parameter {
            return None;
        }
        let taken_byte = u8::try_from(taken).ok()?;
        self.bytes[start] = taken_byte | if parameter { PARAMETER } else { 0 };
        self.bytes[start + 1..=start + taken].copy_from_slice(&text[..taken]);
        self.len += taken_byte + 1;
        Some(taken)
    }

    /// Follows the label in `path` from `at`, notes what its parameters stand for, and returns where it
    /// ends; None where the path is another one.
    #[expect(
        clippy::inline_always,
        reason = "the tree's loop, in which it stands once, is without a call"
    )]
    #[inline(always)]
    pub(super) fn follow(
        &self,
        path: &[u8],
        mut at: usize,
        captures: &mut Captures,
    ) -> Option<usize> {
        let mut left = self.bytes.get(..usize::from(self.len))?;
        while let [head, rest @ ..] = left {
            let (text, rest) = rest.split_at_checked(usize::from(head & !PARAMETER))?;
            let behind = at + text.len();
            if !are_same(path.get(at..behind)?, text) {
                return None;
            }
            at = behind;
            if head & PARAMETER != 0 {
                at = segment_end(path, behind);
                if at == behind {
                    return None;
                }
                captures.push(behind, at);
            }
            left = rest;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(pieces: &[(&str, bool)]) -> Label {
        let mut label = Label::default();
        for (text, parameter) in pieces {
            assert_eq!(label.push(text.as_bytes(), *parameter), Some(text.len()));
        }
        label
    }

    #[track_caller]
    fn check(label: &Label, path: &str, end: Option<usize>, values: &[&str]) {
        let mut captures = Captures::default();
        assert_eq!(label.follow(path.as_bytes(), 0, &mut captures), end);
        assert_eq!(captures.values(path).collect::<Vec<_>>(), values);
    }

    #[test]
    fn a_label_is_followed_to_its_end() {
        let label = label(&[("/users/", true), ("/keys", false)]);
        check(&label, "/users/ann/keys", Some(15), &["ann"]);
        check(&label, "/users/ann/keys/1", Some(15), &["ann"]);
        check(&label, "/users/ann/key", None, &["ann"]);
        check(&label, "/users//keys", None, &[]);
        check(&label, "/user", None, &[]);
        check(&label, "/users/a/keys", Some(13), &["a"]);
        check(&label, "/users/a\0\0\0", None, &["a\0\0\0"]);
        check(&Label::default(), "/a", Some(0), &[]);
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let mut label = Label::default();
        let long = "/".to_owned() + &"a".repeat(50);
        assert_eq!(label.push(long.as_bytes(), true), Some(Label::BYTES - 1));
        assert_eq!(label.push(b"a", false), None);
        check(&label, &long, Some(Label::BYTES - 1), &[]);

        let mut label = Label::default();
        let fits = "a".repeat(Label::BYTES - 2);
        assert_eq!(label.push(fits.as_bytes(), false), Some(fits.len()));
        // There is room for the head of a piece, and for nothing in it.
        assert_eq!(label.push(b"a", false), None);
        assert_eq!(label.push(b"", true), Some(0));
    }
}
