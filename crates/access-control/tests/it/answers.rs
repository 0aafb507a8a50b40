//! Answers that are no preflights.

use http::StatusCode;
use serde_json::{Value, json};

use crate::gate::{APP, Gate, lines};

#[track_caller]
fn check(found: &[String], expected: &[&str]) {
    assert_eq!(found, expected);
}

async fn get(cors: Value, request: &[(&str, &str)], inner: &[(&str, &str)]) -> Vec<String> {
    let gate = Gate::new(cors).behind(StatusCode::OK, inner);
    let response = gate.ask("GET", request).await;
    assert_eq!(response.body(), "inner");
    lines(&response)
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_read() {
    let found = get(json!(true), &[("origin", APP)], &[]).await;
    check(
        &found,
        &[
            "access-control-allow-origin: https://app.example.com",
            "vary: Origin",
        ],
    );

    let table = json!({"origins": ["https://*.example.org"], "expose": ["ETag", "link"], "credentials": true});
    let found = get(table, &[("origin", "https://a.b.example.org")], &[]).await;
    check(
        &found,
        &[
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://a.b.example.org",
            "access-control-expose-headers: etag, link",
            "vary: Origin",
        ],
    );
}

#[tokio::test]
async fn others_get_no_permission_and_the_cache_is_told() {
    let table = json!({"expose": ["etag"], "credentials": true});
    for request in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("origin", "HTTPS://APP.EXAMPLE.COM")],
        &[("origin", APP), ("origin", APP)],
        &[("origin", "\u{e9}")],
        &[],
    ] {
        check(&get(table.clone(), request, &[]).await, &["vary: Origin"]);
    }
}

#[tokio::test]
async fn with_any_origin_all_get_the_same_answer() {
    let table = json!({"origins": [APP, "*"], "expose": ["*"]});
    for request in [
        &[("origin", "https://a.example")][..],
        &[("origin", "null")],
        &[],
    ] {
        let found = get(table.clone(), request, &[]).await;
        check(
            &found,
            &[
                "access-control-allow-origin: *",
                "access-control-expose-headers: *",
            ],
        );
    }
}

#[tokio::test]
async fn the_fields_of_the_service_behind_are_replaced() {
    let inner = [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-origin", "https://other.example"),
        ("access-control-allow-credentials", "true"),
        ("access-control-expose-headers", "x-secret"),
        ("access-control-of-tomorrow", "yes"),
        ("etag", "\"1\""),
    ];
    let found = get(json!(true), &[("origin", APP)], &inner).await;
    let permission = "access-control-allow-origin: https://app.example.com";
    check(&found, &[permission, "etag: \"1\"", "vary: Origin"]);
    let found = get(json!(true), &[], &inner).await;
    check(&found, &["etag: \"1\"", "vary: Origin"]);
}

#[tokio::test]
async fn vary_keeps_what_it_had_and_says_origin_once() {
    for (inner, expected) in [
        ("accept", &["vary: Origin", "vary: accept"][..]),
        ("accept, Origin", &["vary: accept, Origin"]),
        ("*", &["vary: *"]),
        ("x-origin", &["vary: Origin", "vary: x-origin"]),
    ] {
        check(&get(json!(true), &[], &[("vary", inner)]).await, expected);
    }
}

#[tokio::test]
async fn errors_and_refusals_can_be_read_too() {
    for status in [401, 404, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        let gate = Gate::new(json!(true)).behind(status, &[("retry-after", "1")]);
        let response = gate.ask("POST", &[("origin", APP)]).await;
        assert_eq!(response.status(), status);
        let permission = "access-control-allow-origin: https://app.example.com";
        check(
            &lines(&response),
            &[permission, "retry-after: 1", "vary: Origin"],
        );
    }
}

#[tokio::test]
async fn a_route_without_a_policy_passes_untouched() {
    let inner = [("access-control-allow-origin", "*")];
    let found = get(json!(false), &[("origin", APP)], &inner).await;
    check(&found, &["access-control-allow-origin: *"]);

    let gate = Gate::new(json!(false)).behind(StatusCode::NO_CONTENT, &inner);
    let preflight = [("origin", APP), ("access-control-request-method", "PUT")];
    let response = gate.ask("OPTIONS", &preflight).await;
    assert_eq!(response.body(), "inner");
    check(&lines(&response), &["access-control-allow-origin: *"]);
}
