//! What the program costs a request, beside bare hyper: CPU time (user and system) of the serving process, in one run, rounds interleaved.
//!
//! Each contender is this very binary started anew with one worker; the load comes from this process over kept connections. The figure is CPU
//! time, which holds on a noisy machine where wall time does not. *Bare hyper* is a service that drops the request inside `call`.
//!
//! `cargo bench -p server --bench http -- [ROUNDS] [REQUESTS]`
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot run ends"
)]

use std::convert::Infallible;
use std::future::ready;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

/// Connections that are asked on at once.
const CONNECTIONS: usize = 16;
const BODY: usize = 1_024;

fn main() {
    let arguments: Vec<_> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [role, at, ..] = &arguments[..] {
        match role.as_str() {
            "bare" => return bare(),
            "bare-proxy" => return bare_proxy(at.parse().unwrap()),
            _ => {}
        }
    }
    let number = |place: usize, default: usize| {
        arguments
            .get(place)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (rounds, requests) = (number(0, 7), number(1, 20_000));

    let origin = Served::role("bare", "-");
    let config = tempfile::tempdir().unwrap();
    let file = config.path().join("bench.toml");
    std::fs::write(&file, configuration(origin.address)).unwrap();
    let urm = Served::program(&file);
    let bare = Served::role("bare", "-");
    let proxy = Served::role("bare-proxy", &origin.address.to_string());

    println!(
        "CPU microseconds a request (user and system of the server), {BODY} B, {CONNECTIONS} connections, {rounds} rounds of {requests}"
    );
    let rows = [
        Row {
            name: "hit",
            path: "/cached/x",
            ours: &urm,
            other: &bare,
        },
        Row {
            name: "respond",
            path: "/respond",
            ours: &urm,
            other: &bare,
        },
        Row {
            name: "proxied",
            path: "/live/x",
            ours: &urm,
            other: &proxy,
        },
    ];
    for row in rows {
        row.measure(rounds, requests);
    }
}

fn configuration(origin: SocketAddr) -> String {
    let body = "x".repeat(BODY);
    format!(
        "host = \"127.0.0.1\"\nport = 0\naccess_log = \"off\"\n[admin]\nport = 0\n[http]\nworkers = 1\n[upstreams.origin]\nendpoints = [\"http://{origin}\"]\n\
         [routes.cached]\npath = \"/cached/{{*rest}}\"\nupstream = \"origin\"\ncache = {{ ttl = \"1h\" }}\n\
         [routes.live]\npath = \"/live/{{*rest}}\"\nupstream = \"origin\"\n\
         [routes.respond]\npath = \"/respond\"\nrespond = {{ body = \"{body}\" }}\n"
    )
}

/// Two contenders for one kind of request.
struct Row<'a> {
    name: &'a str,
    path: &'a str,
    ours: &'a Served,
    other: &'a Served,
}

impl Row<'_> {
    fn measure(&self, rounds: usize, requests: usize) {
        let mut ours = Vec::new();
        let mut other = Vec::new();
        // The first round warms both up and does not count.
        for round in 0..=rounds {
            for (server, times) in [(self.ours, &mut ours), (self.other, &mut other)] {
                let cost = server.cost(self.path, requests);
                if round > 0 {
                    times.push(cost);
                }
            }
        }
        let (ours, other) = (Spread::of(ours), Spread::of(other));
        println!(
            "{:8} ours {ours}   bare hyper {other}   ratio {:.2}",
            self.name,
            ours.median / other.median
        );
    }
}

struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: values[values.len() / 2],
            least: values[0],
            most: values[values.len() - 1],
        }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:6.2} ({:.2}-{:.2})",
            self.median, self.least, self.most
        )
    }
}

/// A server in a process of its own.
struct Served {
    child: Child,
    address: SocketAddr,
}

impl Served {
    fn role(role: &str, at: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([role, at])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            child,
            address: line.trim().parse().unwrap(),
        }
    }

    fn program(config: &std::path::Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_urm"));
        let mut child = command
            .arg("--config")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines
            .find_map(|line| line.ok()?.strip_prefix("gateway  http://")?.parse().ok())
            .expect("the server starts");
        thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// CPU microseconds that the process spends on a request.
    fn cost(&self, path: &str, requests: usize) -> f64 {
        let before = self.cpu_micros();
        let each = requests / CONNECTIONS;
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| load(self.address, path, each));
            }
        });
        (self.cpu_micros() - before) / (each * CONNECTIONS) as f64
    }

    fn cpu_micros(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after = stat.rsplit_once(')').unwrap().1;
        let ticks: u64 = after
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|field| field.parse::<u64>().unwrap())
            .sum();
        // Linux counts in hundredths of a second whatever the kernel's own tick is.
        ticks as f64 * 10_000.0
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again on one connection.
fn load(address: SocketAddr, path: &str, requests: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
    let mut answer = Vec::with_capacity(4 << 10);
    let mut piece = [0; 4 << 10];
    for _ in 0..requests {
        stream.write_all(request.as_bytes()).unwrap();
        answer.clear();
        loop {
            let read = stream.read(&mut piece).unwrap();
            assert!(read > 0, "the server closed");
            answer.extend_from_slice(&piece[..read]);
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                assert!(
                    answer.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&answer)
                );
                if answer.len() >= end + 4 + BODY {
                    break;
                }
            }
        }
    }
}

fn serve<S, B>(service: impl Fn() -> S + 'static)
where
    S: hyper::service::Service<
            Request<Incoming>,
            Response = Response<B>,
            Error = Infallible,
            Future: 'static,
        > + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tasks = tokio::task::LocalSet::new();
    tasks.block_on(&runtime, async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service());
            tokio::task::spawn_local(async move { drop(served.await) });
        }
    });
}

fn bare() {
    static ANSWER: [u8; BODY] = [b'x'; BODY];
    serve(|| {
        service_fn(|_: Request<Incoming>| {
            let mut response = Response::new(Full::new(Bytes::from_static(&ANSWER)));
            response
                .headers_mut()
                .insert("content-type", http::HeaderValue::from_static("text/plain"));
            ready(Ok::<_, Infallible>(response))
        })
    });
}

/// A server and pooled client connections on one runtime.
fn bare_proxy(origin: SocketAddr) {
    type Sender = hyper::client::conn::http1::SendRequest<Empty<Bytes>>;
    let idle: Arc<parking_lot::Mutex<Vec<Sender>>> = Arc::default();
    serve(move || {
        let idle = Arc::clone(&idle);
        service_fn(move |request: Request<Incoming>| {
            let idle = Arc::clone(&idle);
            async move {
                let kept = idle.lock().pop();
                let mut sender = if let Some(sender) = kept {
                    sender
                } else {
                    let stream = tokio::net::TcpStream::connect(origin).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let (sender, connection) =
                        hyper::client::conn::http1::handshake(TokioIo::new(stream))
                            .await
                            .unwrap();
                    tokio::spawn(connection);
                    sender
                };
                sender.ready().await.unwrap();
                let (mut parts, _) = request.into_parts();
                parts.uri = parts.uri.path().parse().unwrap();
                let response = sender
                    .send_request(Request::from_parts(parts, Empty::new()))
                    .await
                    .unwrap();
                let (parts, body) = response.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                idle.lock().push(sender);
                Ok::<_, Infallible>(Response::from_parts(parts, Full::new(body)))
            }
        })
    });
}
