//! Which values has a purge made invisible?
//!
//! Each purge gets a number. A value knows the number at which its *fetch* began (or at which it was
//! last found visible), and is purged when one of its tags, a ban or the floor has a higher one. So a
//! purge of any size returns at once, a fetch that a purge overtakes is not kept, and nothing is
//! compared with clocks.
//!
//! Only what was purged is in the table. The tags that a key alone gives (its own, its resource's, its
//! user's) enter only while something under them is held or being fetched, which a counting filter
//! knows: so unsafe traffic on what nobody caches costs nothing. When the table is full its oldest
//! half gives way to one floor under everything, which drops more, never less.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use parking_lot::RwLock;

use crate::invalidation::Tag;
use crate::key::{self, CacheKey};

/// At most this many purged tags are remembered apart.
const TAGS_MAX: usize = 65_536;
/// At most this many purged prefixes are; each costs a comparison for every value after a purge.
const BANS_MAX: usize = 64;

/// What is purged: the digest of a label, or a number of this store's for what a key alone gives.
type Name = u128;

/// The numbers of what a key alone gives. Collisions drop more, never less, and nobody outside can
/// aim at one: the hasher is seeded.
#[derive(Clone, Copy, Debug)]
struct OwnNames {
    /// Of the key's name, in every space and variant.
    name: u64,
    resource: Option<u64>,
    user: Option<u64>,
}

impl OwnNames {
    fn each(self) -> impl Iterator<Item = Name> {
        [
            Some(named(0, self.name)),
            self.resource.map(|hash| named(1, hash)),
            self.user.map(|hash| named(2, hash)),
        ]
        .into_iter()
        .flatten()
    }
}

/// Kinds do not meet; neither do they meet digests, but by a chance of one in 2^61.
fn named(kind: u128, hash: u64) -> Name {
    (kind << 64) | u128::from(hash)
}

#[derive(Debug)]
struct Purged {
    number: u64,
    /// Only the filter's word keeps it in the table.
    own: bool,
}

#[derive(Debug, Default)]
struct Table {
    floor: u64,
    tags: HashMap<Name, Purged, foldhash::fast::RandomState>,
    bans: Vec<(String, u64)>,
}

/// The purges of one store.
#[derive(Debug)]
pub(super) struct Purges {
    /// The number of the last purge.
    last: AtomicU64,
    table: RwLock<Table>,
    /// How many values and fetches there are under the tags that fall on each cell.
    filter: Box<[AtomicU32]>,
    tags_max: usize,
    hasher: foldhash::quality::RandomState,
}

/// A value or a fetch that is counted in the filter until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    purges: Arc<Purges>,
    own: OwnNames,
}

impl Drop for Held {
    fn drop(&mut self) {
        for name in self.own.each() {
            self.purges.cell(name).fetch_sub(1, SeqCst);
        }
    }
}

impl Purges {
    /// For a store of about so many values.
    pub(super) fn new(values: usize) -> Arc<Self> {
        Arc::new(Self::with_tags_max(values, TAGS_MAX))
    }

    fn with_tags_max(values: usize, tags_max: usize) -> Self {
        let cells = values
            .saturating_mul(4)
            .clamp(1024, 1 << 16)
            .next_power_of_two();
        Self {
            last: AtomicU64::new(0),
            table: RwLock::default(),
            filter: (0..cells).map(|_| AtomicU32::new(0)).collect(),
            tags_max,
            hasher: foldhash::quality::RandomState::default(),
        }
    }

    fn cell(&self, name: Name) -> &AtomicU32 {
        &self.filter[name as usize & (self.filter.len() - 1)]
    }

    /// The hash of a key, which its shard and its place go by too.
    pub(super) fn hash(&self, key: &CacheKey) -> u64 {
        self.hasher.hash_one(key)
    }

    fn hash_of_resource(&self, resource: &str) -> u64 {
        self.hasher.hash_one(resource.trim_end_matches('/'))
    }

    fn own(&self, key: &CacheKey) -> OwnNames {
        OwnNames {
            name: self.hasher.hash_one(key.name()),
            resource: key
                .resource()
                .map(|resource| self.hash_of_resource(resource)),
            user: key.user_prefix().map(|prefix| self.hasher.hash_one(prefix)),
        }
    }

