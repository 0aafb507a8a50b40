//! The built-in demo: a small JSON service in this process, behind the gateway over a real loopback
//! connection, so that a newcomer sees every part at work without another program.
//!
//! It runs in `development` where no route is configured, and is off as soon as one is. Its data is in
//! memory: what is written is gone with the process.

mod catalogue;
mod service;

use std::io;
use std::net::SocketAddr;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use catalogue::Catalogue;

/// The most connections that the demo serves at once; the gateway keeps its pool below.
const CONNECTIONS_MAX: usize = 1_024;

/// Binds the demo to a loopback port that the system chooses, and serves it on this runtime.
pub async fn start() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let catalogue = Catalogue::shared();
    tokio::spawn(async move {
        let places = std::sync::Arc::new(tokio::sync::Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = std::sync::Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let stream = match listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the demo could not accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
            };
            let catalogue = catalogue.clone();
            tokio::spawn(async move {
                let answer = service_fn(|request| service::answer(&catalogue, request));
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), answer);
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the demo ended early");
                }
                drop(place);
            });
        }
    });
    Ok(address)
}

/// The demo's routes as a configuration layer in TOML.
pub fn configuration(address: SocketAddr) -> String {
    format!(
        r#"
[upstreams.demo]
endpoints = ["http://{address}"]

[routes.products]
path = "/api/products"
methods = ["GET"]
upstream = "demo"
cache = {{ ttl = "60s" }}

[routes.products-create]
path = "/api/products"
methods = ["POST"]
upstream = "demo"

[routes.product]
path = "/api/products/{{id}}"
methods = ["GET"]
upstream = "demo"
cache = {{ ttl = "60s" }}

[routes.product-change]
path = "/api/products/{{id}}"
methods = ["PUT", "DELETE"]
upstream = "demo"

[routes.slow]
path = "/api/slow"
methods = ["GET"]
upstream = "demo"

[routes.flaky]
path = "/api/flaky"
methods = ["GET"]
upstream = "demo"
retries = {{ attempts = 0 }}
"#
    )
}

/// The three lines to try, for a gateway at `address`.
pub fn lines(address: SocketAddr) -> [String; 3] {
    let url = format!("http://{address}/api/products");
    [
        format!("curl -i {url}"),
        format!("curl -i {url}"),
        format!(
            "curl -i -H 'If-None-Match: {}' {url}",
            catalogue::FIRST_VERSION
        ),
    ]
}
