//! An axum service with routes of its own that hands everything else to an upstream:
//! `cargo run -p upstream --example upstream-axum -- http://127.0.0.1:4001`. Without an address it forwards to
//! a small upstream in the same process.

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use upstream::{ClientInfo, Forward, ForwardPolicy, Upstream, UpstreamSettings};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoint = match std::env::args().nth(1) {
        Some(address) => address,
        None => small_upstream().await?,
    };
    let settings = UpstreamSettings::for_endpoints([endpoint.parse()?]);
    let policy = ForwardPolicy {
        upgrade: true,
        ..ForwardPolicy::new(Upstream::new("example", &settings))
    };
    let app = Router::new()
        .route("/here", get(async || "answered here\n"))
        .fallback_service(Forward::alone(policy))
        .layer(from_fn(tell_client));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("http://{}/ forwards to {endpoint}", listener.local_addr()?);
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}

/// Says who asks, so that the upstream is told.
async fn tell_client(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let client = ClientInfo {
        host: request.headers().get("host").cloned(),
        ..ClientInfo::new(peer.ip())
    };
    request.extensions_mut().insert(client);
    next.run(request).await
}

async fn small_upstream() -> Result<String, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let app = Router::new().fallback(async |request: Request| format!("{request:#?}\n"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}