    /// Begins a fetch: counted first, numbered then, so that no purge falls in between.
    pub(super) fn begin(self: &Arc<Self>, key: &CacheKey) -> (u64, Held) {
        let own = self.own(key);
        for name in own.each() {
            self.cell(name).fetch_add(1, SeqCst);
        }
        let held = Held {
            purges: Arc::clone(self),
            own,
        };
        (self.last.load(SeqCst), held)
    }

    /// Whether a purge after `number` concerns a key or one of these labels.
    pub(super) fn is_purged_since(&self, number: u64, key: &CacheKey, labels: &[Tag]) -> bool {
        self.last.load(SeqCst) != number
            && self
                .visible_as(number, key, self.own(key), labels)
                .is_none()
    }

    /// Whether what was visible at `number` still is; if so, the number at which it was seen to be.
    pub(super) fn visible(
        &self,
        number: u64,
        key: &CacheKey,
        held: &Held,
        labels: &[Tag],
    ) -> Option<u64> {
        if self.last.load(SeqCst) == number {
            return Some(number);
        }
        self.visible_as(number, key, held.own, labels)
    }

    fn visible_as(
        &self,
        number: u64,
        key: &CacheKey,
        own: OwnNames,
        labels: &[Tag],
    ) -> Option<u64> {
        let last = self.last.load(SeqCst);
        let table = self.table.read();
        if table.floor > number {
            return None;
        }
        let labels = labels.iter().map(|label| label.number());
        let mut tags = own.each().chain(labels);
        let newer = |tag| {
            table
                .tags
                .get(&tag)
                .is_some_and(|purged| purged.number > number)
        };
        if tags.any(newer) {
            return None;
        }
        let banned = |(prefix, banned): &(String, u64)| {
            *banned > number && key.name().starts_with(prefix.as_str())
        };
        if table.bans.iter().any(banned) {
            return None;
        }
        Some(last)
    }

    /// Purges every variant under a key's name, in every space.
    pub(super) fn purge_name(&self, name: &str) {
        self.purge_own(named(0, self.hasher.hash_one(name)));
    }

    /// Purges a resource by origin and path; a slash at its end does not matter.
    pub(super) fn purge_resource(&self, resource: &str) {
        self.purge_own(named(1, self.hash_of_resource(resource)));
    }

    /// Purges all that is one user's.
    pub(super) fn purge_user(&self, user: &str) {
        let mut prefix = String::new();
        key::push_user(&mut prefix, user);
        self.purge_own(named(2, self.hasher.hash_one(prefix.as_str())));
    }

    /// What a key alone gives needs no entry while nothing is held or being fetched under it.
    fn purge_own(&self, name: Name) {
        if self.cell(name).load(SeqCst) > 0 {
            self.purge(name, true);
        }
    }

    /// Purges a label, which only values know.
    pub(super) fn purge_label(&self, label: Tag) {
        self.purge(label.number(), false);
    }

    fn purge(&self, tag: Name, own: bool) {
        let mut table = self.table.write();
        if table.tags.len() >= self.tags_max && !table.tags.contains_key(&tag) {
            self.shrink(&mut table);
        }
        let number = self.last.load(SeqCst) + 1;
        table.tags.insert(tag, Purged { number, own });
        // Told last: who sees the number finds the tag in the table.
        self.last.store(number, SeqCst);
    }

    /// Purges every name that begins so.
    pub(super) fn ban(&self, prefix: &str) {
        let mut table = self.table.write();
        table.bans.retain(|(banned, _)| banned != prefix);
        if table.bans.len() == BANS_MAX {
            let gone = table.bans.drain(..BANS_MAX / 2);
            let floor = gone.map(|(_, number)| number).max().unwrap_or_default();
            table.floor = table.floor.max(floor);
        }
        let number = self.last.load(SeqCst) + 1;
        table.bans.push((prefix.to_owned(), number));
        self.last.store(number, SeqCst);
    }

