//! Browsers that ask first.

use access_control::Preflight;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gate::{APP, Gate, lines};

/// Asks for `method` with `names`, and expects an answer that the service behind had no part in.
async fn ask(
    gate: &Gate,
    origin: &str,
    method: &str,
    names: &[&str],
) -> (Preflight, Response<String>) {
    let mut request = vec![
        ("origin", origin),
        ("access-control-request-method", method),
    ];
    request.extend(
        names
            .iter()
            .map(|names| ("access-control-request-headers", *names)),
    );
    let response = gate.ask("OPTIONS", &request).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.body(), "", "the service behind was asked");
    let reason = *response.extensions().get::<Preflight>().unwrap();
    let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert_eq!(
        vary[vary.len() - 1],
        "Access-Control-Request-Method, Access-Control-Request-Headers"
    );
    (reason, response)
}

async fn refusal(gate: &Gate, origin: &str, method: &str, names: &[&str]) -> Preflight {
    let (reason, response) = ask(gate, origin, method, names).await;
    let granted = response
        .headers()
        .keys()
        .any(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(
        granted,
        reason == Preflight::Allowed,
        "{:?}",
        response.headers()
    );
    reason
}

#[tokio::test]
async fn an_allowed_one_is_answered_in_full() {
    let gate = Gate::new(json!({
        "methods": ["GET", "PUT"],
        "headers": ["Content-Type", "X-Trace"],
        "expose": ["etag"],
        "credentials": true,
        "max_age": {"secs": 5, "nanos": 0},
    }));
    let (reason, response) = ask(&gate, APP, "PUT", &["content-type"]).await;
    assert_eq!(reason, Preflight::Allowed);
    assert_eq!(
        lines(&response),
        [
            "access-control-allow-credentials: true",
            "access-control-allow-headers: content-type, x-trace",
            "access-control-allow-methods: GET, PUT",
            "access-control-allow-origin: https://app.example.com",
            "access-control-max-age: 5",
            "vary: Access-Control-Request-Method, Access-Control-Request-Headers",
            "vary: Origin",
        ]
    );
}

#[tokio::test]
async fn a_bare_switch_allows_what_the_path_answers_and_any_field() {
    let gate = Gate::new(json!(true)).answering("GET, HEAD, DELETE");
    let (reason, response) = ask(&gate, APP, "DELETE", &["authorization,x-trace"]).await;
    assert_eq!(reason, Preflight::Allowed);
    assert_eq!(
        lines(&response),
        [
            "access-control-allow-headers: authorization,x-trace",
            "access-control-allow-methods: GET, HEAD, DELETE",
            "access-control-allow-origin: https://app.example.com",
            "access-control-max-age: 600",
            "vary: Access-Control-Request-Method, Access-Control-Request-Headers",
            "vary: Origin",
        ]
    );
    assert_eq!(
        refusal(&gate, APP, "PUT", &[]).await,
        Preflight::MethodRefused
    );
}

#[tokio::test]
async fn who_may_get_may_head() {
    check(
        json!({"methods": ["GET"]}),
        APP,
        "HEAD",
        &[],
        Preflight::Allowed,
    )
    .await;
    check(
        json!({"methods": ["HEAD"]}),
        APP,
        "GET",
        &[],
        Preflight::MethodRefused,
    )
    .await;
}

#[tokio::test]
async fn a_path_that_answers_any_method_allows_the_one_asked_for() {
    let gate = Gate::new(json!(true));
    let (reason, response) = ask(&gate, APP, "PURGE", &[]).await;
    assert_eq!(reason, Preflight::Allowed);
    assert_eq!(response.headers()["access-control-allow-methods"], "PURGE");
    assert!(
        !response
            .headers()
            .contains_key("access-control-allow-headers")
    );
}

#[tokio::test]
async fn any_origin_gets_a_star() {
    let gate = Gate::new(json!({"origins": ["*"]}));
    let (_, response) = ask(&gate, "https://a.example", "PUT", &[]).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    assert_eq!(response.headers().get_all("vary").iter().count(), 1);
}

async fn check(cors: Value, origin: &str, method: &str, names: &[&str], expected: Preflight) {
    let found = refusal(&Gate::new(cors), origin, method, names).await;
    assert_eq!(found, expected, "{origin} {method} {names:?}");
}

#[tokio::test]
async fn a_refused_one_gets_no_permission_at_all() {
    use Preflight::{Allowed, HeadersRefused, MethodRefused, OriginRefused};
    let table = json!({"methods": ["PUT"], "headers": ["x-a", "x-b"]});
    let check =
        |origin, method, names, expected| check(table.clone(), origin, method, names, expected);

    check(APP, "PUT", &["X-A , x-b,"], Allowed).await;
    check("https://evil.example", "PUT", &[], OriginRefused).await;
    check("null", "PUT", &[], OriginRefused).await;
    check(APP, "DELETE", &[], MethodRefused).await;
    // Browsers send it without asking the list; a permission would let them.
    check(APP, "GET", &["x-a"], MethodRefused).await;
    check(APP, "put", &[], MethodRefused).await;
    check(APP, "HEAD", &[], MethodRefused).await;
    check(APP, "", &[], MethodRefused).await;
    check(APP, "PUT", &["x-a, x-c"], HeadersRefused).await;
    check(APP, "PUT", &["x-a", "x-b"], HeadersRefused).await;
}

#[tokio::test]
async fn what_a_browser_would_not_send_is_not_repeated() {
    use Preflight::{Allowed, HeadersRefused, MethodRefused};
    let many = |count: usize| vec!["x"; count].join(",");
    let long = "x".repeat(5000);
    for (method, names, expected) in [
        ("GET /", "", MethodRefused),
        ("\u{e9}", "", MethodRefused),
        ("PUT", "x y", HeadersRefused),
        ("PUT", "\u{e9}", HeadersRefused),
        ("PUT", &long, HeadersRefused),
        ("PUT", &many(64), Allowed),
        ("PUT", &many(65), HeadersRefused),
    ] {
        check(json!(true), APP, method, &[names], expected).await;
    }
}

#[tokio::test]
async fn nothing_is_allowed_where_the_lists_are_empty() {
    let empty = json!({"origins": [], "methods": [], "headers": []});
    check(empty, APP, "GET", &[], Preflight::OriginRefused).await;
    check(
        json!({"methods": []}),
        APP,
        "GET",
        &[],
        Preflight::MethodRefused,
    )
    .await;
    check(
        json!({"headers": []}),
        APP,
        "GET",
        &["x-a"],
        Preflight::HeadersRefused,
    )
    .await;
    check(
        json!({"headers": []}),
        APP,
        "GET",
        &[""],
        Preflight::Allowed,
    )
    .await;
}

#[tokio::test]
async fn other_options_requests_reach_the_service_behind() {
    let gate = Gate::new(json!(true));
    for request in [
        &[("origin", APP)][..],
        &[("access-control-request-method", "PUT")],
        &[],
    ] {
        let response = gate.ask("OPTIONS", request).await;
        assert_eq!(response.body(), "inner");
        assert!(response.extensions().get::<Preflight>().is_none());
        assert_eq!(response.headers()["vary"], "Origin");
    }
}
