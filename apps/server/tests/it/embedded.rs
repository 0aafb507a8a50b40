//! The whole stack around a program's own handlers, as a service of another server.
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use server::embed::Embedded;
use server::settings::Settings;
use tower::{Service, ServiceExt};

fn settings() -> Settings {
    let routes = serde_json::json!({ "routes": {
        "hello": { "path": "/hello/{name}", "methods": ["GET"], "cache": { "ttl": { "secs": 60, "nanos": 0 } } },
        "panics": { "path": "/panics" },
    }});
    serde_json::from_value(routes).unwrap()
}

fn handlers() -> Router {
    async fn boom() -> &'static str {
        panic!("on purpose")
    }
    Router::new()
        .route("/hello/{name}", get(async || "hello"))
        .route("/panics", get(boom))
}

async fn ask(
    service: &mut impl Service<
        Request<Body>,
        Response = http::Response<
            impl http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>,
        >,
        Error = std::convert::Infallible,
    >,
    path: &str,
) -> (u16, Option<String>, String) {
    let response = service
        .ready()
        .await
        .unwrap()
        .call(
            Request::get(path)
                .header("host", "a")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .unwrap();
    let cache = response
        .headers()
        .get("x-cache")
        .map(|value| value.to_str().unwrap().to_owned());
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, cache, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn handlers_get_every_layer() {
    let embedded = Embedded::new(&settings()).unwrap();
    let mut service = embedded.service(handlers());
    let (status, cache, body) = ask(&mut service, "/hello/you").await;
    assert_eq!(
        (status, cache.as_deref(), body.as_str()),
        (200, Some("MISS"), "hello")
    );
    let (_, cache, body) = ask(&mut service, "/hello/you").await;
    assert_eq!((cache.as_deref(), body.as_str()), (Some("HIT"), "hello"));
    let (status, _, body) = ask(&mut service, "/panics").await;
    assert_eq!(status, 500);
    assert!(body.contains("proxy_internal_error"), "{body}");
    let (status, _, body) = ask(&mut service, "/nothing").await;
    assert_eq!(status, 404);
    assert!(body.contains("requestId"), "{body}");
}

#[tokio::test]
async fn axum_serves_the_stack() {
    let embedded = Embedded::new(&settings()).unwrap();
    // axum wants Clone, Send and Sync of the service and Send of its future; auto traits carry them.
    let app: Router = Router::new().fallback_service(embedded.service(handlers()));
    let response = app
        .oneshot(
            Request::get("/hello/axum")
                .header("host", "a")
                .body(Body::empty())
                .unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_a_fault_and_no_open_route() {
    let mut settings = settings();
    let route = settings.routes.values_mut().next().unwrap();
    route.flag = Some("typo".to_owned());
    let error = Embedded::new(&settings).unwrap_err().to_string();
    assert!(error.contains("there is no flag \"typo\""), "{error}");
}

#[tokio::test]
async fn a_handler_that_is_not_ready_is_waited_for() {
    let embedded = Embedded::new(&settings()).unwrap();
    // Its permit is taken in `poll_ready`: called without, it panics.
    let own = tower::ServiceBuilder::new()
        .layer(tower::limit::ConcurrencyLimitLayer::new(1))
        .service(handlers());
    let mut service = embedded.service(own);
    let (status, _, body) = ask(&mut service, "/hello/you").await;
    assert_eq!((status, body.as_str()), (200, "hello"));
}
