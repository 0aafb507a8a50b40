//! The layer under axum, which wants `Clone + Send + Sync` services and `Send` futures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::routing::get;
use cache::{
    CacheLayer, CachePolicy, MemoryOptions, MemoryProvider, RouteCacheSettings, TokioSpawn,
};
use http::Request;
use tower::ServiceExt;

#[tokio::test]
async fn a_router_answers_from_the_store_until_something_changes() {
    let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now));
    let policy = CachePolicy::compile("all", &RouteCacheSettings::default(), &[""; 0]);
    let asked = Arc::new(AtomicUsize::new(0));
    let handler = move || {
        let asked = Arc::clone(&asked);
        async move { asked.fetch_add(1, Relaxed).to_string() }
    };
    let app = Router::new()
        .route("/", get(handler).post(async || "changed"))
        .layer(CacheLayer::with_policy(store, policy).executor(TokioSpawn));
    for (method, expected, x_cache) in [
        ("GET", "0", "MISS"),
        ("GET", "0", "HIT"),
        ("POST", "changed", "BYPASS"),
        ("GET", "1", "MISS"),
        ("GET", "1", "HIT"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/")
            .header("host", "h");
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["x-cache"], x_cache);
        assert_eq!(to_bytes(response.into_body(), 99).await.unwrap(), expected);
    }
}
