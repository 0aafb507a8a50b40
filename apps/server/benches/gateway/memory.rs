//! Resident memory of what waits: how much the process grows for each further one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::load::{Connections, get};
use crate::process::Process;
use crate::site::{Site, Variant};
use crate::spread::Spread;

/// Rounds of each figure.
const ROUNDS: usize = 3;

/// Long enough for buffers of quiet connections to be given back.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn memory() {
    println!("resident memory, one worker; growth for each further one, {ROUNDS} rounds");
    let site = Site::new();
    let start = || site.gateway("memory", Variant::default());
    figure("the idle server", 16.0, "MiB", || {
        start().resident() as f64 / f64::from(1 << 20)
    });
    let idle = |wait: Duration| {
        let process = start();
        grows_by(&process, 1_000, || kept(&process, 1_000), wait)
    };
    figure(
        "an idle HTTP/1 connection, right after",
        16.0,
        "KiB",
        || idle(Duration::ZERO),
    );
    figure("the same three seconds later", 3.0, "KiB", || idle(QUIET));
    figure("an idle HTTP/2 connection", 24.0, "KiB", || {
        let process = start();
        grows_by(
            &process,
            200,
            || http2(&process, 200, "/cached/1024"),
            Duration::ZERO,
        )
    });
    figure("a stalled download", 300.0, "KiB", || {
        let process = start();
        grows_by(
            &process,
            50,
            || stalled(&process, 50),
            Duration::from_secs(1),
        )
    });
    figure(
        "an HTTP/2 connection with 100 of them",
        24.0 * 1024.0,
        "KiB",
        || {
            let process = start();
            grows_by(
                &process,
                2,
                || stalled_http2(&process, 2),
                Duration::from_secs(2),
            )
        },
    );
    let later = Site::of("role-later");
    figure("an idle upstream connection", 2.0, "KiB", || {
        upstream(&later.gateway("later", Variant::default()))
    });
    figure("a stored response, beside its 1 KiB", None, "KiB", || {
        stored(&start())
    });
}

fn figure(name: &str, limit: impl Into<Option<f64>>, unit: &str, mut measure: impl FnMut() -> f64) {
    let limit = limit.into();
    let limit = limit.map_or_else(String::new, |limit| format!(", at most {limit}"));
    let spread = Spread::of((0..ROUNDS).map(|_| measure()).collect());
    println!("  {name:<40} {spread} {unit}{limit}");
}

/// KiB that each of `count` more adds, after as many had been there before, so that what they share is not counted.
fn grows_by<T>(
    process: &Process,
    count: usize,
    mut open: impl FnMut() -> T,
    wait: Duration,
) -> f64 {
    let first = open();
    thread::sleep(wait);
    let before = process.resident();
    let second = open();
    thread::sleep(wait);
    let grown = process.resident().saturating_sub(before);
    drop((first, second));
    grown as f64 / 1024.0 / count as f64
}

fn kept(process: &Process, count: usize) -> Connections {
    let mut connections = Connections::open(process.address, count);
    let request = get("/cached/1024", "");
    connections.ask(std::iter::repeat_n(request.as_slice(), count), 200);
    connections
}

/// Downloads of 16 MiB, more than all sockets hold, through the gateway of which only the head is read.
fn stalled(process: &Process, count: usize) -> Vec<TcpStream> {
    let open = |_| {
        let mut stream = TcpStream::connect(process.address).unwrap();
        stream.write_all(&get("/live/16777216", "")).unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        stream
    };
    (0..count).map(open).collect()
}

type Held = (
    tokio::runtime::Runtime,
    Vec<h2::client::SendRequest<bytes::Bytes>>,
    Vec<h2::RecvStream>,
);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn http2(process: &Process, count: usize, path: &str) -> Held {
    let runtime = runtime();
    let senders = runtime.block_on(async {
        let mut senders = Vec::new();
        for _ in 0..count {
            let mut sender = connect(process).await;
            for body in ask(&mut sender, path, 1).await {
                let mut body = body;
                while let Some(data) = body.data().await {
                    let data = data.unwrap();
                    body.flow_control().release_capacity(data.len()).unwrap();
                }
            }
            senders.push(sender);
        }
        senders
    });
    (runtime, senders, Vec::new())
}

fn stalled_http2(process: &Process, count: usize) -> Held {
    let runtime = runtime();
    let (senders, bodies) = runtime.block_on(async {
        let (mut senders, mut bodies) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut sender = connect(process).await;
            bodies.extend(ask(&mut sender, "/live/16777216", 100).await);
            senders.push(sender);
        }
        (senders, bodies)
    });
    (runtime, senders, bodies)
}

/// A client whose windows are so small that nothing of a large body is read.
async fn connect(process: &Process) -> h2::client::SendRequest<bytes::Bytes> {
    let stream = tokio::net::TcpStream::connect(process.address)
        .await
        .unwrap();
    let (sender, connection) = h2::client::Builder::new()
        .initial_window_size(65_535)
        .handshake(stream)
        .await
        .unwrap();
    tokio::spawn(async move { drop(connection.await) });
    sender.ready().await.unwrap()
}

async fn ask(
    sender: &mut h2::client::SendRequest<bytes::Bytes>,
    path: &str,
    count: usize,
) -> Vec<h2::RecvStream> {
    let mut answers = Vec::new();
    for _ in 0..count {
        let request = http::Request::get(format!("http://bench.example{path}"))
            .body(())
            .unwrap();
        answers.push(sender.send_request(request, true).unwrap().0);
    }
    let mut bodies = Vec::new();
    for answer in answers {
        bodies.push(answer.await.unwrap().into_body());
    }
    bodies
}

/// Requests that are under way at once each need a connection, which then is kept; their own clients leave. As many had
/// been there before whose connections were not kept, so that what a crowd leaves behind in the allocator is not counted.
fn upstream(process: &Process) -> f64 {
    let ask = |path: &str| {
        let count = 1_000;
        let mut connections = Connections::open(process.address, count);
        let request = get(path, "");
        connections.ask(std::iter::repeat_n(request.as_slice(), count), 200);
        drop(connections);
        thread::sleep(QUIET);
        (process.resident(), process.open_files())
    };
    ask("/unkept/1024");
    let before = ask("/unkept/1024");
    let after = ask("/live/1024");
    let further = after.1.saturating_sub(before.1);
    assert!(further > 500, "{further} further connections were kept");
    after.0.saturating_sub(before.0) as f64 / 1024.0 / further as f64
}

fn stored(process: &Process) -> f64 {
    let fill = |from: usize, count: usize| {
        let mut connections = Connections::open(process.address, 16);
        let requests: Vec<_> = (from..from + count)
            .map(|key| get(&format!("/cached/1024-{key}"), ""))
            .collect();
        connections.ask(requests.iter().map(Vec::as_slice), 200);
    };
    let count = 20_000;
    fill(0, count / 10);
    let before = process.resident();
    fill(count, count);
    let grown = process.resident().saturating_sub(before);
    grown as f64 / 1024.0 / count as f64 - 1.0
}
