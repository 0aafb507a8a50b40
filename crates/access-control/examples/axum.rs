//! An axum service that tells each caller its address, and lets pages of one origin read it.
//!
//! ```text
//! curl -H 'X-Forwarded-For: 203.0.113.7' http://127.0.0.1:PORT/
//! curl -i -H 'Origin: http://localhost:3000' http://127.0.0.1:PORT/
//! ```
#![expect(clippy::print_stdout, reason = "the address is what to try")]

use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use access_control::{
    ClientAddr, ClientAddrLayer, CorsLayer, CorsPolicy, CorsSettings, Trust, TrustSettings,
    TrustedProxies,
};
use axum::Router;
use axum::extract::{ConnectInfo, Extension};
use axum::routing::get;
use http::Extensions;
use tokio::net::TcpListener;

/// Where axum leaves the peer's address.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.ip())
}

async fn who(Extension(client): Extension<ClientAddr>) -> String {
    format!("you are {}\n", client.ip)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let trust = Trust::compile(&TrustSettings {
        trusted_proxies: TrustedProxies::Private,
        ..TrustSettings::default()
    });
    let origins = ["http://localhost:3000".parse()?];
    let mut router = Router::new()
        .route("/", get(who))
        .layer(ClientAddrLayer::new(trust, peer));
    if let Some(policy) = CorsPolicy::compile(&CorsSettings::Switch(true), &origins)? {
        router = router.layer(CorsLayer::for_all(policy));
    }

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
