//! Both layers in an axum service: axum asks of a layer that it is `Clone`, `Send` and `Sync`.

use std::net::{IpAddr, SocketAddr};

use access_control::{
    ClientAddr, ClientAddrLayer, CorsLayer, CorsPolicy, CorsSettings, Preflight, Trust,
    TrustSettings, TrustedProxies,
};
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension};
use axum::routing::get;
use http::{Request, StatusCode};
use tower::ServiceExt as _;

fn router() -> Router {
    let trust = Trust::compile(&TrustSettings {
        trusted_proxies: TrustedProxies::Private,
        ..TrustSettings::default()
    });
    let peer = |extensions: &http::Extensions| -> Option<IpAddr> {
        let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
        Some(peer.ip())
    };
    let origins = ["https://app.example.com".parse().unwrap()];
    let policy = CorsPolicy::compile(&CorsSettings::Switch(true), &origins)
        .unwrap()
        .unwrap();
    Router::new()
        .route(
            "/who",
            get(|Extension(client): Extension<ClientAddr>| async move { client.ip.to_string() }),
        )
        .layer(ClientAddrLayer::new(trust, peer))
        .layer(CorsLayer::for_all(policy))
}

fn request(method: &str, path: &str) -> http::request::Builder {
    let peer: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    Request::builder()
        .method(method)
        .uri(path)
        .header("origin", "https://app.example.com")
        .extension(ConnectInfo(peer))
}

#[tokio::test]
async fn a_page_reads_the_clients_address() {
    let request = request("GET", "/who").header("x-forwarded-for", "203.0.113.7");
    let response = router()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://app.example.com"
    );
    let body = axum::body::to_bytes(response.into_body(), 1024)
        .await
        .unwrap();
    assert_eq!(body, "203.0.113.7");
}

#[tokio::test]
async fn a_preflight_and_an_error_are_answered_too() {
    let preflight = request("OPTIONS", "/who").header("access-control-request-method", "PUT");
    let response = router()
        .oneshot(preflight.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.extensions().get(), Some(&Preflight::Allowed));

    let missing = request("GET", "/missing").body(Body::empty()).unwrap();
    let response = router().oneshot(missing).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        response.headers()["access-control-allow-origin"],
        "https://app.example.com"
    );
}
