//! HTTP/2: one connection, many streams at once.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::cost::line;
use crate::process::Process;
use crate::spread::Spread;

const STREAMS: usize = 64;

/// CPU time a request, as `Row` has it for HTTP/1.
pub(crate) fn measure(
    name: &str,
    path: &str,
    contenders: &[(&str, &Process)],
    (rounds, requests): (usize, usize),
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut times: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for round in 0..=rounds {
        for ((_, process), times) in contenders.iter().zip(&mut times) {
            let before = process.cpu_nanos();
            runtime.block_on(ask(process.address, path, requests));
            let spent = process.cpu_nanos() - before;
            if round > 0 {
                times.push(spent as f64 / 1e3 / requests as f64);
            }
        }
    }
    println!("{name}");
    let mut ours = None;
    for ((name, _), times) in contenders.iter().zip(times) {
        line(name, &Spread::of(times), &mut ours, None);
    }
}

async fn ask(address: SocketAddr, path: &str, requests: usize) {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let running = tokio::spawn(connection);
    let target = format!("http://bench.example{path}");
    for _ in 0..requests / STREAMS {
        let mut wave = JoinSet::new();
        for _ in 0..STREAMS {
            let mut sender = sender.clone();
            let request = Request::get(&target).body(Empty::<Bytes>::new()).unwrap();
            wave.spawn(async move {
                let answer = sender.send_request(request).await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.into_body().collect().await.unwrap().to_bytes().len()
            });
        }
        while let Some(length) = wave.join_next().await {
            assert!(length.unwrap() > 0);
        }
    }
    drop(sender);
    running.abort();
}
