//! The store in memory: its bounds, its order, its memory of what was purged.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cache::testing::sample_key;
use cache::{
    CacheKey, CacheProvider, CacheValue, EvictionPolicy, Invalidation, MemoryOptions,
    MemoryProvider, Tag,
};
use proptest::prelude::*;

use crate::support::now;

/// A value of a program's own.
#[derive(Debug, PartialEq, Eq)]
struct Blob {
    id: u64,
    bytes: u64,
    tags: Vec<Tag>,
}

impl CacheValue for Blob {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn tags(&self) -> &[Tag] {
        &self.tags
    }
}

fn blob(id: u64, bytes: u64) -> Arc<Blob> {
    Arc::new(Blob {
        id,
        bytes,
        tags: vec![Tag::label(&(id % 3).to_string())],
    })
}

const KEEP: Duration = MemoryProvider::<Blob>::KEEP;
const MIB: u64 = 1 << 20;

type Store = MemoryProvider<Blob>;

fn store(bytes: u64, entries: u64, policy: EvictionPolicy) -> Store {
    let options = MemoryOptions {
        bytes,
        entries,
        policy,
    };
    MemoryProvider::new(options, Instant::now)
}

fn set(store: &Store, name: &str, value: &Arc<Blob>) {
    let set = store.set(CacheKey::new("", name), Arc::clone(value), KEEP);
    set.now().unwrap().unwrap();
}

fn get(store: &Store, name: &str) -> Option<u64> {
    store.find(&CacheKey::new("", name)).map(|blob| blob.id)
}

const POLICIES: [EvictionPolicy; 2] = [EvictionPolicy::S3Fifo, EvictionPolicy::Lru];

#[test]
fn a_value_larger_than_a_shards_part_fits_under_the_bound() {
    for policy in POLICIES {
        let store = store(64 * MIB, u64::MAX, policy);
        for id in 0..60 {
            set(&store, &id.to_string(), &blob(id, MIB));
        }
        set(&store, "large", &blob(1000, 40 * MIB));
        assert_eq!(get(&store, "large"), Some(1000));
        assert!(store.memory_in_use() <= 64 * MIB);
        set(&store, "larger", &blob(1001, 64 * MIB));
        assert_eq!(
            get(&store, "larger"),
            None,
            "with its key it is over the bound"
        );
        assert_eq!(
            get(&store, "large"),
            Some(1000),
            "and nothing gave way for it"
        );
    }
}

#[test]
fn the_bare_store_holds_a_thousand() {
    let store: Store = MemoryProvider::new(MemoryOptions::default(), Instant::now);
    for id in 0..3000 {
        set(&store, &id.to_string(), &blob(id, 10));
    }
    let stats = store.stats();
    assert_eq!((stats.keys, stats.evictions), (1000, 2000));
    assert_eq!(store.held(5).len(), 5);
    assert_eq!(store.held(5000).len(), 1000);
}

#[test]
fn s3_fifo_keeps_the_busy_keys_through_a_scan_and_lru_does_not() {
    let survivors = |policy| {
        let store = store(MIB, 100, policy);
        for id in 0..50 {
            set(&store, &format!("busy{id}"), &blob(id, 1));
        }
        for id in 0..50 {
            get(&store, &format!("busy{id}"));
        }
        for id in 0..1000 {
            set(&store, &format!("scan{id}"), &blob(id, 1));
        }
        (0..50)
            .filter(|id| get(&store, &format!("busy{id}")).is_some())
            .count()
    };
    assert_eq!(survivors(EvictionPolicy::S3Fifo), 50);
    assert_eq!(survivors(EvictionPolicy::Lru), 0);
}

#[test]
fn lru_drops_what_was_used_longest_ago() {
    let store = store(MIB, 3, EvictionPolicy::Lru);
    for name in ["a", "b", "c"] {
        set(&store, name, &blob(1, 1));
    }
    get(&store, "a");
    set(&store, "d", &blob(1, 1));
    let left: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| get(&store, name).is_some())
        .into();
    assert_eq!(left, [true, false, true, true]);
}

