//! What was purged when: numbers compared with numbers.

use std::collections::HashMap;
use std::time::Instant;

/// What is purged: the digest of a label, or a number of this store's for what a key alone gives.
pub(super) type Name = u128;

/// At most this many purged prefixes are remembered; each costs a comparison for every value after a purge.
pub(super) const BANS_MAX: usize = 64;

/// What a purge does to the values that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::memory) enum Effect {
    /// They are invisible.
    Hard,
    /// They are stale from that moment on.
    Soft(Instant),
}

/// What the purges since its number make of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::memory) enum Verdict {
    /// None concerns it, up to this number.
    Visible(u64),
    /// It is stale since that moment; no other purge up to this number concerns it.
    Stale(u64, Instant),
    /// It is not to be shown.
    Purged,
}

/// The last purges of one name. A soft one before a hard one says nothing more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    hard: u64,
    soft: Option<(u64, Instant)>,
}

impl Marks {
    fn set(&mut self, number: u64, effect: Effect) {
        *self = match effect {
            Effect::Hard => Self {
                hard: number,
                soft: None,
            },
            Effect::Soft(at) => Self {
                soft: Some((number, at)),
                ..*self
            },
        };
    }

    /// Takes in what another name's marks say, so that it is said of both.
    fn take_in(&mut self, other: Self) {
        self.hard = self.hard.max(other.hard);
        self.soft = self.soft.max(other.soft);
    }

    fn last(self) -> u64 {
        self.hard.max(self.soft.map_or(0, |(number, _)| number))
    }
}

#[derive(Debug)]
struct Purged {
    marks: Marks,
    /// Only the filter's word keeps it in the table.
    own: bool,
}

/// The purges that are remembered.
#[derive(Debug, Default)]
pub(super) struct Table {
    floor: Marks,
    tags: HashMap<Name, Purged, foldhash::fast::RandomState>,
    bans: Vec<(String, Marks)>,
}

impl Table {
    /// Judges a value of this number, name and tags; `last` is the number of the last purge of all.
    pub(super) fn judge(
        &self,
        (number, last): (u64, u64),
        name: &str,
        tags: impl Iterator<Item = Name>,
    ) -> Verdict {
        let tags = tags
            .filter_map(|tag| self.tags.get(&tag))
            .map(|purged| purged.marks);
        let bans = self
            .bans
            .iter()
            .filter(|(prefix, marks)| marks.last() > number && name.starts_with(prefix.as_str()))
            .map(|(_, marks)| *marks);
        let mut stale: Option<Instant> = None;
        for marks in std::iter::once(self.floor).chain(tags).chain(bans) {
            if marks.hard > number {
                return Verdict::Purged;
            }
            if let Some((_, at)) = marks.soft.filter(|(soft, _)| *soft > number) {
                stale = Some(stale.map_or(at, |since| since.min(at)));
            }
        }
        stale.map_or(Verdict::Visible(last), |since| Verdict::Stale(last, since))
    }

    pub(super) fn mark(&mut self, tag: Name, own: bool, number: u64, effect: Effect) {
        let marks = Marks::default();
        let purged = self.tags.entry(tag).or_insert(Purged { marks, own });
        purged.marks.set(number, effect);
    }

    pub(super) fn ban(&mut self, prefix: &str, number: u64, effect: Effect) {
        let known = self.bans.iter().position(|(banned, _)| banned == prefix);
        let mut marks = known.map_or_else(Marks::default, |at| self.bans.remove(at).1);
        if self.bans.len() == BANS_MAX {
            for (_, gone) in self.bans.drain(..BANS_MAX / 2) {
                self.floor.take_in(gone);
            }
        }
        marks.set(number, effect);
        self.bans.push((prefix.to_owned(), marks));
    }

    /// Marks everything.
    pub(super) fn mark_all(&mut self, number: u64, effect: Effect) {
        self.floor.set(number, effect);
        if effect == Effect::Hard {
            self.tags.clear();
            self.bans.clear();
        }
    }

    pub(super) fn knows(&self, tag: Name) -> bool {
        self.tags.contains_key(&tag)
    }

    pub(super) fn tags(&self) -> usize {
        self.tags.len()
    }

    #[cfg(test)]
    pub(super) fn bans(&self) -> usize {
        self.bans.len()
    }

    /// Lets go of what only a key gives, where nothing is held under it.
    pub(super) fn forget(&mut self, is_held: impl Fn(Name) -> bool) {
        self.tags.retain(|tag, purged| !purged.own || is_held(*tag));
    }

    /// Lets the oldest tags give way to the floor, but for `keep`.
    pub(super) fn shrink(&mut self, keep: usize) {
        if self.tags.len() <= keep {
            return;
        }
        let mut numbers: Vec<u64> = self
            .tags
            .values()
            .map(|purged| purged.marks.last())
            .collect();
        let gone = numbers.len() - keep - 1;
        let (_, newest_gone, _) = numbers.select_nth_unstable(gone);
        let (newest_gone, floor) = (*newest_gone, &mut self.floor);
        self.tags.retain(|_, purged| {
            let stays = purged.marks.last() > newest_gone;
            if !stays {
                floor.take_in(purged.marks);
            }
            stays
        });
    }
}
