//! What recording a request costs, and reading the figures of a thousand routes.
//!
//! The load is the same for all: 1,000 routes by Zipf's law with exponent 0.9, most answers of one
//! status and some of another, response times that spread around a median of the route's own.
//!
//! `ours` records all that a sample has: figures and windows, the series of `/metrics`, sizes, cache
//! outcome. `prometheus` and `prometheus-client` record a response time alone, the cheapest way, into
//! a cached child for each route and class; `prometheus-all` records what `ours` does, as far as it
//! can.

#![expect(clippy::unwrap_used, reason = "the names are valid")]

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use perf_monitor::{
    CacheOutcome, Format, Monitor, MonitorSettings, PerformanceMonitor, RouteLabel, RouteSlot,
    Sample, Window,
};
use prometheus::core::Collector;

const ROUTES: usize = 1_000;
const EVENTS: usize = 1 << 16;
/// Threads of the rows that record at once; each is a worker with a shard of its own.
const THREADS: usize = 2;
const STATUSES: [u16; 5] = [200, 200, 304, 404, 503];
const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Eight bytes, so that the load itself stays out of the way of what it loads.
#[derive(Clone, Copy)]
struct Event {
    route: u16,
    class: u16,
    micros: u32,
}

impl Event {
    fn time(self) -> Duration {
        Duration::from_micros(self.micros.into())
    }

    fn child(self) -> usize {
        usize::from(self.route) * STATUSES.len() + usize::from(self.class)
    }
}

/// The same events in every run.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "routes are few and times short"
)]
fn events() -> Vec<Event> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let (mut below, mut sum) = (Vec::with_capacity(ROUTES), 0.0);
    for rank in 1..=ROUTES {
        sum += (rank as f64).powf(-0.9);
        below.push(sum);
    }
    let event = |_| {
        let drawn = random() * sum;
        let route = below
            .partition_point(|upper| *upper < drawn)
            .min(ROUTES - 1);
        let median = 300.0 * (0.003 * route as f64).exp();
        let spread: f64 = (0..4).map(|_| random()).sum::<f64>() - 2.0;
        Event {
            route: route as u16,
            class: if random() > 0.9 { 3 } else { 0 },
            micros: (median * spread.exp()) as u32,
        }
    };
    (0..EVENTS).map(event).collect()
}

fn monitor() -> (Arc<Monitor>, Vec<RouteSlot>) {
    let monitor = Monitor::new(&MonitorSettings::default(), THREADS, Instant::now);
    let slots = (0..ROUTES).map(|route| {
        let (id, template) = (format!("route-{route}"), format!("/things/{route}/{{id}}"));
        monitor.slot(RouteLabel {
            id: &id,
            template: &template,
        })
    });
    let slots = slots.collect();
    (monitor, slots)
}

fn sample(slots: &[RouteSlot], event: Event, now: Instant) -> Sample {
    let slot = slots[usize::from(event.route)].index();
    let mut sample = Sample::new(slot, STATUSES[usize::from(event.class)], event.time(), now);
    sample.cache = CacheOutcome::Hit;
    sample.response_bytes = 1_000;
    sample
}

fn record(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record");
    group.throughput(Throughput::Elements(EVENTS as u64));
    let (events, now) = (events(), Instant::now());
    let (monitor, slots) = monitor();
    for (name, cells) in [
        ("ours", monitor.shard(0)),
        ("ours-shared", monitor.shared()),
    ] {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                for event in &events {
                    cells.record(black_box(&sample(&slots, *event, now)));
                }
            });
        });
    }

    let family = prometheus_family();
    let children = for_each_child(|route, class| family.with_label_values(&[route, class]));
    group.bench_function(BenchmarkId::from_parameter("prometheus"), |bencher| {
        bencher.iter(|| {
            for event in &events {
                children[event.child()].observe(black_box(event.time()).as_secs_f64());
            }
        });
    });

    let times = for_each_child(|route, class| family.with_label_values(&[route, class]));
    let all = AllOfPrometheus::new();
    group.bench_function(BenchmarkId::from_parameter("prometheus-all"), |bencher| {
        bencher.iter(|| {
            for event in &events {
                times[event.child()].observe(black_box(event.time()).as_secs_f64());
                all.record(usize::from(event.route), black_box(1_000.0));
            }
        });
    });

    let histogram = || prometheus_client::metrics::histogram::Histogram::new(BOUNDS);
    let children = for_each_child(|_, _| histogram());
    group.bench_function(
        BenchmarkId::from_parameter("prometheus-client"),
        |bencher| {
            bencher.iter(|| {
                for event in &events {
                    children[event.child()].observe(black_box(event.time()).as_secs_f64());
                }
            });
        },
    );
    group.finish();
}

