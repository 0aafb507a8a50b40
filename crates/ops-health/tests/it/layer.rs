//! The probes in front of a service, axum's included.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Extensions, Method, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt, Full};
use ops_health::{
    Detail, HealthMonitor, HealthSettings, Lifecycle, MemoryCheck, ProbeBody, ProbeLayer,
};
use tower::{Layer, ServiceExt, service_fn};

fn probes() -> (Lifecycle, ProbeLayer) {
    let lifecycle = Lifecycle::new();
    let monitor = HealthMonitor::new(&HealthSettings::default());
    monitor.add_check(Arc::new(MemoryCheck::new()));
    (lifecycle.clone(), ProbeLayer::new(lifecycle, monitor))
}

fn request(method: Method, path: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    request.body(Body::empty()).unwrap()
}

async fn text(body: Body) -> String {
    let bytes = body.collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn it_stands_before_an_axum_service() {
    let (lifecycle, layer) = probes();
    let app = Router::new()
        .route("/", get(|| async { "home" }))
        .route("/health/ready", post(|| async { "the program's own" }))
        .layer(layer);

    let answer = app
        .clone()
        .oneshot(request(Method::GET, "/readyz"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    lifecycle.mark_started();
    let answer = app
        .clone()
        .oneshot(request(Method::GET, "/readyz"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(text(answer.into_body()).await, r#"{"status":"ready"}"#);

    let answer = app
        .clone()
        .oneshot(request(Method::HEAD, "/health/live"))
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = app
        .clone()
        .oneshot(request(Method::POST, "/health/ready"))
        .await
        .unwrap();
    assert_eq!(text(answer.into_body()).await, "the program's own");
    let answer = app.oneshot(request(Method::GET, "/")).await.unwrap();
    assert_eq!(text(answer.into_body()).await, "home");
}

#[tokio::test]
async fn details_are_for_those_of_whom_the_program_says_so() {
    #[derive(Clone)]
    struct Operator;
    fn detail(extensions: &Extensions) -> Detail {
        match extensions.get::<Operator>() {
            Some(_) => Detail::Full,
            None => Detail::Bare,
        }
    }
    let inner = service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = probes().1.with_detail(detail).layer(inner);
    for operator in [false, true] {
        let mut ask = request(Method::GET, "/health");
        if operator {
            ask.extensions_mut().insert(Operator);
        }
        let answer = service.clone().oneshot(ask).await.unwrap();
        let json = answer.into_body().collect().await.unwrap().to_bytes();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let criticality = &json["checks"]["memory"]["criticality"];
        assert_eq!(criticality == "critical", operator);
    }
}

#[test]
fn a_body_tells_its_length() {
    let empty = ProbeBody::<Full<Bytes>>::default();
    assert!(empty.is_end_stream());
    assert_eq!(empty.size_hint().exact(), Some(0));
}
