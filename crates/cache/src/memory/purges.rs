//! Which values has a purge made invisible?
//!
//! Each purge gets a number. A value knows the number at which its *fetch* began (or at which it was
//! last found visible), and is purged when one of its tags, a ban or the floor has a higher one. So a
//! purge of any size returns at once, a fetch that a purge overtakes is not kept, and nothing is
//! compared with clocks.
//!
//! A *soft* purge has a number like any other, and the moment in which it came: what it names, and what
//! is being fetched then, stays visible and is stale from that moment on. Of several the last counts for
//! a value that nobody looked up in between.
//!
//! Only what was purged is in the table. The tags that a key alone gives (its own, its resource's, its
//! user's) enter only while something under them is held or being fetched, which a counting filter
//! knows: so unsafe traffic on what nobody caches costs nothing. When the table is full its oldest
//! half gives way to one floor under everything, which drops more, never less.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use parking_lot::RwLock;

use crate::invalidation::Tag;
use crate::key::{self, CacheKey};
use table::{Name, Table};

pub(super) use table::{Effect, Verdict};

mod table;

/// At most this many purged tags are remembered apart.
const TAGS_MAX: usize = 65_536;

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

    /// Whether a purge after `number` concerns a key or one of these labels, a soft one too.
    pub(super) fn is_purged_since(&self, number: u64, key: &CacheKey, labels: &[Tag]) -> bool {
        self.last() != number
            && !matches!(
                self.judged(number, key, self.own(key), labels),
                Verdict::Visible(_)
            )
    }

    /// The number of the last purge: a value that has it is visible.
    pub(super) fn last(&self) -> u64 {
        self.last.load(SeqCst)
    }

    /// What the purges since `number` make of a value.
    pub(super) fn judge(
        &self,
        number: u64,
        key: &CacheKey,
        held: &Held,
        labels: &[Tag],
    ) -> Verdict {
        if self.last() == number {
            return Verdict::Visible(number);
        }
        self.judged(number, key, held.own, labels)
    }

    fn judged(&self, number: u64, key: &CacheKey, own: OwnNames, labels: &[Tag]) -> Verdict {
        let last = self.last();
        let tags = own.each().chain(labels.iter().map(|label| label.number()));
        self.table.read().judge((number, last), key.name(), tags)
    }

    /// Purges every variant under a key's name, in every space.
    pub(super) fn purge_name(&self, name: &str, effect: Effect) {
        self.purge_own(named(0, self.hasher.hash_one(name)), effect);
    }

    /// Purges a resource by origin and path; a slash at its end does not matter.
    pub(super) fn purge_resource(&self, resource: &str, effect: Effect) {
        self.purge_own(named(1, self.hash_of_resource(resource)), effect);
    }

    /// Purges all that is one user's.
    pub(super) fn purge_user(&self, user: &str, effect: Effect) {
        let mut prefix = String::new();
        key::push_user(&mut prefix, user);
        self.purge_own(named(2, self.hasher.hash_one(prefix.as_str())), effect);
    }

    /// What a key alone gives needs no entry while nothing is held or being fetched under it.
    fn purge_own(&self, name: Name, effect: Effect) {
        if self.cell(name).load(SeqCst) > 0 {
            self.purge(name, true, effect);
        }
    }

    /// Purges a label, which only values know.
    pub(super) fn purge_label(&self, label: Tag, effect: Effect) {
        self.purge(label.number(), false, effect);
    }

    fn purge(&self, tag: Name, own: bool, effect: Effect) {
        self.numbered(|table, number| {
            if table.tags() >= self.tags_max && !table.knows(tag) {
                self.forget_unheld(table);
                table.shrink(self.tags_max / 2);
            }
            table.mark(tag, own, number, effect);
        });
    }

    /// Purges every name that begins so.
    pub(super) fn ban(&self, prefix: &str, effect: Effect) {
        if prefix.is_empty() {
            self.purge_all(effect);
        } else {
            self.numbered(|table, number| table.ban(prefix, number, effect));
        }
    }

    /// Purges everything.
    pub(super) fn purge_all(&self, effect: Effect) {
        self.numbered(|table, number| table.mark_all(number, effect));
    }

    fn numbered(&self, enter: impl FnOnce(&mut Table, u64)) {
        let mut table = self.table.write();
        let number = self.last() + 1;
        enter(&mut table, number);
        // Told last: who sees the number finds the purge in the table.
        self.last.store(number, SeqCst);
    }

    /// Lets go of tags under which nothing is held any more.
    pub(super) fn sweep(&self) {
        if self.table.read().tags() > 0 {
            self.forget_unheld(&mut self.table.write());
        }
    }

    fn forget_unheld(&self, table: &mut Table) {
        table.forget(|tag| self.cell(tag).load(SeqCst) > 0);
    }

    /// How many tags and bans are remembered.
    #[cfg(test)]
    fn remembered(&self) -> usize {
        let table = self.table.read();
        table.tags() + table.bans()
    }
}

#[cfg(test)]
mod tests {
    use super::table::BANS_MAX;
    use super::*;
    use std::time::{Duration, Instant};

