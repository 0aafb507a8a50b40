//! What the program costs, beside bare hyper, nginx and HAProxy.
//!
//! `cargo bench -p server --bench gateway -- [http | memory] [--rounds N] [--requests N] [--only TEXT]`
//!
//! Every contender is a process of its own with one worker; rounds are interleaved, the first warms up; printed are the
//! median and the range, and what ours takes of theirs. The load tool and the origin are processes of their own too and
//! are not counted.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark that cannot run ends, and its figures need no last digit"
)]

mod bare;
mod cost;
mod http2;
mod instructions;
mod latency;
mod load;
mod memory;
mod peers;
mod process;
mod site;
mod spread;

use clap::Parser;

use self::cost::Row;
use self::load::{get, zipf};
use self::process::Process;
use self::site::{Site, Variant};

/// What the program costs, beside bare hyper, nginx and HAProxy
#[derive(Debug, Parser)]
struct Arguments {
    /// `http` or `memory`
    #[arg(default_value = "http")]
    workload: String,
    /// Interleaved rounds of each row, after one that warms up
    #[arg(long, default_value_t = 15)]
    rounds: usize,
    /// Requests of one round; large bodies have fewer
    #[arg(long, default_value_t = 6_000)]
    requests: usize,
    /// Only the parts whose name has this text
    #[arg(long, default_value = "")]
    only: String,
    /// What cargo adds
    #[arg(long, hide = true)]
    bench: bool,
    /// What `cargo test` adds to benchmarks: they are not run
    #[arg(long, hide = true)]
    test: bool,
}

fn main() {
    let all: Vec<String> = std::env::args().skip(1).collect();
    if bare::run(&all) {
        return;
    }
    let arguments = Arguments::parse();
    if arguments.test {
        return;
    }
    match arguments.workload.as_str() {
        "memory" => memory::memory(),
        _ => http(&arguments),
    }
}

fn http(arguments: &Arguments) {
    let site = Site::new();
    let origin = site.origin().to_string();
    let ours = site.gateway("ours", Variant::default());
    let fixed = Process::role(&["role-fixed"]);
    let proxy = Process::role(&["role-proxy", &origin]);
    let (nginx, haproxy) = (site.nginx(), site.haproxy());
    for (name, peer) in [("nginx", &nginx), ("haproxy", &haproxy)] {
        if peer.is_none() {
            println!("{name} is missing (Debian package {name}): its columns are left out");
        }
    }
    let (nginx, haproxy) = (nginx.as_ref(), haproxy.as_ref());
    println!(
        "CPU microseconds a request (user and system of the serving process), {} rounds of {}",
        arguments.rounds, arguments.requests
    );
    let run = |row: Row<'_>, share: usize| {
        if row.name.contains(&arguments.only) {
            row.measure(arguments.rounds, (arguments.requests / share).max(64));
        }
    };
    let hit = |row: Row<'_>, limit: f64, share: usize| {
        let row =
            row.without(&site.origin)
                .ours("ours", &ours)
                .beside("bare hyper", Some(&fixed), limit);
        run(
            row.beside("nginx", nginx, 1.0)
                .beside("haproxy", haproxy, 1.0),
            share,
        );
    };
    hit(Row::new("hit, 1 KiB", "/cached/1024", ""), 1.25, 1);
    hit(Row::new("hit, 100 KiB", "/cached/102400", ""), 1.1, 4);
    hit(many_keys(arguments.requests), 1.3, 1);
    let mut not_modified = Row::new("304", "/cached/1024", "if-none-match: \"bench\"\r\n");
    not_modified.status = 304;
    hit(not_modified, 1.25, 1);

    let small = Row::new("proxied, 1 KiB", "/live/1024", "").ours("ours", &ours);
    let small = small.beside("bare hyper's proxy", Some(&proxy), 1.0);
    run(
        small
            .beside("nginx", nginx, 1.0)
            .beside("haproxy", haproxy, None),
        1,
    );
    let mut large = Row::new("proxied, 1 MiB", "/live/1048576", "");
    large.connections = 16;
    let large = large
        .ours("ours", &ours)
        .beside("bare hyper's proxy", Some(&proxy), None);
    run(
        large
            .beside("nginx", nginx, 0.8)
            .beside("haproxy", haproxy, None),
        40,
    );

    if PARTS.iter().any(|name| name.contains(&arguments.only)) {
        parts(&site, &ours, run);
    }
    let threads = Process::role(&["role-fixed-threads"]);
    let runtimes = Row::new("bare hyper's runtime", "/cached/1024", "");
    let runtimes = runtimes.ours("one thread", &fixed);
    run(
        runtimes.beside("two that share work", Some(&threads), None),
        1,
    );
    if "HTTP/2".contains(&arguments.only) {
        let bare = Process::role(&["role-fixed-http2"]);
        let load = (arguments.rounds, arguments.requests / 2);
        let contenders = [("ours", &ours), ("bare hyper", &bare)];
        http2::measure("HTTP/2, hit, 1 KiB", "/cached/1024", &contenders, load);
        http2::measure(
            "HTTP/2, proxied, 1 KiB",
            "/live/1024",
            &contenders[..1],
            load,
        );
    }
    if "latency".contains(&arguments.only) {
        let others = [
            ("bare hyper", Some(&fixed)),
            ("nginx", nginx),
            ("haproxy", haproxy),
        ];
        latency::latency(&site, &ours, &others, arguments.rounds.min(3));
    }
    if "system calls".contains(&arguments.only) {
        instructions::system_calls(&ours);
    }
    if "instructions".contains(&arguments.only) {
        instructions::instructions(&site);
    }
}

fn many_keys(requests: usize) -> Row<'static> {
    let keys: Vec<_> = (0..10_000)
        .map(|key| get(&format!("/cached/1024-{key}"), ""))
        .collect();
    let order = zipf(keys.len(), 1.0, requests);
    let mut row = Row::new("hit over 10,000 keys, Zipf", "/cached/1024", "");
    row.requests = order.into_iter().map(|key| keys[key].clone()).collect();
    row.before = keys;
    row
}

const PARTS: [&str; 4] = [
    "proxied, 10,000 routes",
    "hit, two workers",
    "hit, monitoring",
    "hit, flag and rollout",
];

/// Ours beside itself: what a part of it costs.
fn parts(site: &Site, ours: &Process, run: impl Fn(Row<'_>, usize)) {
    let [routes, workers, monitoring, flags] = PARTS;
    let start = |name, change: fn(&mut Variant)| {
        let mut variant = Variant::default();
        change(&mut variant);
        site.gateway(name, variant)
    };
    let many = start("many", |variant| variant.further_routes = 10_000);
    let row = Row::new(routes, "/live/1024", "").ours("10,000 routes", &many);
    run(row.beside("10 routes", Some(ours), 1.1), 1);
    let two = start("two", |variant| variant.workers = 2);
    let row = Row::new(workers, "/cached/1024", "").ours("two workers", &two);
    run(row.beside("one worker", Some(ours), 1.05), 1);
    let blind = start("blind", |variant| variant.monitoring = false);
    let row = Row::new(monitoring, "/cached/1024", "").ours("on", ours);
    run(row.beside("off", Some(&blind), 1.02), 1);
    let user = "x-user: anna\r\n";
    let row = Row::new(flags, "/cached/1024", user).ours("both", ours);
    let row = row.at("/flagged/1024", user);
    run(row.beside("neither", Some(ours), 1.02), 1);
}
