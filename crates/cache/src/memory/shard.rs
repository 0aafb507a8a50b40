//! One part of the store: its values by hash, and the order in which they give way.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use parking_lot::{Mutex, RwLock};

use super::lru::Lru;
use super::purges::{Held, Purges, Verdict};
use super::s3_fifo::{Counters, S3Fifo};
use super::tally::Tally;
use crate::key::CacheKey;
use crate::provider::CacheValue;
use crate::settings::EvictionPolicy;

/// How far hits raise a value's counter.
const COUNTER_MAX: u8 = 3;

/// A value and what the store knows about it. In this order, for a look-up touches the first half only.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Entry<V> {
    pub(super) key: CacheKey,
    pub(super) value: Arc<V>,
    pub(super) until: Instant,
    /// The number of the last purge at which it was visible.
    pub(super) number: AtomicU64,
    pub(super) uses: AtomicU64,
    /// Seconds from `since` to the last use.
    pub(super) used_after: AtomicU32,
    pub(super) counter: AtomicU8,
    pub(super) since: Instant,
    pub(super) hash: u64,
    pub(super) bytes: u64,
    pub(super) held: Held,
}

impl<V: CacheValue> Entry<V> {
    /// Whether the store still shows it.
    fn state(&self, purges: &Purges, now: Instant) -> State {
        if self.until <= now {
            return State::Expired;
        }
        let number = self.number.load(Relaxed);
        if purges.last() == number {
            return State::Visible;
        }
        match purges.judge(number, &self.key, &self.held, self.value.tags()) {
            Verdict::Purged => State::Purged,
            Verdict::Stale(seen, since) => State::Stale(seen, since),
            Verdict::Visible(seen) => {
                // Checked against every purge up to there, so the next look-up need not.
                self.number.fetch_max(seen, Relaxed);
                State::Visible
            }
        }
    }

    fn used(&self, now: Instant) {
        if self.counter.load(Relaxed) < COUNTER_MAX {
            self.counter.fetch_add(1, Relaxed);
        }
        self.uses.fetch_add(1, Relaxed);
        let after = now.saturating_duration_since(self.since).as_secs();
        let after = u32::try_from(after).unwrap_or(u32::MAX);
        if self.used_after.load(Relaxed) != after {
            self.used_after.store(after, Relaxed);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Visible,
    /// A soft purge names it, and its value does not say so yet; with the number up to which that is all.
    Stale(u64, Instant),
    Expired,
    Purged,
}

#[derive(Debug)]
enum Order {
    S3Fifo(S3Fifo),
    Lru(Lru),
}

impl Order {
    fn new(policy: EvictionPolicy) -> Self {
        match policy {
            EvictionPolicy::S3Fifo => Self::S3Fifo(S3Fifo::new()),
            EvictionPolicy::Lru => Self::Lru(Lru::new()),
        }
    }
}

/// The hash is one already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// What the lock of a shard guards.
#[derive(Debug)]
pub(super) struct Inner<V> {
    index: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    slots: Vec<Option<Entry<V>>>,
    free: Vec<u32>,
    order: Order,
    /// Where the next sweep begins.
    swept: usize,
    /// How often values were used that are gone.
    uses_before: u64,
    evictions: u64,
    expirations: u64,
    purged: u64,
    /// The same by route.
    by_route: Tally,
}

struct SlotCounters<'a, V>(&'a [Option<Entry<V>>]);

impl<V> SlotCounters<'_, V> {
    fn counter(&self, slot: u32) -> Option<&AtomicU8> {
        let entry = self.0.get(slot as usize)?.as_ref()?;
        Some(&entry.counter)
    }
}

impl<V> Counters for SlotCounters<'_, V> {
    fn take_one(&self, slot: u32) -> bool {
        self.counter(slot).is_some_and(|counter| {
            let count = counter.load(Relaxed);
            counter.store(count.saturating_sub(1), Relaxed);
            count > 0
        })
    }

    fn take_all(&self, slot: u32) -> bool {
        self.counter(slot)
            .is_some_and(|counter| counter.swap(0, Relaxed) > 0)
    }
}

impl<V: CacheValue> Inner<V> {
    fn slot(&self, hash: u64) -> Option<(u32, &Entry<V>)> {
        let slot = *self.index.get(&hash)?;
        let entry = self.slots.get(slot as usize)?.as_ref()?;
        Some((slot, entry))
    }

    /// The entry of a key; one of another key with the same hash is none.
    pub(super) fn entry(&self, hash: u64, key: &CacheKey) -> Option<&Entry<V>> {
        let (_, entry) = self.slot(hash)?;
        (entry.key == *key).then_some(entry)
    }