#[tokio::test(start_paused = true)]
async fn keep_is_checked_on_read_and_swept() {
    for policy in POLICIES {
        let options = MemoryOptions {
            policy,
            ..MemoryOptions::default()
        };
        let store: Store = MemoryProvider::new(options, now);
        for (name, keep) in [("short", 1), ("other", 1), ("long", 60)] {
            let set = store.set(
                CacheKey::new("", name),
                blob(1, 1),
                Duration::from_secs(keep),
            );
            set.await.unwrap();
        }
        assert_eq!(store.sweep(now()), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(get(&store, "short"), None);
        assert_eq!(store.stats().keys, 2);
        assert_eq!(store.sweep(now()), 1);
        assert_eq!(get(&store, "long"), Some(1));
        let stats = store.stats();
        assert_eq!((stats.keys, stats.expirations, stats.evictions), (1, 2, 0));
        assert_eq!((stats.hits, stats.misses), (1, 1));
        assert_eq!(stats.hit_rate(), Some(0.5));
        assert_eq!(stats.oldest, Some(Duration::from_secs(1)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_knows_how_it_is_used() {
    let store: Store = MemoryProvider::new(MemoryOptions::default(), now);
    set(&store, "a", &blob(1, 100));
    let key = CacheKey::new("", "a");
    let about = store.inspect(&key).unwrap();
    assert_eq!((about.uses, about.unused), (0, None));
    tokio::time::advance(Duration::from_secs(5)).await;
    get(&store, "a");
    get(&store, "a");
    tokio::time::advance(Duration::from_secs(7)).await;
    let about = store.inspect(&key).unwrap();
    assert_eq!(
        (about.uses, about.unused),
        (2, Some(Duration::from_secs(7)))
    );
    assert_eq!(about.held, Duration::from_secs(12));
    assert_eq!(about.held + about.keep, KEEP);
    assert_eq!(about.bytes, store.memory_in_use());
}

#[test]
fn changes_to_what_nobody_caches_cost_the_cached_nothing() {
    let store: MemoryProvider = MemoryProvider::new(MemoryOptions::default(), Instant::now);
    let key = sample_key("space", None, "/cached");
    let value = cache::testing::sample_response("x");
    store.set(key.clone(), value, KEEP).now().unwrap().unwrap();
    for id in 0..100_000 {
        let uri = Invalidation::Uri(format!("https://example.com/{id}"));
        store.invalidate(&uri).now().unwrap().unwrap();
    }
    assert!(store.find(&key).is_some());
}

#[test]
fn figures_are_told_route_by_route() {
    let store = store(MIB, 3, EvictionPolicy::S3Fifo);
    let key = |space: &str, name: u64| CacheKey::new(space, name.to_string());
    let put = |key: CacheKey, id| {
        let set = store.set(key, blob(id, 10), KEEP);
        set.now().unwrap().unwrap();
    };
    put(key("a:1", 0), 0);
    put(key("a:2", 1), 1);
    put(key("b:1", 2), 2);
    for _ in 0..3 {
        assert!(store.find(&key("a:1", 0)).is_some());
    }
    assert!(store.find(&key("b:1", 7)).is_none());
    let found = store.stats_by_route(10);
    let (a, b) = (found.routes["a"], found.routes["b"]);
    assert_eq!(
        (a.keys, a.hits, a.misses),
        (2, 3, 0),
        "two spaces of one route"
    );
    assert_eq!((b.keys, b.hits, b.misses), (1, 0, 1));
    assert_eq!(a.bytes + b.bytes, store.stats().bytes);
    assert!(a.oldest >= a.newest && a.newest.is_some());
    assert!(found.are_all && found.routes.len() == 2);

    // Room for three: one gives way, one is purged, the rest are dropped.
    put(key("c:1", 3), 4);
    let purge = Invalidation::Tag("1".to_owned());
    store.invalidate(&purge).now().unwrap().unwrap();
    store.sweep(Instant::now());
    store.clear().now().unwrap().unwrap();
    let found = store.stats_by_route(10);
    let sum =
        |figure: fn(&cache::CacheStats) -> u64| found.routes.values().map(figure).sum::<u64>();
    let all = store.stats();
    assert_eq!(all.evictions, 1);
    assert_eq!(sum(|stats| stats.keys), 0);
    assert_eq!(
        sum(|stats| stats.hits),
        3,
        "what is gone was found all the same"
    );
    assert_eq!(sum(|stats| stats.misses), all.misses);
    assert_eq!(sum(|stats| stats.evictions), all.evictions);
    assert_eq!(sum(|stats| stats.purged), all.purged);
    let few = store.stats_by_route(1);
    assert!(few.routes.len() == 1 && !few.are_all);
    put(key("a:1", 0), 0);
    assert!(
        store.find(&key("a:1", 0)).is_some(),
        "a cleared store is as good as new"
    );
}

/// A value that counts how often the store looks at its tags.
struct Counted(Arc<AtomicU64>, [Tag; 1]);

impl CacheValue for Counted {
    fn bytes(&self) -> u64 {
        8
    }

    fn tags(&self) -> &[Tag] {
        self.0.fetch_add(1, Relaxed);
        &self.1
    }
}

#[test]
fn a_purge_looks_at_no_value_however_many_there_are() {
    const VALUES: u64 = 200_000;
    let options = MemoryOptions {
        bytes: 1 << 30,
        entries: VALUES,
        policy: EvictionPolicy::S3Fifo,
    };
    let store = MemoryProvider::<Counted>::new(options, Instant::now);
    let looked = Arc::new(AtomicU64::new(0));
    let key = |id: u64| CacheKey::new("", id.to_string());
    for id in 0..VALUES {
        let label = if id % 2 == 0 { "even" } else { "odd" };
        let value = Counted(Arc::clone(&looked), [Tag::label(label)]);
        store
            .set(key(id), Arc::new(value), KEEP)
            .now()
            .unwrap()
            .unwrap();
    }
    assert_eq!(store.stats().keys, VALUES);
    looked.store(0, Relaxed);
    let even = Invalidation::Tag("even".to_owned());
    for what in [&even, &Invalidation::Tag("none".to_owned())] {
        store.mark_stale(what).now().unwrap().unwrap();
        store.invalidate(what).now().unwrap().unwrap();
    }
    assert_eq!(looked.load(Relaxed), 0, "values that purges looked at");
    assert!(store.find(&key(0)).is_none());
    assert!(store.find(&key(1)).is_some());
    let by_two = looked.swap(0, Relaxed);
    assert!(by_two <= 4, "{by_two} looks at tags by two look-ups");
    assert!(store.find(&key(1)).is_some());
    assert_eq!(
        looked.load(Relaxed),
        0,
        "what was seen to be visible is not judged again"
    );
    // Half are free once the sweep has been everywhere.
    for _ in 0..8 {
        store.sweep(Instant::now());
    }
    assert_eq!(store.stats().keys, VALUES / 2);
}

#[test]
fn purged_values_are_freed_by_the_sweep() {
    let store = store(MIB, 1000, EvictionPolicy::S3Fifo);
    for id in 0..90 {
        set(&store, &id.to_string(), &blob(id, 10));
    }
    let purge = Invalidation::Tag("1".to_owned());
    store.invalidate(&purge).now().unwrap().unwrap();
    assert_eq!(store.sweep(Instant::now()), 30);
    assert_eq!((store.stats().keys, store.stats().purged), (60, 30));
}

#[test]
fn the_bounds_hold_while_many_threads_write() {
    for policy in POLICIES {
        let store = store(8 * MIB, 2000, policy);
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let store = &store;
                scope.spawn(move || {
                    for round in 0..3000_u64 {
                        let id = (round * 7919 + thread * 31) % 4000;
                        let name = id.to_string();
                        match round % 11 {
                            0 => drop(store.delete(&CacheKey::new("", name))),
                            1..6 => set(store, &name, &blob(id, (id * 37) % 200_000)),
                            _ => {
                                let found = get(store, &name);
                                assert!(found.is_none_or(|found| found == id));
                            }
                        }
                        assert!(store.memory_in_use() <= 8 * MIB);
                        assert!(store.stats().keys <= 2000 || round % 64 != 0);
                    }
                });
            }
        });
        let held = store.held(usize::MAX);
        let bytes: u64 = held.iter().map(|held| held.bytes).sum();
        assert_eq!(
            (bytes, held.len() as u64),
            (store.memory_in_use(), store.stats().keys)
        );
    }
}

#[derive(Clone, Debug)]
enum Act {
    Set(u8, u64),
    Get(u8),
    Delete(u8),
    Purge(u8),
    Ban(u8),
    Begin(u8),
    Finish(usize, u64),
    Clear,
    Sweep,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => (any::<u8>(), 0_u64..400_000).prop_map(|(key, bytes)| Act::Set(key % 40, bytes)),
        8 => any::<u8>().prop_map(|key| Act::Get(key % 40)),
        2 => any::<u8>().prop_map(|key| Act::Delete(key % 40)),
        1 => (0_u8..3).prop_map(Act::Purge),
        1 => (0_u8..10).prop_map(Act::Ban),
        4 => any::<u8>().prop_map(|key| Act::Begin(key % 40)),
        4 => (any::<usize>(), 0_u64..400_000).prop_map(|(at, bytes)| Act::Finish(at, bytes)),
        1 => Just(Act::Clear),
        1 => Just(Act::Sweep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Against a plain map: what is found is what was set last and not dropped since; with room for
    /// all nothing is missing; the bounds hold after every step.
    #[test]
    fn the_store_is_a_map_that_forgets(
        acts in prop::collection::vec(act(), 1..120),
        lru in any::<bool>(),
        roomy in any::<bool>(),
    ) {
        let policy = POLICIES[usize::from(lru)];
        let (bytes, entries) = if roomy { (1 << 40, 1 << 20) } else { (4 * MIB, 20) };
        let store = store(bytes, entries, policy);
        let mut model: HashMap<String, u64> = HashMap::new();
        // A fetch with the names that were dropped while it was under way.
        let mut fetches: Vec<(cache::Fetch, String, Vec<u64>, bool)> = Vec::new();
        let name = |key: u8| format!("{}/{key}", key % 10);
        let key = |name: &str| CacheKey::new("", name);
        for (id, act) in acts.into_iter().enumerate() {
            let id = id as u64;
            match act {
                Act::Set(k, bytes) => {
                    set(&store, &name(k), &blob(id, bytes));
                    model.insert(name(k), id);
                }
                Act::Get(k) => {
                    let found = get(&store, &name(k));
                    let expected = model.get(&name(k)).copied();
                    prop_assert!(found == expected || (!roomy && found.is_none()));
                    if found.is_none() {
                        model.remove(&name(k));
                    }
                }
                Act::Delete(k) => {
                    store.delete(&key(&name(k))).now().unwrap().unwrap();
                    model.remove(&name(k));
                    for fetch in &mut fetches {
                        fetch.3 |= fetch.1 == name(k);
                    }
                }
                Act::Purge(tag) => {
                    let tag = u64::from(tag);
                    let what = Invalidation::Tag(tag.to_string());
                    store.invalidate(&what).now().unwrap().unwrap();
                    model.retain(|_, id| *id % 3 != tag);
                    for fetch in &mut fetches {
                        fetch.2.push(tag);
                    }
                }
                Act::Ban(group) => {
                    let prefix = format!("{group}/");
                    let what = Invalidation::Prefix(format!("{prefix}*"));
                    store.invalidate(&what).now().unwrap().unwrap();
                    model.retain(|name, _| !name.starts_with(&prefix));
                    for fetch in &mut fetches {
                        fetch.3 |= fetch.1.starts_with(&prefix);
                    }
                }
                Act::Begin(k) => {
                    fetches.push((store.begin(&key(&name(k))), name(k), Vec::new(), false));
                }
                Act::Finish(at, bytes) => if !fetches.is_empty() {
                    let (fetch, name, tags, overtaken) = fetches.swap_remove(at % fetches.len());
                    store.store(fetch, blob(id, bytes), KEEP).now().unwrap().unwrap();
                    if !overtaken && !tags.contains(&(id % 3)) {
                        model.insert(name, id);
                    }
                },
                Act::Clear => {
                    store.clear().now().unwrap().unwrap();
                    model.clear();
                    for fetch in &mut fetches {
                        fetch.3 = true;
                    }
                }
                Act::Sweep => {
                    store.sweep(Instant::now());
                }
            }
            let held = store.held(usize::MAX);
            prop_assert!(store.memory_in_use() <= bytes);
            prop_assert!(held.len() as u64 <= entries);
            let sum: u64 = held.iter().map(|held| held.bytes).sum();
            prop_assert_eq!(sum, store.memory_in_use());
        }
    }
}
