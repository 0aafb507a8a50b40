//! The layers in an axum service, which wants `Clone + Send + Sync` of them.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::{Extension, Router};
use http::Request;
use route_core::{MatchedRoute, RefuseLayer, RouteLayer};
use tower::{ServiceBuilder, ServiceExt};

use crate::table::table;

#[tokio::test]
async fn a_handler_finds_its_route() {
    let layers = ServiceBuilder::new()
        .layer(RouteLayer::alone(Arc::new(table(&["GET /a/{x}"]))))
        .layer(RefuseLayer::alone());
    let handler = async |Extension(route): Extension<MatchedRoute>| {
        format!(
            "{} {} {}",
            route.id(),
            route.template(),
            route.param("x").unwrap()
        )
    };
    let app = Router::new().fallback(handler).layer(layers);
    let ask = |target: &str| {
        let request = Request::get(target).body(Body::empty()).unwrap();
        app.clone().oneshot(request)
    };
    let response = ask("//a/%41").await.unwrap();
    let body = to_bytes(response.into_body(), 99).await.unwrap();
    assert_eq!(body, "r0 /a/{x} A");
    assert_eq!(ask("/b").await.unwrap().status(), 404);
}
