//! Stored responses in this process's memory.
//!
//! Sharded by hash; bounded by bytes *and* entries over all shards together, so a value larger than a
//! shard's share still fits while it is under the bound. Everything that a request does is `O(1)`:
//! a hit takes a shared lock on one shard (an exclusive one under `lru`), an insertion evicts as many
//! values as it needs room for, a purge only gets a number. *Keep* is checked on each read, and
//! [`MemoryProvider::sweep`] frees what nobody asks for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::invalidation::{Invalidation, Tag};
use crate::key::CacheKey;
use crate::provider::{CacheProvider, CacheValue, Fetch, StoreFuture};
use crate::settings::EvictionPolicy;
use crate::stats::CacheStats;
use crate::stored::StoredResponse;
use purges::{Effect, Held, Purges, Verdict};
use shard::{Entry, Found, Inner, Shard};

mod by_route;
mod ghost;
mod lru;
mod purges;
mod s3_fifo;
mod shard;
mod tally;

/// At most this many shards; a power of two.
const SHARDS_MAX: u64 = 64;
/// A shard is worth having from so many bytes on.
const SHARD_BYTES_MIN: u64 = 1024 * 1024;
/// Or from so many values on: below, the order of eviction would mean little.
const SHARD_ENTRIES_MIN: u64 = 256;
/// How many slots of each shard one sweep looks at.
const SWEEP_SLOTS: usize = 1024;

/// How much a store in memory may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// At most this many bytes, keys and what keeps them in order counted in.
    pub bytes: u64,
    /// At most this many values.
    pub entries: u64,
    /// Which value gives way.
    pub policy: EvictionPolicy,
}

impl Default for MemoryOptions {
    /// 1,000 values of together 256 MiB at most, S3-FIFO.
    fn default() -> Self {
        Self {
            bytes: 256 * 1024 * 1024,
            entries: 1000,
            policy: EvictionPolicy::default(),
        }
    }
}

/// A store in memory, for stored responses or for values of a program's own.
pub struct MemoryProvider<V = StoredResponse> {
    shards: Box<[Shard<V>]>,
    options: MemoryOptions,
    clock: fn() -> Instant,
    bytes: AtomicU64,
    entries: AtomicU64,
    purges: Arc<Purges>,
}

/// What a store knows about one of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldValue<V> {
    /// Its key.
    pub key: CacheKey,
    /// The value.
    pub value: Arc<V>,
    /// How many bytes it takes, its key counted in.
    pub bytes: u64,
    /// How long it has been held.
    pub held: Duration,
    /// How long it will still be kept.
    pub keep: Duration,
    /// How often it was found.
    pub uses: u64,
    /// How long ago it was last found, in whole seconds; `None` if it never was.
    pub unused: Option<Duration>,
}

impl<V: CacheValue> MemoryProvider<V> {
    /// How long a value of a program's own is kept where nothing says otherwise.
    pub const KEEP: Duration = Duration::from_mins(5);

    /// An empty store; `clock` is asked at each look-up.
    pub fn new(options: MemoryOptions, clock: fn() -> Instant) -> Self {
        let useful = (options.bytes / SHARD_BYTES_MIN)
            .min(options.entries / SHARD_ENTRIES_MIN)
            .clamp(1, SHARDS_MAX);
        // The power of two at or below.
        let shards = 1 << useful.ilog2();
        let values = usize::try_from(options.entries).unwrap_or(usize::MAX);
        Self {
            shards: (0..shards).map(|_| Shard::new(options.policy)).collect(),
            options,
            clock,
            bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            purges: Purges::new(values),
        }
    }

    /// Finds the value under `key`, fresh or stale: what `get` does, without a future around it.
    pub fn find(&self, key: &CacheKey) -> Option<Arc<V>> {
        let hash = self.purges.hash(key);
        let shard = self.shard(hash);
        match shard.find(hash, key, &self.purges, (self.clock)()) {
            Found::Value(value) => return Some(value),
            Found::Over(entry) => self.release(shard, &entry),
            Found::Nothing => {}
        }
        shard.miss(key);
        None
    }

    /// Frees what is over, in a bounded number of steps: a part of each shard, from where the last
    /// sweep ended. To be called every second or so; says how many values were freed.
    pub fn sweep(&self, now: Instant) -> usize {
        let mut freed = 0;
        let mut over = Vec::new();
        for shard in &self.shards {
            let mut inner = shard.inner.write();
            inner.sweep(SWEEP_SLOTS, &self.purges, now, &mut over);
            drop(inner);
            freed += over.len();
            for entry in over.drain(..) {
                self.release(shard, &entry);
            }
        }
        self.purges.sweep();
        freed
    }