    /// Purges everything.
    pub(super) fn purge_all(&self) {
        let mut table = self.table.write();
        let number = self.last.load(SeqCst) + 1;
        table.floor = number;
        table.tags.clear();
        table.bans.clear();
        self.last.store(number, SeqCst);
    }

    /// Lets go of tags under which nothing is held any more.
    pub(super) fn sweep(&self) {
        if !self.table.read().tags.is_empty() {
            self.forget_unheld(&mut self.table.write());
        }
    }

    fn forget_unheld(&self, table: &mut Table) {
        table
            .tags
            .retain(|tag, purged| !purged.own || self.cell(*tag).load(SeqCst) > 0);
    }

    fn shrink(&self, table: &mut Table) {
        self.forget_unheld(table);
        let keep = self.tags_max / 2;
        if table.tags.len() <= keep {
            return;
        }
        let mut numbers: Vec<u64> = table.tags.values().map(|purged| purged.number).collect();
        let gone = numbers.len() - keep - 1;
        let (_, floor, _) = numbers.select_nth_unstable(gone);
        let floor = *floor;
        table.tags.retain(|_, purged| purged.number > floor);
        table.floor = table.floor.max(floor);
    }

    /// How many tags and bans are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        let table = self.table.read();
        table.tags.len() + table.bans.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> CacheKey {
        CacheKey::new("space", name)
    }

    #[test]
    fn a_fetch_is_overtaken_by_what_is_purged_after_it_began() {
        let purges = Purges::new(10);
        let (a, b) = (key("a"), key("b"));
        let (number, held) = purges.begin(&a);
        assert_eq!(purges.visible(number, &a, &held, &[]), Some(0));
        let (other, other_held) = purges.begin(&b);
        purges.purge_name("a");
        assert_eq!(purges.visible(number, &a, &held, &[]), None);
        assert_eq!(purges.visible(other, &b, &other_held, &[]), Some(1));
        let (later, held) = purges.begin(&a);
        assert_eq!(purges.visible(later, &a, &held, &[]), Some(1));
    }

    #[test]
    fn labels_bans_and_the_floor_count_too() {
        let purges = Purges::new(10);
        let a = key("user:1:a");
        let (number, held) = purges.begin(&a);
        let label = Tag::label("x");
        purges.purge_label(label);
        assert_eq!(purges.visible(number, &a, &held, &[]), Some(1));
        assert_eq!(purges.visible(number, &a, &held, &[label]), None);
        purges.ban("user:2:");
        assert_eq!(purges.visible(number, &a, &held, &[]), Some(2));
        purges.ban("user:1:");
        assert_eq!(purges.visible(number, &a, &held, &[]), None);
        let (number, held) = purges.begin(&a);
        purges.purge_all();
        assert_eq!(purges.visible(number, &a, &held, &[]), None);
    }

    #[test]
    fn what_nobody_holds_leaves_no_trace() {
        let purges = Purges::new(10);
        purges.purge_resource("http://h/a");
        purges.purge_user("a");
        assert_eq!(purges.remembered(), 0);
        let (_, held) = purges.begin(&key("a"));
        purges.purge_name("a");
        purges.sweep();
        assert_eq!(purges.remembered(), 1);
        drop(held);
        purges.sweep();
        assert_eq!(purges.remembered(), 0);
    }

    #[test]
    fn a_full_table_drops_more_and_never_less() {
        let purges = Arc::new(Purges::with_tags_max(10, 8));
        let kept: Vec<_> = (0..100)
            .map(|name| {
                let key = key(&name.to_string());
                let (number, held) = purges.begin(&key);
                purges.purge_label(Tag::label(&name.to_string()));
                (name, key, number, held)
            })
            .collect();
        assert!(purges.remembered() <= 8);
        for (name, key, number, held) in &kept {
            let label = Tag::label(&name.to_string());
            assert_eq!(purges.visible(*number, key, held, &[label]), None, "{name}");
        }
        for ban in 0..200 {
            purges.ban(&ban.to_string());
        }
        assert!(purges.remembered() <= 8 + BANS_MAX);
        assert_eq!(purges.visible(100, &key("3"), &kept[3].3, &[]), None);
    }
}
