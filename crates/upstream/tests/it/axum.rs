//! The service under axum, which wants it `Clone + Send + Sync` and its future `Send`.

use axum::Router;
use axum::body::Body;
use axum::routing::post;
use http::Request;
use tower::ServiceExt;
use upstream::Forward;

use crate::origin::{policy, settings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_a_fallback_of_a_router() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origin = Router::new().route("/echo", post(async |body: String| body));
    tokio::spawn(async move { axum::serve(listener, origin).await });

    let forward = Forward::alone(policy(&settings(&[address])));
    let app: Router = Router::new().fallback_service(forward);
    for _ in 0..3 {
        let request = Request::post("/echo").body(Body::from("hello")).unwrap();
        let answer = app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let bytes = axum::body::to_bytes(answer.into_body(), 99).await.unwrap();
        assert_eq!(bytes, "hello");
    }
    let request = Request::get("/none").body(Body::empty()).unwrap();
    let answer = app.oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 404);
}
