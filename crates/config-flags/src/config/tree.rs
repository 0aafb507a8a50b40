//! What was written, before it has a type: values with their places.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::origin::Origin;
use super::path::Step;

/// The entries of a table, in the order of their names: the same in which a `BTreeMap` of the settings has them.
pub(crate) type Table = BTreeMap<String, Node>;

/// One value, with the place where it (and its key) was written.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) at: Origin,
    pub(crate) key_at: Origin,
    /// Told already: readers pass over it, and the default stands in.
    pub(crate) hole: Cell<bool>,
    /// Set by the walk: no message may show it.
    pub(crate) secret: bool,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// A YAML plain scalar or a TOML date: its writing decides the type, but where a text is wanted it stays as it was
    /// written.
    Plain(String, Box<Kind>),
    /// The text of a variable or a flag: takes the type that the schema asks for.
    Words(String),
    List(Vec<Node>),
    Table(Table),
    /// Put there by the walk, from milliseconds or a text.
    Duration(Duration),
}

impl Kind {
    /// What a message calls such a value; never the value itself.
    pub(crate) fn found(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Text(_) | Self::Words(_) => "a text",
            Self::Plain(_, inner) => inner.found(),
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Duration(_) => "a duration",
        }
    }
}

impl Node {
    pub(crate) fn new(kind: Kind, at: Origin) -> Self {
        Self {
            kind,
            at,
            key_at: at,
            hole: Cell::new(false),
            secret: false,
        }
    }

    pub(crate) fn table(at: Origin) -> Self {
        Self::new(Kind::Table(Table::new()), at)
    }

    /// `text` at the end of the tables that `keys` name.
    pub(crate) fn nested<'k>(
        keys: impl DoubleEndedIterator<Item = &'k str>,
        text: String,
        at: Origin,
    ) -> Self {
        keys.rev()
            .fold(Self::new(Kind::Words(text), at), |inner, key| {
                let table = Table::from([(key.to_owned(), inner)]);
                Self::new(Kind::Table(table), at)
            })
    }

    pub(crate) fn is_table(&self) -> bool {
        matches!(self.kind, Kind::Table(_))
    }

    pub(crate) fn is_hole(&self) -> bool {
        self.hole.get()
    }

    /// The value one step below.
    pub(crate) fn child(&self, step: &Step) -> Option<&Self> {
        match (&self.kind, step) {
            (Kind::Table(table), Step::Key(key)) => table.get(key),
            (Kind::List(list), Step::Index(index)) => list.get(*index),
            _ => None,
        }
    }

    /// The value at the end of `steps`, or the deepest table on the way there and `false`.
    pub(crate) fn deepest(&self, steps: &[Step]) -> (&Self, bool) {
        let mut node = self;
        for step in steps {
            match node.child(step) {
                Some(child) => node = child,
                None => return (node, false),
            }
        }
        (node, true)
    }
}

/// Never a value: nobody knows yet which of them are secrets.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Table(table) => f.debug_map().entries(table).finish(),
            Kind::List(list) => f.debug_list().entries(list).finish(),
            other => f.write_str(other.found()),
        }
    }
}

/// A name as it is compared: case and `-` or `_` make no difference.
pub(crate) fn normal(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b == b'-' || b.is_ascii_uppercase()) {
        Cow::Owned(name.replace('-', "_").to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
