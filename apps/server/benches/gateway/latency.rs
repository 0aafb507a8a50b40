//! How long answers take at a constant rate.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use crate::load::{Connections, at_rate, get};
use crate::process::Process;
use crate::site::Site;
use crate::spread::Spread;

const THREADS: usize = 8;
const TIME: Duration = Duration::from_secs(3);

/// Hits at half of what `gateway` does at most: beside the others, and beside itself while its figures are read.
pub(crate) fn latency(
    site: &Site,
    gateway: &Process,
    others: &[(&str, Option<&Process>)],
    rounds: usize,
) {
    let request = get("/cached/1024", "");
    let mut connections = Connections::open(gateway.address, 64);
    let begun = Instant::now();
    connections.ask(std::iter::repeat_n(request.as_slice(), 20_000), 200);
    let rate = 20_000.0 / begun.elapsed().as_secs_f64() / 2.0;
    println!(
        "latency of a 1 KiB hit at {rate:.0} a second, from when it was due: p50, p99, p99.9 in us"
    );
    let mut measured: Vec<(&str, &Process, [Vec<f64>; 3])> = Vec::new();
    measured.push(("ours", gateway, Default::default()));
    for (name, other) in others {
        if let Some(other) = other {
            measured.push((name, other, Default::default()));
        }
    }
    for _ in 0..rounds {
        for (_, process, figures) in &mut measured {
            note(
                figures,
                &at_rate(process.address, &request, (rate, THREADS, TIME)),
            );
        }
    }
    for (name, _, figures) in measured {
        let [p50, p99, p999] = figures.map(Spread::of);
        println!("  {name:<22} {p50} {p99} {p999}");
    }
    scraped(site, &request, rate, rounds);
}

fn note(figures: &mut [Vec<f64>; 3], sorted: &[Duration]) {
    for (place, share) in [0.5, 0.99, 0.999].into_iter().enumerate() {
        let at = ((sorted.len() as f64 * share) as usize).min(sorted.len() - 1);
        figures[place].push(sorted[at].as_secs_f64() * 1e6);
    }
}

/// With a thousand routes that were asked, `/metrics` being read ten times a second or not.
fn scraped(site: &Site, request: &[u8], rate: f64, rounds: usize) {
    let variant = crate::site::Variant {
        further_routes: 1_000,
        ..Default::default()
    };
    let gateway = site.gateway("scraped", variant);
    let admin = gateway.admin.unwrap();
    let touched: Vec<_> = (0..1_000)
        .map(|route| {
            let kind = ["items", "users", "orders", "reports"][route % 4];
            get(&format!("/api/v{}/{kind}/{route}/1", route % 7), "")
        })
        .collect();
    let mut connections = Connections::open(gateway.address, 16);
    connections.ask(touched.iter().map(Vec::as_slice), 200);
    connections.ask(std::iter::repeat_n(request, 64), 200);
    let (mut quiet, mut busy): ([Vec<f64>; 3], [Vec<f64>; 3]) = Default::default();
    for _ in 0..rounds {
        note(
            &mut quiet,
            &at_rate(gateway.address, request, (rate, THREADS, TIME)),
        );
        let ended = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !ended.load(Relaxed) {
                    let begun = Instant::now();
                    read_metrics(admin);
                    thread::sleep(Duration::from_millis(100).saturating_sub(begun.elapsed()));
                }
            });
            note(
                &mut busy,
                &at_rate(gateway.address, request, (rate, THREADS, TIME)),
            );
            ended.store(true, Relaxed);
        });
    }
    let [_, _, quiet] = quiet.map(Spread::of);
    let [_, _, busy] = busy.map(Spread::of);
    println!("p99.9 with 1,000 touched routes");
    println!("  {:<22} {quiet} us", "quiet");
    println!(
        "  {:<22} {busy} us   {:.2} x the quiet one, at most 1.3",
        "/metrics 10 times/s",
        busy.median / quiet.median
    );
}

fn read_metrics(admin: SocketAddr) {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > 1_000, "figures");
}
