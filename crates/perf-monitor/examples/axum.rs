//! An axum service whose routes are observed, and `/metrics` about them.
//!
//! `cargo run -p perf-monitor --example perf-monitor-axum`, then `curl` what it prints.

#![expect(clippy::print_stdout, reason = "an example says where it listens")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use perf_monitor::{Format, Monitor, MonitorSettings, ObserveLayer, Process, RouteLabel, Window};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let settings = MonitorSettings::default();
    let monitor = Monitor::new(&settings, 0, Instant::now);
    let observed = |id, template| {
        let route = monitor.slot(RouteLabel { id, template });
        ObserveLayer::alone(&monitor, route)
    };

    let hello = get(async || "hello\n").layer(observed("hello", "/hello"));
    let slow = get(async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "at last\n"
    });
    let told = Arc::clone(&monitor);
    let metrics = get(async move |headers, uri| metrics(&told, &headers, &uri));
    let app = Router::new()
        .route("/hello", hello)
        .route("/slow", slow.layer(observed("slow", "/slow")))
        .route("/metrics", metrics);

    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(settings.interval);
        loop {
            ticks.tick().await;
            monitor.fold(Instant::now());
            if let Some(process) = Process::sample() {
                monitor.set_process(process);
            }
        }
    });

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("curl http://{}/hello", listener.local_addr()?);
    println!("curl http://{}/metrics?format=json", listener.local_addr()?);
    axum::serve(listener, app).await
}

fn metrics(monitor: &Monitor, headers: &HeaderMap, uri: &Uri) -> Response {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::negotiate(accept, uri.query());
    let body = match format {
        Format::Json => serde_json::to_string(&monitor.document(Window::Retention))
            .unwrap_or_else(|error| error.to_string()),
        Format::Prometheus | Format::OpenMetrics => monitor.text(format),
    };
    ([(CONTENT_TYPE, format.content_type())], body).into_response()
}
