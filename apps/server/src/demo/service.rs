//! The demo's HTTP: what a small JSON service behind a gateway looks like.
use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde_json::json;

use super::catalogue::{Catalogue, Draft, Refused};

type Answer = Response<Full<Bytes>>;

const BODY_BYTES_MAX: usize = 16 << 10;
const SLOW_MAX: Duration = Duration::from_mins(1);

pub(super) async fn answer(
    catalogue: &Catalogue,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or("").to_owned();
    let answer = match path.strip_prefix("/api/").unwrap_or("") {
        "products" => products(catalogue, request).await,
        "slow" => slow(&query).await,
        "flaky" => flaky(&query),
        other => match other.strip_prefix("products/").map(str::parse) {
            Some(Ok(id)) => product(catalogue, id, request).await,
            _ => error(StatusCode::NOT_FOUND, "there is nothing here"),
        },
    };
    Ok(answer)
}

async fn products(catalogue: &Catalogue, request: Request<Incoming>) -> Answer {
    match *request.method() {
        Method::GET | Method::HEAD => {
            let (all, version) = catalogue.all();
            let mut answer = json_of(StatusCode::OK, &all);
            if let Ok(version) = HeaderValue::from_str(&version) {
                answer.headers_mut().insert(ETAG, version);
            }
            answer
        }
        Method::POST => match draft(request).await {
            Ok(draft) => match catalogue.create(draft) {
                Ok(product) => {
                    let mut answer = json_of(StatusCode::CREATED, &product);
                    let place = serde_json::to_value(&product)
                        .ok()
                        .and_then(|value| value["id"].as_u64());
                    if let Some(Ok(place)) =
                        place.map(|id| HeaderValue::from_str(&format!("/api/products/{id}")))
                    {
                        answer.headers_mut().insert(LOCATION, place);
                    }
                    answer
                }
                Err(refused) => refusal(&refused),
            },
            Err(answer) => answer,
        },
        _ => not_allowed("GET, HEAD, POST"),
    }
}

async fn product(catalogue: &Catalogue, id: u64, request: Request<Incoming>) -> Answer {
    match *request.method() {
        Method::GET | Method::HEAD => match catalogue.one(id) {
            Some(product) => json_of(StatusCode::OK, &product),
            None => refusal(&Refused::Unknown),
        },
        Method::PUT => match draft(request).await {
            Ok(draft) => match catalogue.replace(id, draft) {
                Ok(product) => json_of(StatusCode::OK, &product),
                Err(refused) => refusal(&refused),
            },
            Err(answer) => answer,
        },
        Method::DELETE => match catalogue.remove(id) {
            Ok(()) => {
                let mut answer = Response::new(Full::default());
                *answer.status_mut() = StatusCode::NO_CONTENT;
                answer
            }
            Err(refused) => refusal(&refused),
        },
        _ => not_allowed("GET, HEAD, PUT, DELETE"),
    }
}

/// `?ms=…`: answers after so many milliseconds.
async fn slow(query: &str) -> Answer {
    let wait = Duration::from_millis(parameter(query, "ms").unwrap_or(1_000)).min(SLOW_MAX);
    tokio::time::sleep(wait).await;
    uncached(json_of(
        StatusCode::OK,
        &json!({ "slept_ms": wait.as_secs_f64() * 1_000.0 }),
    ))
}

/// `?fail=…`: fails so many per cent of its requests.
fn flaky(query: &str) -> Answer {
    let fail = parameter(query, "fail").unwrap_or(50).min(100);
    if fastrand::u64(0..100) < fail {
        return uncached(error(StatusCode::SERVICE_UNAVAILABLE, "unlucky"));
    }
    uncached(json_of(StatusCode::OK, &json!({ "lucky": true })))
}

fn parameter(query: &str, name: &str) -> Option<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .find_map(|(_, value)| value.parse().ok())
}

async fn draft(request: Request<Incoming>) -> Result<Draft, Answer> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX)
        .collect()
        .await;
    let body =
        body.map_err(|_| error(StatusCode::PAYLOAD_TOO_LARGE, "a product is under 16 KiB"))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|problem| {
        error(
            StatusCode::BAD_REQUEST,
            &format!("expected {{\"name\": text, \"price_cents\": number}}: {problem}"),
        )
    })
}

fn json_of(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut text = serde_json::to_vec(value).unwrap_or_default();
    text.push(b'\n');
    let mut answer = Response::new(Full::new(Bytes::from(text)));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn error(status: StatusCode, text: &str) -> Answer {
    json_of(status, &json!({ "error": text }))
}

fn refusal(refused: &Refused) -> Answer {
    match refused {
        Refused::Unknown => error(StatusCode::NOT_FOUND, "there is no such product"),
        Refused::Full => error(
            StatusCode::INSUFFICIENT_STORAGE,
            "the demo holds no more products",
        ),
    }
}

fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = error(
        StatusCode::METHOD_NOT_ALLOWED,
        "not a method of this resource",
    );
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allow));
    answer
}

fn uncached(mut answer: Answer) -> Answer {
    answer
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
