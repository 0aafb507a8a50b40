//! A plain hyper server that is observed and hears how each request ended.
//!
//! `cargo run -p perf-monitor --example perf-monitor-hyper`, then `curl` what it prints.

#![expect(
    clippy::print_stdout,
    reason = "an example says where it listens and what it sees"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use perf_monitor::{
    Ended, Monitor, MonitorSettings, ObserveLayer, RouteLabel, RouteSlot, SlotIndex, Subject,
};
use tower::{Layer, ServiceBuilder, service_fn};

/// What this program knows of a request.
#[derive(Debug)]
struct Visit {
    path: String,
    route: RouteSlot,
}

impl Subject for Visit {
    fn slot(&self) -> SlotIndex {
        self.route.index()
    }

    fn ended(&self, ended: &Ended) {
        let time = ended.response_time.unwrap_or_default();
        println!("{} {} {time:?}", ended.status, self.path);
    }
}

fn visit(extensions: &Extensions) -> Option<Arc<dyn Subject>> {
    let visit: &Arc<Visit> = extensions.get()?;
    Some(Arc::clone(visit) as Arc<dyn Subject>)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    // One thread serves, so it has cells of its own.
    let monitor = Monitor::new(&MonitorSettings::default(), 1, Instant::now);
    let observe = ObserveLayer::new(monitor.shard(0), Instant::now, visit);
    let route = monitor.slot(RouteLabel {
        id: "all",
        template: "/*",
    });

    let told = Arc::clone(&monitor);
    let answer = service_fn(move |_| {
        let text = told.text(perf_monitor::Format::Prometheus);
        async { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text)))) }
    });
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<hyper::body::Incoming>| {
            let (path, route) = (request.uri().path().to_owned(), route.clone());
            request
                .extensions_mut()
                .insert(Arc::new(Visit { path, route }));
            request
        })
        .service(observe.layer(answer));

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("curl http://{}/", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        let connection = http1::Builder::new().serve_connection(TokioIo::new(socket), service);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}