    /// The value of a key, counted as used, or word that it is over.
    fn visible(
        &self,
        hash: u64,
        key: &CacheKey,
        purges: &Purges,
        now: Instant,
    ) -> Option<Result<Arc<V>, Over>> {
        let entry = self.entry(hash, key)?;
        if entry.state(purges, now) != State::Visible {
            return Some(Err(Over));
        }
        entry.used(now);
        Some(Ok(Arc::clone(&entry.value)))
    }

    /// Lets the value of a hash be stale since a moment; whether it can be.
    fn make_stale(&mut self, hash: u64, number: u64, since: Instant) -> bool {
        let slot = self.index.get(&hash).copied();
        let entry = slot.and_then(|slot| self.slots.get_mut(slot as usize)?.as_mut());
        let stale = entry.and_then(|entry| Some((entry.value.stale_since(since)?, entry)));
        let Some((value, entry)) = stale else {
            return false;
        };
        entry.value = Arc::new(value);
        entry.number.fetch_max(number, Relaxed);
        true
    }

    /// Tells an order that goes by use.
    fn touch(&mut self, hash: u64) {
        if let (Some(slot), Order::Lru(order)) = (self.index.get(&hash), &mut self.order) {
            order.touch(*slot);
        }
    }

    /// Puts an entry into a free slot; nothing is held under its hash.
    pub(super) fn insert(&mut self, entry: Entry<V>) {
        let (hash, bytes) = (entry.hash, entry.bytes);
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            slot
        } else {
            // Bounded far below by the bytes that each takes.
            let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
            self.slots.push(Some(entry));
            slot
        };
        self.index.insert(hash, slot);
        match &mut self.order {
            Order::S3Fifo(order) => order.insert(slot, hash, bytes),
            Order::Lru(order) => order.insert(slot),
        }
    }

    /// Takes out whatever is held under a hash.
    pub(super) fn remove(&mut self, hash: u64) -> Option<Entry<V>> {
        let (slot, _) = self.slot(hash)?;
        match &mut self.order {
            Order::S3Fifo(order) => order.remove(slot),
            Order::Lru(order) => order.remove(slot),
        }
        self.vacate(slot)
    }

    /// Takes out what gives way first.
    pub(super) fn evict(&mut self) -> Option<Entry<V>> {
        let slot = match &mut self.order {
            Order::S3Fifo(order) => order.evict(&SlotCounters(&self.slots)),
            Order::Lru(order) => order.evict(),
        }?;
        self.evictions += 1;
        let gone = self.vacate(slot)?;
        self.by_route
            .count(gone.key.route(), |counts| counts.evictions += 1);
        Some(gone)
    }

    /// Takes out what is not to be shown any more, of at most `slots` slots from where the last sweep
    /// ended.
    pub(super) fn sweep(
        &mut self,
        slots: usize,
        purges: &Purges,
        now: Instant,
        out: &mut Vec<Entry<V>>,
    ) {
        for _ in 0..slots.min(self.slots.len()) {
            if self.swept >= self.slots.len() {
                self.swept = 0;
            }
            let entry = self.slots[self.swept].as_ref();
            self.swept += 1;
            let over = entry.map(|entry| (entry.hash, entry.state(purges, now)));
            if let Some((hash, state @ (State::Expired | State::Purged))) = over {
                out.extend(self.end(hash, state));
            }
        }
    }

    fn vacate(&mut self, slot: u32) -> Option<Entry<V>> {
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        self.index.remove(&entry.hash);
        self.free.push(slot);
        self.keep_uses(&entry);
        Some(entry)
    }

    fn keep_uses(&mut self, entry: &Entry<V>) {
        let uses = entry.uses.load(Relaxed);
        self.uses_before += uses;
        self.by_route
            .count(entry.key.route(), |counts| counts.hits += uses);
    }

    /// Takes out everything, in little more time than looking at it takes.
    pub(super) fn take_all(&mut self, policy: EvictionPolicy) -> Vec<Option<Entry<V>>> {
        let all = std::mem::take(&mut self.slots);
        for entry in all.iter().flatten() {
            self.keep_uses(entry);
        }
        self.index.clear();
        self.free.clear();
        self.order = Order::new(policy);
        self.swept = 0;
        all
    }

    /// Takes out what is over for this reason.
    fn end(&mut self, hash: u64, state: State) -> Option<Entry<V>> {
        let entry = self.remove(hash)?;
        let route = entry.key.route();
        match state {
            State::Visible | State::Stale(..) => {}
            State::Expired => {
                self.expirations += 1;
                self.by_route.count(route, |counts| counts.expirations += 1);
            }
            State::Purged => {
                self.purged += 1;
                self.by_route.count(route, |counts| counts.purged += 1);
            }
        }
        Some(entry)
    }

    /// What is told route by route of values that are gone.
    pub(super) fn by_route(&self) -> &Tally {
        &self.by_route
    }

    /// Every entry in so many slots; `None` behind the last.
    pub(super) fn entries_of(
        &self,
        slots: Range<usize>,
    ) -> Option<impl Iterator<Item = &Entry<V>>> {
        let end = slots.end.min(self.slots.len());
        Some(self.slots.get(slots.start..end)?.iter().flatten())
            .filter(|_| slots.start < self.slots.len())
    }

    /// Every entry, in no order.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry<V>> {
        self.slots.iter().flatten()
    }

    /// How often values were found, evicted, had expired and were found purged.
    pub(super) fn counts(&self) -> [u64; 4] {
        let uses: u64 = self.entries().map(|entry| entry.uses.load(Relaxed)).sum();
        [
            self.uses_before + uses,
            self.evictions,
            self.expirations,
            self.purged,
        ]
    }
}

