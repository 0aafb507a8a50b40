//! A client that calls the service in the same process.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use tower::ServiceExt;
use upstream::{AnswerBody, Forward};

pub(crate) type Sends = UnsyncBoxBody<Bytes, std::io::Error>;
pub(crate) type Answer = Response<AnswerBody<Sends>>;

pub(crate) fn empty() -> Sends {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub(crate) fn full(bytes: impl Into<Bytes>) -> Sends {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

pub(crate) async fn send(forward: &Forward, request: Request<Sends>) -> Answer {
    forward.clone().oneshot(request).await.unwrap()
}

pub(crate) async fn get(forward: &Forward) -> Answer {
    send(forward, Request::get("/a").body(empty()).unwrap()).await
}

pub(crate) async fn post(forward: &Forward, body: impl Into<Bytes>) -> Answer {
    send(forward, Request::post("/a").body(full(body)).unwrap()).await
}

pub(crate) async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Lets everything that is ready run, until `true`.
pub(crate) async fn until(mut what: impl FnMut() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}