    /// How many bytes the store takes at this moment: never more than it may.
    pub fn memory_in_use(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// What the store may hold.
    pub fn options(&self) -> MemoryOptions {
        self.options
    }

    /// At most `max` of the values that are held, in no order.
    pub fn held(&self, max: usize) -> Vec<HeldValue<V>> {
        let now = (self.clock)();
        let mut list = Vec::new();
        for shard in &self.shards {
            let inner = shard.inner.read();
            let room = max.saturating_sub(list.len());
            list.extend(inner.entries().take(room).map(|entry| about(entry, now)));
        }
        list
    }

    /// What the store knows about one value, without counting as a use.
    pub fn inspect(&self, key: &CacheKey) -> Option<HeldValue<V>> {
        let hash = self.purges.hash(key);
        let inner = self.shard(hash).inner.read();
        Some(about(inner.entry(hash, key)?, (self.clock)()))
    }

    fn shard(&self, hash: u64) -> &Shard<V> {
        // Bits that the map within the shard goes by last.
        let at = (hash >> 40) & (self.shards.len() as u64 - 1);
        &self.shards[usize::try_from(at).unwrap_or_default()]
    }

    fn admit(&self, key: CacheKey, number: u64, held: Held, value: Arc<V>, keep: Duration) {
        let verdict = self.purges.judge(number, &key, &held, value.tags());
        let (number, value) = match verdict {
            Verdict::Visible(number) => (number, value),
            Verdict::Stale(number, since) => match value.stale_since(since) {
                Some(stale) => (number, Arc::new(stale)),
                None => return,
            },
            Verdict::Purged => return,
        };
        let now = (self.clock)();
        let hash = self.purges.hash(&key);
        let own = key.space().len()
            + key.name().len()
            + key.variant().len()
            + 2 * size_of::<Option<Entry<V>>>()
            + 128;
        let entry = Entry {
            hash,
            bytes: value.bytes().saturating_add(own as u64),
            key,
            value,
            since: now,
            until: now.checked_add(keep).unwrap_or(now),
            held,
            number: AtomicU64::new(number),
            counter: 0.into(),
            uses: AtomicU64::new(0),
            used_after: 0.into(),
        };
        if entry.bytes <= self.options.bytes && keep > Duration::ZERO {
            self.insert(entry);
        }
    }

    /// Makes room and puts the entry in; the bounds hold at every moment.
    fn insert(&self, entry: Entry<V>) {
        let shard = self.shard(entry.hash);
        // What is taken out is dropped when no lock is held.
        let mut gone: SmallVec<[Entry<V>; 2]> = SmallVec::new();
        let mut inner = shard.inner.write();
        if let Some(before) = inner.remove(entry.hash) {
            self.release(shard, &before);
            gone.push(before);
        }
        let own_part = self.options.bytes / self.shards.len() as u64;
        while !self.reserve(entry.bytes) {
            let over_its_part = shard.bytes.load(Relaxed).saturating_add(entry.bytes) > own_part
                || self.entries.load(Relaxed) >= self.options.entries;
            let here = if over_its_part { inner.evict() } else { None };
            if let Some(evicted) = here {
                self.release(shard, &evicted);
                gone.push(evicted);
                continue;
            }
            // Another shard has borrowed what this one is short of. One lock at a time.
            drop(inner);
            if !self.evict_fullest() {
                return;
            }
            inner = shard.inner.write();
            if let Some(before) = inner.remove(entry.hash) {
                self.release(shard, &before);
                gone.push(before);
            }
        }
        shard.bytes.fetch_add(entry.bytes, Relaxed);
        shard.entries.fetch_add(1, Relaxed);
        inner.insert(entry);
        drop(inner);
    }

    /// Takes room for one more value, if there is enough.
    fn reserve(&self, bytes: u64) -> bool {
        let take = |held: &AtomicU64, more: u64, max: u64| {
            held.fetch_update(SeqCst, SeqCst, |held| {
                held.checked_add(more).filter(|sum| *sum <= max)
            })
            .is_ok()
        };
        if !take(&self.entries, 1, self.options.entries) {
            return false;
        }
        if !take(&self.bytes, bytes, self.options.bytes) {
            self.entries.fetch_sub(1, SeqCst);
            return false;
        }
        true
    }

    /// Gives back the room of a value that was taken out.
    fn release(&self, shard: &Shard<V>, entry: &Entry<V>) {
        shard.bytes.fetch_sub(entry.bytes, Relaxed);
        shard.entries.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(entry.bytes, SeqCst);
        self.entries.fetch_sub(1, SeqCst);
    }

    fn evict_fullest(&self) -> bool {
        let filled = |shard: &&Shard<V>| shard.bytes.load(Relaxed);
        let Some(shard) = self.shards.iter().max_by_key(filled) else {
            return false;
        };
        let evicted = shard.inner.write().evict();
        if let Some(entry) = &evicted {
            self.release(shard, entry);
        }
        evicted.is_some()
    }

    fn purge(&self, what: &Invalidation, effect: Effect) {
        let purges = &self.purges;
        match what {
            Invalidation::Uri(resource) => purges.purge_resource(resource, effect),
            Invalidation::User(user) => purges.purge_user(user, effect),
            Invalidation::Tag(label) => purges.purge_label(Tag::label(label), effect),
            Invalidation::TagOf { origin, label } => {
                purges.purge_label(Tag::of_origin(origin, label), effect);
            }
            Invalidation::Key(name) => purges.purge_name(name, effect),
            Invalidation::Prefix(prefix) => {
                purges.ban(prefix.strip_suffix('*').unwrap_or(prefix), effect);
            }
        }
    }

    fn remove(&self, key: &CacheKey) -> bool {
        // Numbered first, so that a fetch that is under way does not bring it back.
        self.purges.purge_name(key.name(), Effect::Hard);
        let hash = self.purges.hash(key);
        let shard = self.shard(hash);
        let mut inner = shard.inner.write();
        if inner.entry(hash, key).is_none() {
            return false;
        }
        let removed = inner.remove(hash);
        drop(inner);
        if let Some(entry) = &removed {
            self.release(shard, entry);
        }
        removed.is_some()
    }

    fn clear_all(&self) {
        self.purges.purge_all(Effect::Hard);
        for shard in &self.shards {
            let gone = shard.inner.write().take_all(self.options.policy);
            for entry in gone.iter().flatten() {
                self.release(shard, entry);
            }
        }
    }
}

fn about<V>(entry: &Entry<V>, now: Instant) -> HeldValue<V> {
    let held = now.saturating_duration_since(entry.since);
    let uses = entry.uses.load(Relaxed);
    let used_after = Duration::from_secs(entry.used_after.load(Relaxed).into());
    HeldValue {
        key: entry.key.clone(),
        value: Arc::clone(&entry.value),
        bytes: entry.bytes,
        held,
        keep: entry.until.saturating_duration_since(now),
        uses,
        unused: (uses > 0)
            .then(|| Duration::from_secs((held.saturating_sub(used_after)).as_secs())),
    }
}

impl<V: CacheValue> CacheProvider<V> for MemoryProvider<V> {
    fn get<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, Option<Arc<V>>> {
        StoreFuture::ready(Ok(self.find(key)))
    }