/// One part of the store. Aligned so that no two workers in two shards share a cache line.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Shard<V> {
    pub(super) inner: RwLock<Inner<V>>,
    policy: EvictionPolicy,
    /// What the values take, told beside the lock for who looks for the fullest shard.
    pub(super) bytes: AtomicU64,
    pub(super) entries: AtomicU64,
    misses: AtomicU64,
    missed: Mutex<Tally>,
}

impl<V: CacheValue> Shard<V> {
    pub(super) fn new(policy: EvictionPolicy) -> Self {
        Self {
            inner: RwLock::new(Inner {
                index: HashMap::default(),
                slots: Vec::new(),
                free: Vec::new(),
                order: Order::new(policy),
                swept: 0,
                uses_before: 0,
                evictions: 0,
                expirations: 0,
                purged: 0,
                by_route: Tally::default(),
            }),
            policy,
            bytes: AtomicU64::new(0),
            entries: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            missed: Mutex::default(),
        }
    }

    /// Counts a look-up that found nothing.
    pub(super) fn miss(&self, key: &CacheKey) {
        self.misses.fetch_add(1, Relaxed);
        self.missed
            .lock()
            .count(key.route(), |counts| counts.misses += 1);
    }

    /// How many look-ups found nothing.
    pub(super) fn misses(&self) -> u64 {
        self.misses.load(Relaxed)
    }

    /// The same by route.
    pub(super) fn missed(&self) -> &Mutex<Tally> {
        &self.missed
    }

    /// Finds a value, or takes out what is found to be over.
    pub(super) fn find(
        &self,
        hash: u64,
        key: &CacheKey,
        purges: &Purges,
        now: Instant,
    ) -> Found<V> {
        let found = match self.policy {
            EvictionPolicy::S3Fifo => self.inner.read().visible(hash, key, purges, now),
            EvictionPolicy::Lru => {
                let mut inner = self.inner.write();
                let found = inner.visible(hash, key, purges, now);
                if let Some(Ok(_)) = found {
                    inner.touch(hash);
                }
                found
            }
        };
        match found {
            None => return Found::Nothing,
            Some(Ok(value)) => return Found::Value(value),
            Some(Err(Over)) => {}
        }
        let mut inner = self.inner.write();
        // Between the two locks another value may have come, or another look-up may have done this one's work.
        let mut state = match inner.entry(hash, key) {
            Some(entry) => entry.state(purges, now),
            None => return Found::Nothing,
        };
        if let State::Stale(number, since) = state {
            state = if inner.make_stale(hash, number, since) {
                State::Visible
            } else {
                State::Purged
            };
        }
        if state == State::Visible {
            let Some(Ok(value)) = inner.visible(hash, key, purges, now) else {
                return Found::Nothing;
            };
            inner.touch(hash);
            return Found::Value(value);
        }
        inner
            .end(hash, state)
            .map_or(Found::Nothing, |entry| Found::Over(Box::new(entry)))
    }
}

/// A value is there that is not to be shown any more, or not as it is.
struct Over;

/// What a look-up came to.
pub(super) enum Found<V> {
    Value(Arc<V>),
    /// It is over and has been taken out; its bytes are to be given back.
    Over(Box<Entry<V>>),
    Nothing,
}
