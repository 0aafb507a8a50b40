//! The layer under axum, which wants `Clone + Send + Sync` services and `Send` futures.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::Request;
use perf_monitor::{ObserveLayer, PerformanceMonitor, Window};
use tower::ServiceExt;

use crate::stage::{monitor, route};

#[tokio::test]
async fn a_router_is_observed_route_by_route() {
    let monitor = monitor();
    let (hello, echo) = (route(&monitor, "hello"), route(&monitor, "echo"));
    let app = Router::new()
        .route(
            "/hello",
            get(async || "hello").layer(ObserveLayer::alone(&monitor, hello)),
        )
        .route(
            "/echo",
            post(async |body: String| body).layer(ObserveLayer::alone(&monitor, echo)),
        );
    let answer = app
        .clone()
        .oneshot(Request::get("/hello").body(Body::empty()).unwrap());
    axum::body::to_bytes(answer.await.unwrap().into_body(), 99)
        .await
        .unwrap();
    let answer = app
        .clone()
        .oneshot(Request::post("/echo").body(Body::from("ping")).unwrap());
    axum::body::to_bytes(answer.await.unwrap().into_body(), 99)
        .await
        .unwrap();
    drop(
        app.oneshot(Request::get("/hello").body(Body::empty()).unwrap())
            .await
            .unwrap(),
    );

    let of = |id| monitor.route_metrics(id, Window::Retention).unwrap();
    assert_eq!((of("hello").count, of("hello").aborted), (2, 1));
    assert_eq!(
        (of("echo").count, of("echo").bytes_in, of("echo").bytes_out),
        (1, 4, 4)
    );
}

#[tokio::test]
async fn a_request_can_carry_its_route() {
    let monitor = monitor();
    let (one, other) = (route(&monitor, "one"), route(&monitor, "other"));
    let app = Router::new()
        .route("/", get(async || "hello"))
        .layer(ObserveLayer::alone(&monitor, one));
    let mut request = Request::get("/").body(Body::empty()).unwrap();
    request.extensions_mut().insert(other);
    let answer = app.oneshot(request).await.unwrap();
    axum::body::to_bytes(answer.into_body(), 99).await.unwrap();
    let count = |id| monitor.route_metrics(id, Window::Retention).unwrap().count;
    assert_eq!((count("one"), count("other")), (0, 1));
}