    fn begin(&self, key: &CacheKey) -> Fetch {
        let (number, held) = self.purges.begin(key);
        Fetch::new(key.clone(), number).guarded(held)
    }

    fn is_purged_since(&self, number: u64, key: &CacheKey, tags: &[Tag]) -> bool {
        self.purges.is_purged_since(number, key, tags)
    }

    fn store(&self, fetch: Fetch, value: Arc<V>, keep: Duration) -> StoreFuture<'_, ()> {
        let number = fetch.number();
        let (key, guard) = fetch.into_parts();
        // The fetch was counted in the filter; from now on the value is. A fetch that another store
        // began was not, and cannot be judged either.
        if let Some(held) = guard.and_then(|guard| guard.downcast::<Held>().ok()) {
            self.admit(key, number, *held, value, keep);
        }
        StoreFuture::ready(Ok(()))
    }

    fn set(&self, key: CacheKey, value: Arc<V>, keep: Duration) -> StoreFuture<'_, ()> {
        let (number, held) = self.purges.begin(&key);
        self.admit(key, number, held, value, keep);
        StoreFuture::ready(Ok(()))
    }

    fn delete<'a>(&'a self, key: &'a CacheKey) -> StoreFuture<'a, bool> {
        StoreFuture::ready(Ok(self.remove(key)))
    }

    fn invalidate<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        self.purge(what, Effect::Hard);
        StoreFuture::ready(Ok(()))
    }

    fn mark_stale<'a>(&'a self, what: &'a Invalidation) -> StoreFuture<'a, ()> {
        self.purge(what, Effect::Soft((self.clock)()));
        StoreFuture::ready(Ok(()))
    }

    fn clear(&self) -> StoreFuture<'_, ()> {
        self.clear_all();
        StoreFuture::ready(Ok(()))
    }

    fn stats(&self) -> CacheStats {
        let now = (self.clock)();
        let mut stats = CacheStats {
            keys: self.entries.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            ..CacheStats::default()
        };
        for shard in &self.shards {
            let inner: &Inner<V> = &shard.inner.read();
            let [hits, evictions, expirations, purged] = inner.counts();
            stats.hits += hits;
            stats.misses += shard.misses();
            stats.evictions += evictions;
            stats.expirations += expirations;
            stats.purged += purged;
            for entry in inner.entries() {
                let held = now.saturating_duration_since(entry.since);
                stats.oldest = Some(stats.oldest.map_or(held, |oldest| oldest.max(held)));
                stats.newest = Some(stats.newest.map_or(held, |newest| newest.min(held)));
            }
        }
        stats
    }
}

impl<V> fmt::Debug for MemoryProvider<V> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MemoryProvider")
            .field("options", &self.options)
            .field("entries", &self.entries)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}
