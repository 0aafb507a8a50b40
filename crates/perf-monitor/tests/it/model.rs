//! What is read is what was recorded, whoever recorded it and whenever it was read.

use std::collections::BTreeMap;
use std::time::Duration;

use perf_monitor::{
    CacheOutcome, Format, Method, Monitor, Outcome, PerformanceMonitor, RouteSlot, Sample, Window,
};
use proptest::prelude::*;

use crate::stage::{clock, monitor, pass, route};

/// One step of a program: what it records, or that it reads and lets time pass.
#[derive(Clone, Debug)]
enum Step {
    Record(Record),
    Fold,
}

#[derive(Clone, Debug)]
struct Record {
    route: usize,
    shared: bool,
    status: u16,
    method: Method,
    outcome: Option<Outcome>,
    nanos: Option<u64>,
    bytes: [u64; 2],
    cache: CacheOutcome,
    error: Option<&'static str>,
    treated: Option<bool>,
}

fn record() -> impl Strategy<Value = Record> {
    let method = prop_oneof![Just(Method::Get), Just(Method::Post), Just(Method::Other)];
    let status =
        prop_oneof![4 => Just(200_u16), 2 => 300_u16..305, 2 => 400_u16..406, 2 => 500_u16..505];
    let outcome = prop_oneof![8 => Just(None), 1 => Just(Some(Outcome::Aborted)), 1 => Just(Some(Outcome::ServerError))];
    // Around the bounds of the coarse buckets, and anywhere.
    let bound = prop_oneof![
        Just(100_000_u64),
        Just(1_000_000),
        Just(75_000_000),
        Just(10_000_000_000)
    ];
    let nanos = prop_oneof![
        1 => Just(None),
        4 => (0_u64..20_000_000_000).prop_map(Some),
        4 => (0_u64..30_000_000).prop_map(Some),
        4 => (bound, 0_u64..3).prop_map(|(bound, by)| Some(bound - 1 + by)),
    ];
    let bytes = || prop_oneof![3 => Just(0_u64), 2 => 1_u64..2_000, 1 => 0_u64..1 << 32];
    let cache = prop_oneof![
        Just(CacheOutcome::None),
        Just(CacheOutcome::Hit),
        Just(CacheOutcome::Miss),
        Just(CacheOutcome::Bypass)
    ];
    let error = prop_oneof![5 => Just(None), 1 => Just(Some("timeout"))];
    let who = (
        0_usize..3,
        any::<bool>(),
        proptest::option::of(any::<bool>()),
    );
    (
        who,
        status,
        method,
        outcome,
        nanos,
        (bytes(), bytes()),
        cache,
        error,
    )
        .prop_map(
            |(
                (route, shared, treated),
                status,
                method,
                outcome,
                nanos,
                (sent, got),
                cache,
                error,
            )| {
                Record {
                    route,
                    shared,
                    status,
                    method,
                    outcome,
                    nanos,
                    bytes: [sent, got],
                    cache,
                    error,
                    treated,
                }
            },
        )
}

/// What a program that keeps every sample would say.
#[derive(Default)]
struct Model {
    all: Vec<Record>,
}

impl Model {
    fn check(&self, monitor: &Monitor, route: usize, windows: &[Window]) {
        let mine = || self.all.iter().filter(|record| record.route == route);
        for &window in windows {
            let figures = monitor.route_metrics(&route.to_string(), window).unwrap();
            check(&figures, &mine());
        }
        if let Some(arms) = monitor.arm_metrics(&route.to_string(), "new", Window::SinceStart) {
            check(&arms.treated, &mine().filter(|it| it.treated == Some(true)));
            check(
                &arms.control,
                &mine().filter(|it| it.treated == Some(false)),
            );
        }
    }
}

