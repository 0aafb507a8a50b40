//! Probes in front of an axum service, and a stop in good order on Ctrl-C.
//!
//! ```sh
//! cargo run -p ops-health --example ops-health-axum
//! curl http://127.0.0.1:PORT/health
//! ```
#![expect(clippy::print_stdout, reason = "the example says where it listens")]

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ops_health::{
    CLOSE_LISTENERS, HealthMonitor, HealthSettings, HookError, Lifecycle, MemoryCheck, Priority,
    ProbeLayer, Shutdown, ShutdownSettings,
};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let settings = HealthSettings::default();
    let lifecycle = Lifecycle::new();
    let monitor = HealthMonitor::new(&settings);
    monitor.add_check(Arc::new(MemoryCheck::new()));
    monitor.start_periodic_checks(settings.interval);

    let app = Router::new()
        .route("/", get(|| async { "home\n" }))
        .layer(ProbeLayer::new(lifecycle.clone(), Arc::clone(&monitor)));

    let shutdown = Shutdown::new(&ShutdownSettings::default(), lifecycle.clone());
    shutdown.register_fn("stop-checks", Priority::STOP_CHECKS, move |_| {
        monitor.stop_periodic_checks();
        async { Ok(()) }
    });
    // One channel tells axum to finish, the other tells that it has.
    let (close, mut closing) = watch::channel(false);
    let (served, done) = watch::channel(());
    shutdown.register_fn(CLOSE_LISTENERS, Priority::CLOSE_LISTENERS, move |_| {
        close.send_replace(true);
        let mut done = done.clone();
        async move {
            while done.changed().await.is_ok() {}
            Ok::<(), HookError>(())
        }
    });

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let closed = async move {
            let _ = closing.wait_for(|close| *close).await;
        };
        let _ = axum::serve(listener, app)
            .with_graceful_shutdown(closed)
            .await;
        drop(served);
    });
    lifecycle.mark_started();

    tokio::signal::ctrl_c().await?;
    let report = shutdown.run().await;
    Ok(ExitCode::from(report.exit_code()))
}
