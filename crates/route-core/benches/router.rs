//! Finding a route among 145, 1,000 and 10,000, against the libraries one would use otherwise.
//!
//! Made templates: 3 to 5 segments, up to 2 parameters, 4 % catch-alls, 30 % static. Requests are drawn
//! evenly over the routes; all contenders capture parameters. Ours does also what the others leave to
//! the program: it looks at host, method and conditions. Read the ratios inside a group, not the times.

#![expect(
    clippy::panic,
    reason = "a benchmark that cannot be set up has nobody to tell"
)]

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::{HeaderMap, Method};
use route_core::{Finding, Lookup, Matcher, Route, Table, TableOptions, normalize};

/// Numbers that are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or_default() % bound
    }
}

const WORDS: [&str; 24] = [
    "users", "repos", "orgs", "teams", "issues", "pulls", "events", "gists", "keys", "labels",
    "members", "commits", "branches", "releases", "assets", "hooks", "comments", "stars", "forks",
    "tags", "trees", "blobs", "refs", "merges",
];

/// Templates in our writing, without two of one shape.
fn templates(count: usize) -> Vec<String> {
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut shapes = HashSet::new();
    let mut templates = Vec::new();
    while templates.len() < count {
        let segments = 3 + numbers.below(3);
        let is_static = numbers.below(10) < 3;
        let mut parameters = if is_static { 0 } else { 1 + numbers.below(2) };
        let mut path = String::new();
        let group = numbers.below(count / 20 + 1);
        for at in 0..segments {
            let word = WORDS[numbers.below(WORDS.len())];
            let written = if at == 0 {
                write!(path, "/{word}{group}")
            } else if parameters > 0 && numbers.below(segments - at) < parameters {
                parameters -= 1;
                write!(path, "/{{p{}}}", parameters + 1)
            } else {
                write!(path, "/{word}")
            };
            assert!(written.is_ok());
        }
        if !is_static && numbers.below(25) == 0 {
            path += "/{*rest}";
        }
        let shape = path.replace("{p1}", "{}").replace("{p2}", "{}");
        if shapes.insert(shape) {
            templates.push(path);
        }
    }
    templates
}

/// One request path for each draw, filled with values.
fn requests(templates: &[String]) -> Vec<String> {
    let mut numbers = Numbers(0xD1B5_4A32_D192_ED03);
    (0..4096)
        .map(|_| {
            let template = &templates[numbers.below(templates.len())];
            template
                .replace("{p1}", &format!("value{}", numbers.below(100_000)))
                .replace("{p2}", &format!("v{}", numbers.below(1000)))
                .replace("{*rest}", "some/file.txt")
        })
        .collect()
}

fn table(templates: &[String]) -> Table {
    let routes = templates.iter().enumerate().map(|(index, template)| {
        let mut matcher = Matcher::new(template.parse().unwrap_or_else(|error| panic!("{error}")));
        matcher.methods = vec![Method::GET];
        let id = format!("r{index}")
            .parse()
            .unwrap_or_else(|error| panic!("{error}"));
        Route::new(id, matcher)
    });
    Table::build(routes.collect(), &TableOptions::default())
        .unwrap_or_else(|conflicts| panic!("{}", conflicts[0]))
}

/// matchit refuses some tables that are fine by our rule; what it refuses is left out and counted.
fn matchit_router(templates: &[String]) -> (matchit::Router<usize>, usize) {
    let mut router = matchit::Router::new();
    let refused = templates
        .iter()
        .enumerate()
        .filter(|(index, template)| router.insert(template.as_str(), *index).is_err())
        .count();
    (router, refused)
}

fn wayfind_router(templates: &[String]) -> wayfind::Router<usize> {
    let mut builder = wayfind::RouterBuilder::new();
    for (index, template) in templates.iter().enumerate() {
        let template = template.replace('{', "<").replace('}', ">");
        if let Err(error) = builder.insert(&template, index) {
            panic!("{template}: {error}");
        }
    }
    builder.build()
}

fn find(criterion: &mut Criterion) {
    for count in [145, 1_000, 10_000] {
        let templates = templates(count);
        let requests = requests(&templates);
        let mut group = criterion.benchmark_group(format!("find/{count}"));
        group.throughput(Throughput::Elements(requests.len() as u64));

        let table = table(&templates);
        let headers = HeaderMap::new();
        let ours = |path: &str| {
            let found = table.find(&Lookup {
                host: Some("api.example.com"),
                ..Lookup::new(&Method::GET, path, &headers)
            });
            matches!(found.finding, Finding::Matched(_))
        };
        assert!(requests.iter().all(|path| ours(path)));
        group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
            bencher.iter(|| requests.iter().filter(|path| black_box(ours(path))).count());
        });
        group.bench_function(
            BenchmarkId::from_parameter("ours and normalize"),
            |bencher| {
                let found = |path: &str| normalize(path, true).is_ok_and(|path| ours(&path));
                bencher.iter(|| {
                    requests
                        .iter()
                        .filter(|path| black_box(found(path)))
                        .count()
                });
            },
        );

        let (router, refused) = matchit_router(&templates);
        assert!(refused * 20 < count, "matchit refused {refused} of {count}");
        let found = |path: &str| router.at(path).is_ok();
        group.bench_function(BenchmarkId::from_parameter("matchit"), |bencher| {
            bencher.iter(|| {
                requests
                    .iter()
                    .filter(|path| black_box(found(path)))
                    .count()
            });
        });

        let statics: HashMap<&str, usize, foldhash::fast::RandomState> = templates
            .iter()
            .enumerate()
            .filter(|(_, template)| !template.contains('{'))
            .map(|(index, template)| (template.as_str(), index))
            .collect();
        let found = |path: &str| statics.contains_key(path) || router.at(path).is_ok();
        group.bench_function(
            BenchmarkId::from_parameter("matchit behind a map"),
            |bencher| {
                bencher.iter(|| {
                    requests
                        .iter()
                        .filter(|path| black_box(found(path)))
                        .count()
                });
            },
        );

        let router = wayfind_router(&templates);
        let found = |path: &str| router.search(path).is_some();
        group.bench_function(BenchmarkId::from_parameter("wayfind"), |bencher| {
            bencher.iter(|| {
                requests
                    .iter()
                    .filter(|path| black_box(found(path)))
                    .count()
            });
        });
        group.finish();
    }
}

fn build(criterion: &mut Criterion) {
    let templates = templates(10_000);
    let mut group = criterion.benchmark_group("build/10000");
    group.sample_size(10);
    group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
        bencher.iter(|| table(&templates).len());
    });
    group.bench_function(BenchmarkId::from_parameter("matchit"), |bencher| {
        bencher.iter(|| matchit_router(&templates).1);
    });
    group.bench_function(BenchmarkId::from_parameter("wayfind"), |bencher| {
        bencher.iter(|| wayfind_router(&templates));
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = find, build
}
criterion_main!(benches);