    use Effect::{Hard, Soft};
    use Verdict::{Purged, Stale, Visible};

    fn key(name: &str) -> CacheKey {
        CacheKey::new("space", name)
    }

    #[test]
    fn a_fetch_is_overtaken_by_what_is_purged_after_it_began() {
        let purges = Purges::new(10);
        let (a, b) = (key("a"), key("b"));
        let (number, held) = purges.begin(&a);
        assert_eq!(purges.judge(number, &a, &held, &[]), Visible(0));
        let (other, other_held) = purges.begin(&b);
        purges.purge_name("a", Hard);
        assert_eq!(purges.judge(number, &a, &held, &[]), Purged);
        assert_eq!(purges.judge(other, &b, &other_held, &[]), Visible(1));
        let (later, held) = purges.begin(&a);
        assert_eq!(purges.judge(later, &a, &held, &[]), Visible(1));
    }

    #[test]
    fn labels_bans_and_the_floor_count_too() {
        let purges = Purges::new(10);
        let a = key("user:1:a");
        let (number, held) = purges.begin(&a);
        let label = Tag::label("x");
        purges.purge_label(label, Hard);
        assert_eq!(purges.judge(number, &a, &held, &[]), Visible(1));
        assert_eq!(purges.judge(number, &a, &held, &[label]), Purged);
        purges.ban("user:2:", Hard);
        assert_eq!(purges.judge(number, &a, &held, &[]), Visible(2));
        purges.ban("user:1:", Hard);
        assert_eq!(purges.judge(number, &a, &held, &[]), Purged);
        let (number, held) = purges.begin(&a);
        purges.purge_all(Hard);
        assert_eq!(purges.judge(number, &a, &held, &[]), Purged);
    }

    #[test]
    fn what_nobody_holds_leaves_no_trace() {
        let purges = Purges::new(10);
        purges.purge_resource("http://h/a", Hard);
        purges.purge_user("a", Hard);
        assert_eq!(purges.remembered(), 0);
        let (_, held) = purges.begin(&key("a"));
        purges.purge_name("a", Hard);
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
                purges.purge_label(Tag::label(&name.to_string()), Hard);
                (name, key, number, held)
            })
            .collect();
        assert!(purges.remembered() <= 8);
        for (name, key, number, held) in &kept {
            let label = Tag::label(&name.to_string());
            assert_eq!(purges.judge(*number, key, held, &[label]), Purged, "{name}");
        }
        for ban in 0..200 {
            purges.ban(&ban.to_string(), Hard);
        }
        assert!(purges.remembered() <= 8 + BANS_MAX);
        assert_eq!(purges.judge(100, &key("3"), &kept[3].3, &[]), Purged);
    }

    #[test]
    fn a_soft_purge_makes_stale_and_a_hard_one_outranks_it() {
        let purges = Purges::new(10);
        let a = key("user:1:a");
        let label = Tag::label("x");
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let (number, held) = purges.begin(&a);
        purges.purge_label(label, Soft(now));
        assert_eq!(purges.judge(number, &a, &held, &[]), Visible(1));
        assert_eq!(purges.judge(number, &a, &held, &[label]), Stale(1, now));
        assert_eq!(purges.judge(1, &a, &held, &[label]), Visible(1));
        assert!(purges.is_purged_since(number, &a, &[label]));
        purges.ban("user:1:", Soft(later));
        assert_eq!(purges.judge(number, &a, &held, &[label]), Stale(2, now));
        assert_eq!(purges.judge(1, &a, &held, &[label]), Stale(2, later));
        purges.ban("user:1:", Hard);
        assert_eq!(purges.judge(number, &a, &held, &[label]), Purged);
        assert_eq!(purges.judge(3, &a, &held, &[label]), Visible(3));
        purges.ban("user:1:", Soft(later));
        assert_eq!(
            purges.judge(2, &a, &held, &[]),
            Purged,
            "the hard one stays"
        );
        assert_eq!(purges.judge(3, &a, &held, &[]), Stale(4, later));
    }

    #[test]
    fn an_empty_prefix_is_everything() {
        let purges = Purges::new(10);
        let a = key("a");
        let (number, held) = purges.begin(&a);
        let now = Instant::now();
        purges.ban("", Soft(now));
        assert_eq!(purges.judge(number, &a, &held, &[]), Stale(1, now));
        purges.ban("", Hard);
        assert_eq!(purges.judge(1, &a, &held, &[]), Purged);
        assert_eq!(purges.remembered(), 0);
    }

    #[test]
    fn soft_purges_that_give_way_make_stale_and_drop_nothing() {
        let purges = Arc::new(Purges::with_tags_max(10, 8));
        let now = Instant::now();
        let a = key("a");
        let (number, held) = purges.begin(&a);
        for name in 0..100 {
            purges.purge_label(Tag::label(&name.to_string()), Soft(now));
        }
        for ban in 0..200 {
            purges.ban(&format!("b{ban}"), Soft(now));
        }
        assert!(purges.remembered() <= 8 + BANS_MAX);
        let verdict = purges.judge(number, &a, &held, &[Tag::label("0")]);
        assert_eq!(verdict, Stale(300, now));
    }
}
