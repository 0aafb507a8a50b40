//! What does a purge name?

use std::sync::Arc;

/// What a purge makes invisible: everything that carries it.
///
/// The numbers are digests of 128 bits, the same on every node; digests of different kinds need not differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Known from the request alone: its URI, its user.
    Own(u128),
    /// Known only from the value: a label, the name of a key.
    Group(u128),
    /// Every key whose name begins so.
    Prefix(Arc<str>),
}

impl Subject {
    pub(super) fn is_prefix(&self) -> bool {
        matches!(self, Self::Prefix(_))
    }
}

/// All by which one value can be purged.
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// What the request alone gives.
    pub own: &'a [u128],
    /// What only the value knows.
    pub groups: &'a [u128],
    /// The name of its key, which prefixes are held against.
    pub name: &'a str,
}

impl Labels<'_> {
    /// Own and group subjects; prefixes are those of a table.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let own = self.own.iter().copied().map(Subject::Own);
        own.chain(self.groups.iter().copied().map(Subject::Group))
    }
}
