//! Instructions a request, counted by valgrind, and system calls, counted by strace: both steady where times are not.

use std::path::Path;

use crate::load::{Connections, get};
use crate::process::{Process, counted, installed};
use crate::site::{Site, Variant};

const CONNECTIONS: usize = 16;

/// Requests of the shorter of two runs; the other has twice as many, and the difference is theirs alone.
const REQUESTS: usize = 2_000;

/// Starts a contender under valgrind, which writes its counts to the path.
type Start<'a> = &'a dyn Fn(&Path) -> Process;

/// Counts a hit, a 304 and a proxied request of the gateway, and the same of bare hyper.
pub(crate) fn instructions(site: &Site) {
    if installed("valgrind").is_none() {
        println!("instructions: not counted, valgrind is missing (Debian package valgrind)");
        return;
    }
    println!("instructions a request in user space (callgrind, {CONNECTIONS} connections)");
    let settings = site.settings("counted", Variant::default());
    let origin = site.origin().to_string();
    let gateway = |out: &Path| Process::gateway_counted(&settings, out);
    let fixed = |out: &Path| Process::role_counted(&["role-fixed"], out);
    let proxy = |out: &Path| Process::role_counted(&["role-proxy", &origin], out);
    let tagged = "if-none-match: \"bench\"\r\n";
    let rows: [(&str, Start<'_>, &str, &str, u16); 6] = [
        ("hit, ours", &gateway, "/cached/1024", "", 200),
        ("fixed, bare hyper", &fixed, "/cached/1024", "", 200),
        ("304, ours", &gateway, "/cached/1024", tagged, 304),
        ("304, bare hyper", &fixed, "/cached/1024", tagged, 304),
        ("proxied, ours", &gateway, "/live/1024", "", 200),
        ("proxied, bare hyper", &proxy, "/live/1024", "", 200),
    ];
    for (name, start, path, fields, status) in rows {
        let [once, twice] = [1, 2].map(|times| {
            let out = site.file(&format!("callgrind.{times}"));
            let process = start(&out);
            let mut connections = Connections::open(process.address, CONNECTIONS);
            let warm = get(path, "");
            connections.ask(std::iter::repeat_n(warm.as_slice(), CONNECTIONS), 200);
            let request = get(path, fields);
            connections.ask(
                std::iter::repeat_n(request.as_slice(), REQUESTS * times),
                status,
            );
            drop(connections);
            process.stop();
            counted(&out)
        });
        println!("  {name:<22} {:>8}", (twice - once) / REQUESTS as u64);
    }
}

/// Counts the system calls of a hit and of a proxied request.
pub(crate) fn system_calls(gateway: &Process) {
    for (name, path) in [("hit", "/cached/1024"), ("proxied", "/live/1024")] {
        let mut connections = Connections::open(gateway.address, CONNECTIONS);
        let request = get(path, "");
        connections.ask(std::iter::repeat_n(request.as_slice(), 256), 200);
        let load = || connections.ask(std::iter::repeat_n(request.as_slice(), REQUESTS), 200);
        let Some(calls) = gateway.system_calls(load) else {
            println!("system calls: not counted, strace is missing (Debian package strace)");
            return;
        };
        let each = |count: u64| count as f64 / REQUESTS as f64;
        let mut parts: Vec<_> = calls
            .iter()
            .filter(|(_, count)| each(*count) >= 0.01)
            .map(|(name, count)| format!("{name} {:.2}", each(*count)))
            .collect();
        parts.sort();
        let sum: u64 = calls.iter().map(|(_, count)| count).sum();
        println!(
            "system calls a request, {name}: {:.2} ({})",
            each(sum),
            parts.join(", ")
        );
    }
}
