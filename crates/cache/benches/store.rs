//! The store in memory against the libraries that one would otherwise take.
//!
//! `get-hit`: a Zipf-like stream over resident keys. `insert`: always a new key, so one eviction each.
//! `read-through`: a stream over ten times as many keys as fit; a miss inserts. Both streams also from two
//! threads at once, told as the time of a step in each of them. With the names of trace
//! files (plain text, each line begins with a key) in `CACHE_TRACES`, separated by colons, their hit ratios are
//! printed instead, each at 1, 5, 10 and 25 % of its distinct keys.

use std::collections::HashSet;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use cache::{CacheKey, CacheProvider, CacheValue, EvictionPolicy, MemoryOptions, MemoryProvider};
use criterion::{BenchmarkId, Criterion};
use lru::LruCache;
use parking_lot::Mutex;

struct Value([u64; 6]);

impl CacheValue for Value {
    fn bytes(&self) -> u64 {
        size_of_val(&self.0) as u64
    }
}

/// What all contenders can do; keys are those of the product, values are shared.
trait Contender: Sync {
    fn get(&self, key: &CacheKey) -> Option<Arc<Value>>;
    fn insert(&self, key: &CacheKey, value: Arc<Value>);
}

struct Ours(MemoryProvider<Value>);

impl Contender for Ours {
    fn get(&self, key: &CacheKey) -> Option<Arc<Value>> {
        self.0.find(key)
    }

    fn insert(&self, key: &CacheKey, value: Arc<Value>) {
        drop(self.0.set(key.clone(), value, Duration::from_mins(1)));
    }
}

struct Quick(quick_cache::sync::Cache<CacheKey, Arc<Value>>);

impl Contender for Quick {
    fn get(&self, key: &CacheKey) -> Option<Arc<Value>> {
        self.0.get(key)
    }

    fn insert(&self, key: &CacheKey, value: Arc<Value>) {
        self.0.insert(key.clone(), value);
    }
}

struct Locked(Mutex<LruCache<CacheKey, Arc<Value>, foldhash::fast::RandomState>>);

impl Contender for Locked {
    fn get(&self, key: &CacheKey) -> Option<Arc<Value>> {
        self.0.lock().get(key).cloned()
    }

    fn insert(&self, key: &CacheKey, value: Arc<Value>) {
        self.0.lock().put(key.clone(), value);
    }
}

thread_local! {
    static NOW: Instant = Instant::now();
}

/// The clock of a server that reads the time once for all that a request meets.
fn now() -> Instant {
    NOW.with(|now| *now)
}

fn ours(entries: usize, policy: EvictionPolicy) -> Ours {
    let options = MemoryOptions {
        bytes: u64::MAX,
        entries: entries as u64,
        policy,
    };
    Ours(MemoryProvider::new(options, now))
}

fn contenders(entries: usize) -> Vec<(&'static str, Box<dyn Contender>)> {
    let hasher = foldhash::fast::RandomState::default();
    let capacity = NonZeroUsize::new(entries).unwrap_or(NonZeroUsize::MIN);
    let locked = LruCache::with_hasher(capacity, hasher);
    vec![
        ("ours", Box::new(ours(entries, EvictionPolicy::S3Fifo))),
        ("ours-lru", Box::new(ours(entries, EvictionPolicy::Lru))),
        (
            "quick_cache",
            Box::new(Quick(quick_cache::sync::Cache::new(entries))),
        ),
        ("lru+mutex", Box::new(Locked(Mutex::new(locked)))),
    ]
}

fn keys(count: usize) -> Vec<CacheKey> {
    let name = |id| format!("GET https://example.com/products/{id}?page=1");
    (0..count)
        .map(|id| CacheKey::new("products", name(id)))
        .collect()
}

/// Positions below `count`, few of them often: the square of a uniform draw.
fn draws(count: usize) -> Vec<usize> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 40).unwrap_or_default()
    };
    let span = 1 << 24;
    (0..1 << 16)
        .map(|_| {
            let uniform = draw();
            (uniform * uniform / span) * count / span
        })
        .collect()
}

