//! Which purges must a value have seen?
//!
//! Each purge of a subject has an index; a fetch knows the indices that were there when it began, and so it is known of
//! each value which purges it must not outlive. The nodes know nothing of these.

use crate::fleet::{Labels, Subject};

pub(super) const SUBJECTS: usize = 6;
pub(super) const KEYS: usize = 2;
/// Of key 0, of key 1, and of both.
pub(super) const G0: usize = 0;
pub(super) const U0: usize = 1;
pub(super) const G1: usize = 2;
pub(super) const U1: usize = 3;
pub(super) const G: usize = 4;
pub(super) const P0: usize = 5;
pub(super) const NAMES: [&str; KEYS] = ["a/0", "b/1"];

pub(super) fn subject(index: usize) -> Subject {
    match index {
        U0 | U1 => Subject::Own(index as u128),
        P0 => Subject::Prefix("a/".into()),
        _ => Subject::Group(index as u128),
    }
}

pub(super) fn carried_by(key: usize) -> &'static [usize] {
    [&[G0, U0, G, P0][..], &[G1, U1, G][..]][key]
}

pub(super) fn own(key: usize) -> [u128; 1] {
    [[U0 as u128], [U1 as u128]][key]
}

pub(super) fn with_labels<T>(key: usize, then: impl FnOnce(&Labels<'_>) -> T) -> T {
    let groups = [[G0 as u128, G as u128], [G1 as u128, G as u128]][key];
    then(&Labels {
        own: &own(key),
        groups: &groups,
        name: NAMES[key],
    })
}

/// The last purge of each subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(pub(super) [u32; SUBJECTS]);

impl Seen {
    pub(super) fn join(&mut self, other: Self) {
        for (mine, other) in self.0.iter_mut().zip(other.0) {
            *mine = (*mine).max(other);
        }
    }
}

#[track_caller]
pub(super) fn check(key: usize, saw: Seen, must: Seen, what: &str) {
    for index in carried_by(key) {
        assert!(
            saw.0[*index] >= must.0[*index],
            "{what}: key {key} saw purge {} of {:?}, not {}",
            saw.0[*index],
            subject(*index),
            must.0[*index],
        );
    }
}