/// The same with two threads at once: the time of an event in each of them.
fn record_at_once(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("record/two threads");
    group.throughput(Throughput::Elements(EVENTS as u64));
    let (events, now) = (events(), Instant::now());
    let (monitor, slots) = monitor();
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter_custom(|rounds| {
            at_once(rounds, |thread| {
                let cells = monitor.shard(thread);
                for event in &events {
                    cells.record(black_box(&sample(&slots, *event, now)));
                }
            })
        });
    });
    let family = prometheus_family();
    let children = for_each_child(|route, class| family.with_label_values(&[route, class]));
    group.bench_function(BenchmarkId::from_parameter("prometheus"), |bencher| {
        bencher.iter_custom(|rounds| {
            at_once(rounds, |_| {
                for event in &events {
                    children[event.child()].observe(black_box(event.time()).as_secs_f64());
                }
            })
        });
    });
    group.finish();
}

/// How long the threads take for so many rounds of `work` each, from when all of them are there.
fn at_once(rounds: u64, work: impl Fn(usize) + Sync) -> Duration {
    let (work, all_there) = (&work, &Barrier::new(THREADS));
    thread::scope(|scope| {
        let threads = [0, 1].map(|thread| {
            scope.spawn(move || {
                all_there.wait();
                let begun = Instant::now();
                (0..rounds).for_each(|_| work(thread));
                begun.elapsed()
            })
        });
        let times = threads.map(|thread| thread.join().unwrap());
        times.into_iter().sum::<Duration>() / 2
    })
}

fn prometheus_family() -> prometheus::HistogramVec {
    let options = prometheus::HistogramOpts::new("request_duration_seconds", "Response times.")
        .buckets(BOUNDS.to_vec());
    prometheus::HistogramVec::new(options, &["route", "class"]).unwrap()
}

/// What else a sample has: sizes, bytes and the cache's outcome, by route.
struct AllOfPrometheus {
    sizes: Vec<[prometheus::Histogram; 2]>,
    counters: Vec<[prometheus::IntCounter; 4]>,
}

impl AllOfPrometheus {
    fn new() -> Self {
        let bounds = prometheus::exponential_buckets(256.0, 4.0, 12).unwrap();
        let size = || {
            let options = prometheus::HistogramOpts::new("size_bytes", "Sizes.");
            prometheus::Histogram::with_opts(options.buckets(bounds.clone())).unwrap()
        };
        let counter = || prometheus::IntCounter::new("things_total", "Things.").unwrap();
        Self {
            sizes: (0..ROUTES).map(|_| [size(), size()]).collect(),
            counters: (0..ROUTES).map(|_| [(); 4].map(|()| counter())).collect(),
        }
    }

    fn record(&self, route: usize, bytes: f64) {
        let [requests, responses] = &self.sizes[route];
        requests.observe(0.0);
        responses.observe(bytes);
        let [requests, bytes_out, lookups, hits] = &self.counters[route];
        requests.inc();
        bytes_out.inc_by(1_000);
        lookups.inc();
        hits.inc();
    }
}

fn for_each_child<T>(make: impl Fn(&str, &str) -> T) -> Vec<T> {
    let routes = (0..ROUTES).map(|route| format!("route-{route}"));
    let classes = ["2xx", "2xx", "3xx", "4xx", "5xx"];
    routes
        .flat_map(|route| classes.map(|class| make(&route, class)))
        .collect()
}

fn read(criterion: &mut Criterion) {
    let (monitor, slots) = monitor();
    let family = prometheus_family();
    let children = for_each_child(|route, class| family.with_label_values(&[route, class]));
    for event in events() {
        monitor
            .shard(0)
            .record(&sample(&slots, event, Instant::now()));
        children[event.child()].observe(event.time().as_secs_f64());
    }
    monitor.fold(Instant::now());

    let mut group = criterion.benchmark_group("read");
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| black_box(monitor.all_metrics(Window::SinceStart)));
    });
    group.bench_function(BenchmarkId::from_parameter("ours-window"), |bencher| {
        bencher.iter(|| black_box(monitor.all_metrics(Window::Last(Duration::from_mins(5)))));
    });
    group.bench_function(BenchmarkId::from_parameter("prometheus"), |bencher| {
        bencher.iter(|| black_box(family.collect()));
    });
    group.finish();

    let mut group = criterion.benchmark_group("text");
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| black_box(monitor.text(Format::Prometheus)));
    });
    group.bench_function(BenchmarkId::from_parameter("prometheus"), |bencher| {
        bencher.iter(|| prometheus::TextEncoder::new().encode_to_string(&family.collect()));
    });
    group.finish();
}

criterion_group!(benches, record, record_at_once, read);
criterion_main!(benches);
