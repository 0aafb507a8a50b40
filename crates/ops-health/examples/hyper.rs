//! Probes in front of a plain hyper server, whose connections end in good order on Ctrl-C.
//!
//! ```sh
//! cargo run -p ops-health --example ops-health-hyper
//! curl http://127.0.0.1:PORT/health/ready
//! ```
#![expect(clippy::print_stdout, reason = "the example says where it listens")]

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use ops_health::{
    CLOSE_LISTENERS, Drain, HealthMonitor, HealthSettings, HookError, Lifecycle, MemoryCheck,
    Priority, ProbeLayer, Shutdown, ShutdownSettings,
};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let lifecycle = Lifecycle::new();
    let monitor = HealthMonitor::new(&HealthSettings::default());
    monitor.add_check(Arc::new(MemoryCheck::new()));
    monitor.start_periodic_checks(Duration::from_secs(10));

    let settings = ShutdownSettings {
        delay: Some(Duration::ZERO),
        ..ShutdownSettings::default()
    };
    let shutdown = Shutdown::new(&settings, lifecycle.clone());
    let drain = Arc::new(Drain::new());
    let connections = Arc::clone(&drain);
    shutdown.register_fn(CLOSE_LISTENERS, Priority::CLOSE_LISTENERS, move |time| {
        let connections = Arc::clone(&connections);
        async move {
            connections.begin();
            // A little before this hook is cut, it says what it leaves behind.
            let last = time.when_gone(0.85).into();
            let drained = tokio::time::timeout_at(last, connections.drained()).await;
            drained.map_err(|_| {
                HookError::StillRunning(format!("{} connections", connections.under_way()))
            })
        }
    });

    let home = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("home\n"))))
    });
    let service = ProbeLayer::new(lifecycle.clone(), monitor).layer(home);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    lifecycle.mark_started();
    let accept = tokio::spawn(async move {
        let mut closing = drain.watch();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = closing.signaled() => return,
            };
            let Ok((stream, _)) = accepted else { continue };
            let service = TowerToHyperService::new(service.clone());
            let mut watch = drain.watch();
            tokio::spawn(async move {
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                let mut connection = pin!(connection);
                tokio::select! {
                    _ = &mut connection => return,
                    () = watch.signaled() => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
    });

    tokio::signal::ctrl_c().await?;
    let report = shutdown.run().await;
    accept.await?;
    Ok(ExitCode::from(report.exit_code()))
}