const ENTRIES: usize = 50_000;

fn bench(criterion: &mut Criterion) {
    let value = Arc::new(Value([0; 6]));
    let resident = keys(ENTRIES / 2);
    let draws_of_resident = draws(resident.len());
    let mut group = criterion.benchmark_group("get-hit");
    for (name, contender) in contenders(ENTRIES) {
        for key in &resident {
            contender.insert(key, Arc::clone(&value));
        }
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % draws_of_resident.len();
                black_box(contender.get(&resident[draws_of_resident[at]]))
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("get-hit/two threads");
    for (name, contender) in contenders(ENTRIES) {
        for key in &resident {
            contender.insert(key, Arc::clone(&value));
        }
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|steps| {
                at_once(steps, |at| {
                    let key = &resident[draws_of_resident[at % draws_of_resident.len()]];
                    black_box(contender.get(key));
                })
            });
        });
    }
    group.finish();

    let many = keys(ENTRIES * 10);
    let draws_of_many = draws(many.len());
    let mut group = criterion.benchmark_group("insert");
    for (name, contender) in contenders(ENTRIES) {
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % many.len();
                contender.insert(&many[at], Arc::clone(&value));
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("read-through");
    for (name, contender) in contenders(ENTRIES) {
        let mut at = 0;
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                at = (at + 1) % draws_of_many.len();
                let key = &many[draws_of_many[at]];
                if contender.get(key).is_none() {
                    contender.insert(key, Arc::clone(&value));
                }
            });
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("read-through/two threads");
    for (name, contender) in contenders(ENTRIES) {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|steps| {
                at_once(steps, |at| {
                    let key = &many[draws_of_many[at % draws_of_many.len()]];
                    if contender.get(key).is_none() {
                        contender.insert(key, Arc::clone(&value));
                    }
                })
            });
        });
    }
    group.finish();
}

/// How long two threads take for so many steps each, from when both are there; they begin at different places.
fn at_once(steps: u64, step: impl Fn(usize) + Sync) -> Duration {
    let (step, both_there) = (&step, &Barrier::new(2));
    thread::scope(|scope| {
        let threads = [0, 1 << 15].map(|from| {
            scope.spawn(move || {
                both_there.wait();
                let begun = Instant::now();
                (0..steps).fold(from, |at, _| {
                    step(at);
                    at + 1
                });
                begun.elapsed()
            })
        });
        let times = threads.map(|thread| thread.join().unwrap_or_default());
        times.into_iter().sum::<Duration>() / 2
    })
}

/// The share of hits, in percent, when a trace is played with so many entries.
fn hit_ratio(contender: &dyn Contender, trace: &[CacheKey]) -> f64 {
    let value = Arc::new(Value([0; 6]));
    let hits = trace
        .iter()
        .filter(|key| {
            let hit = contender.get(key).is_some();
            if !hit {
                contender.insert(key, Arc::clone(&value));
            }
            hit
        })
        .count();
    hits as f64 * 100.0 / trace.len() as f64
}

fn replay(files: &str) {
    for file in files.split(':') {
        let Ok(text) = std::fs::read_to_string(file) else {
            eprintln!("{file}: cannot be read");
            continue;
        };
        let words = || text.lines().filter_map(|line| line.split(' ').next());
        let trace: Vec<_> = words().map(|key| CacheKey::new("", key)).collect();
        let distinct = words().collect::<HashSet<_>>().len();
        for percent in [1, 5, 10, 25] {
            let entries = (distinct * percent / 100).max(1);
            let ratios: Vec<_> = contenders(entries)
                .iter()
                .map(|(name, contender)| format!("{name} {:.1}", hit_ratio(&**contender, &trace)))
                .collect();
            eprintln!("{file} at {percent} %: {}", ratios.join(", "));
        }
    }
}

fn main() {
    if let Ok(files) = std::env::var("CACHE_TRACES") {
        replay(&files);
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}