fn check<'a>(
    figures: &perf_monitor::Aggregate,
    expected: &(impl Iterator<Item = &'a Record> + Clone),
) {
    let count = |wanted: &dyn Fn(&Record) -> bool| expected.clone().filter(|it| wanted(it)).count();
    let outcome = |it: &Record| it.outcome.unwrap_or(Outcome::of_status(it.status));
    let is = |wanted| count(&|it| outcome(it) == wanted) as u64;
    assert_eq!(figures.count, count(&|_| true) as u64);
    assert_eq!(figures.client_errors, is(Outcome::ClientError));
    assert_eq!(figures.server_errors, is(Outcome::ServerError));
    assert_eq!(figures.aborted, is(Outcome::Aborted));
    let lookups = count(&|it| matches!(it.cache, CacheOutcome::Hit | CacheOutcome::Miss));
    let hits = count(&|it| it.cache == CacheOutcome::Hit);
    assert_eq!(figures.cache_lookups, lookups as u64);
    assert!((figures.hit_rate - hits as f64 / (lookups as f64).max(1.0)).abs() < 1e-9);
    let bytes = |way: usize| expected.clone().map(|it| it.bytes[way]).sum::<u64>();
    assert_eq!((figures.bytes_in, figures.bytes_out), (bytes(0), bytes(1)));
    let mut times: Vec<_> = expected.clone().filter_map(|it| it.nanos).collect();
    times.sort_unstable();
    assert_eq!(figures.timed, times.len() as u64);
    let Some((&least, &greatest)) = times.first().zip(times.last()) else {
        return;
    };
    let mean = times.iter().sum::<u64>() / times.len() as u64;
    assert_eq!(figures.avg, Duration::from_nanos(mean));
    assert_eq!(figures.min, Duration::from_nanos(least));
    assert_eq!(figures.max, Duration::from_nanos(greatest));
    let median = times[(times.len() - 1) / 2];
    let found = u64::try_from(figures.p50.as_nanos()).unwrap();
    assert!(
        found.abs_diff(median) <= (median / 100).max(128),
        "{found} {median}"
    );
}

/// What `/metrics` has of the histograms of times: for each series the count of each bound.
fn shown(text: &str) -> BTreeMap<String, u64> {
    let lines = text
        .lines()
        .filter(|line| line.starts_with("http_server_request_duration_seconds_bucket"));
    let parts = lines.map(|line| line.rsplit_once(' ').unwrap());
    parts
        .map(|(name, count)| (name.to_owned(), count.parse().unwrap()))
        .collect()
}

fn expected(all: &[Record]) -> BTreeMap<String, u64> {
    const BOUNDS: [(&str, u64); 4] = [
        ("0.0001", 100_000),
        ("0.001", 1_000_000),
        ("0.075", 75_000_000),
        ("10", 10_000_000_000),
    ];
    let mut counts = BTreeMap::new();
    for record in all {
        let Some(nanos) = record.nanos else { continue };
        let error = match record.error {
            Some(word) => format!(",error_type=\"{word}\""),
            None if record.status >= 500 => format!(",error_type=\"{}\"", record.status),
            None => String::new(),
        };
        let (route, method, status) = (record.route, record.method.as_str(), record.status);
        for (bound, most) in BOUNDS {
            let name = format!(
                "http_server_request_duration_seconds_bucket{{urm_route=\"{route}\",http_route=\"/{route}\",\
                 http_request_method=\"{method}\",http_response_status_code=\"{status}\",url_scheme=\"http\"{error},le=\"{bound}\"}}"
            );
            *counts.entry(name).or_default() += u64::from(nanos <= most);
        }
    }
    counts
}

fn play(monitor: &Monitor, routes: &[RouteSlot], steps: &[Step]) -> Model {
    let change = monitor.change("new");
    let mut model = Model::default();
    for step in steps {
        let Step::Record(record) = step else {
            monitor.fold(clock());
            pass(Duration::from_millis(10));
            continue;
        };
        let slot = routes[record.route].index();
        let mut sample = Sample::new(slot, record.status, Duration::ZERO, clock());
        sample.response_time = record.nanos.map(Duration::from_nanos);
        sample.method = record.method;
        sample.outcome = record.outcome.unwrap_or(sample.outcome);
        [sample.request_bytes, sample.response_bytes] = record.bytes;
        sample.cache = record.cache;
        sample.error_type = record.error;
        if let Some(treated) = record.treated {
            assert!(sample.arms.set(change.id(), treated));
        }
        let shard = if record.shared {
            monitor.shared()
        } else {
            monitor.shard(0)
        };
        shard.record(&sample);
        model.all.push(record.clone());
    }
    for route in 0..routes.len() {
        let windows = [Window::SinceStart, Window::Retention];
        model.check(monitor, route, &windows);
    }
    model
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_is_read_is_what_was_recorded(
        steps in proptest::collection::vec(
            prop_oneof![9 => record().prop_map(Step::Record), 1 => Just(Step::Fold)], 1..300),
    ) {
        let monitor = monitor();
        let routes = ["0", "1", "2"].map(|id| route(&monitor, id));
        let model = play(&monitor, &routes, &steps);
        let found = shown(&monitor.text(Format::Prometheus));
        let folded = found.keys().any(|name| name.contains("xx\""));
        for (name, count) in expected(&model.all) {
            // Past 16 pairs a route a series is folded into its class.
            prop_assert!(folded || found.get(&name) == Some(&count), "{} {}", name, count);
        }
        let all = |counts: &BTreeMap<String, u64>| -> u64 {
            counts.iter().filter(|(name, _)| name.contains("le=\"0.075\"")).map(|(_, n)| n).sum()
        };
        prop_assert_eq!(all(&found), all(&expected(&model.all)));
    }
}
