//! A router with a cache before it: `cargo run -p cache --features tokio --example cache-axum`, then ask
//! twice with `curl -i`. A `POST` to the same address makes the stored answer invalid.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::routing::get;
use cache::{
    CacheLayer, CachePolicy, MemoryOptions, MemoryProvider, RouteCacheSettings, TokioSpawn,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now));
    let sweeping = Arc::clone(&store);
    tokio::spawn(async move {
        // Frees what has expired and nobody asks for.
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            sweeping.sweep(Instant::now());
        }
    });
    let settings = RouteCacheSettings {
        ttl: Some(Duration::from_secs(10)),
        ..RouteCacheSettings::default()
    };
    let policy = CachePolicy::compile("all", &settings, &["X-Api-Key"]);
    let app = Router::new()
        .route("/", get(now).post(async || "changed\n"))
        .layer(CacheLayer::with_policy(store, policy).executor(TokioSpawn));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn now() -> String {
    format!("{:?}\n", SystemTime::now())
}
