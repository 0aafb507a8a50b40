//! The admin API of a running program: who may ask, what a purge drops, what the figures say.
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::{Answer, ask, get};
use crate::origin::{Origin, ok};
use crate::program::{Program, say, until};

const WRITES: &str = "0123456789abcdef0123456789abcdef";
const READS: &str = "fedcba9876543210fedcba9876543210";
const EVALUATES: &str = "00112233445566778899aabbccddeeff";

/// An origin whose answers are fresh for ten minutes, told apart, and labelled by their path.
fn labelling() -> Origin {
    Origin::answering(|request| {
        let path = request.head.split(' ').nth(1).unwrap();
        let label = path.trim_start_matches('/').split('/').next().unwrap();
        let fields = format!(
            "cache-control: max-age=600, stale-while-revalidate=60\r\netag: \"a\"\r\ncache-tag: {label}\r\n"
        );
        ok(&fields, path)
    })
}

fn cached(origin: SocketAddr) -> String {
    format!(
        r#"
[upstreams.app]
endpoints = ["http://{origin}"]
[routes.products]
path = "/products/{{*rest}}"
upstream = "app"
cache = {{ tags = ["all-products"] }}
[routes.other]
path = "/{{*rest}}"
upstream = "app"
cache = {{}}
"#
    )
}

fn with_tokens(origin: SocketAddr) -> Program {
    let tokens = format!(
        "{}\n[admin]\ntoken = \"{WRITES}\"\ntokens.reader = {{ token = \"{READS}\", role = \"read\" }}\ntokens.flags = {{ token = \"{EVALUATES}\", role = \"evaluate\" }}\n",
        cached(origin)
    );
    Program::configured(&tokens)
}

fn call(program: &Program, line: &str, token: &str, body: &str) -> Answer {
    let authorization = if token.is_empty() {
        String::new()
    } else {
        format!("authorization: Bearer {token}\r\n")
    };
    let request = format!(
        "{line} HTTP/1.1\r\nhost: {}\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        program.admin,
        body.len()
    );
    ask(program.admin, &request)
}

fn purge(program: &Program, body: &Value) -> Value {
    let line = "POST /api/v1/cache/purge";
    let answer = call(program, line, WRITES, &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn stats(program: &Program) -> Value {
    let answer = call(program, "GET /api/v1/cache/stats", READS, "");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn x_cache(program: &Program, path: &str) -> String {
    let answer = get(program.gateway, path);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.field("x-cache").unwrap_or_default().to_owned()
}

/// Asks until all these are stored: a response is by the time that its last byte is read, or a moment later.
fn warm(program: &Program, paths: &[&str]) {
    for path in paths {
        until(|| x_cache(program, path) == "HIT");
    }
}

#[test]
fn a_call_takes_a_token_and_its_role() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let (look, change) = ("GET /api/v1/cache/stats", "POST /api/v1/cache/purge");
    let all = "{\"all\": true}";
    for (token, sees, changes) in [
        ("", 401, 401),
        ("0123456789abcdef0123456789abcdeX", 401, 401),
        (WRITES, 200, 200),
        (READS, 200, 403),
        (EVALUATES, 403, 403),
    ] {
        assert_eq!(call(&program, look, token, "").status, sees, "{token}");
        assert_eq!(
            call(&program, change, token, all).status,
            changes,
            "{token}"
        );
    }
    let none = call(&program, look, "", "");
    assert_eq!(none.field("content-type"), Some("application/problem+json"));
    assert_eq!(
        none.field("www-authenticate"),
        Some("Bearer realm=\"admin\"")
    );
    assert_eq!(
        get(program.admin, "/health/live").status,
        200,
        "probes need none"
    );
    assert_eq!(get(program.admin, "/metrics").status, 200);
    assert_eq!(
        get(program.gateway, "/api/v1/cache/stats").text(),
        "/api/v1/cache/stats",
        "on the main listener it is a path like any other"
    );
    let log = program.log();
    for token in [WRITES, READS, EVALUATES] {
        assert!(!log.contains(token), "{log}");
    }
    assert!(
        log.contains("/api/v1") && !log.contains("admin API is open"),
        "{log}"
    );
}

#[test]
fn a_wrong_token_can_be_tried_ten_times() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let look = |token| call(&program, "GET /api/v1/cache/stats", token, "").status;
    let answers: Vec<u16> = (0..11).map(|_| look("wrong")).collect();
    assert_eq!(answers[..10], [401; 10]);
    assert_eq!((answers[10], look(WRITES)), (429, 429));
}

#[test]
fn a_purge_drops_what_it_names_and_nothing_else() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let paths = ["/products/1?x=1", "/products/2", "/a/1", "/b/1"];
    // What is left of the four after each.
    let cases = [
        (
            json!({"tags": ["all-products"]}),
            [false, false, true, true],
        ),
        (
            json!({"tags": ["products", "b"]}),
            [false, false, true, false],
        ),
        (
            json!({"keys": ["GET http://test/a/1"]}),
            [true, true, false, true],
        ),
        (json!({"keys": ["GET http://test/products/1"]}), [true; 4]),
        (
            json!({"prefix": "GET http://test/products/"}),
            [false, false, true, true],
        ),
        (json!({"tags": ["nobody"]}), [true; 4]),
        (json!({"all": true}), [false; 4]),
    ];
    for (body, left) in cases {
        warm(&program, &paths);
        let done = purge(&program, &body);
        assert_eq!(done["state"], "confirmed");
        assert_eq!(done["soft"], false);
        let found = paths.map(|path| x_cache(&program, path) == "HIT");
        assert_eq!(found, left, "after {body}");
    }
    let log = program.log();
    assert!(
        log.contains("purged stored responses") && log.contains("admin"),
        "{log}"
    );
}

#[test]
fn the_key_that_is_shown_can_be_purged() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    warm(&program, &["/a/1?z=1&b=2"]);
    let shown = get(program.gateway, "/a/1?z=1&b=2");
    let shown = shown.field("x-cache-key").unwrap();
    let (_, name) = shown.split_once(' ').unwrap();
    purge(&program, &json!({ "keys": [name] }));
    assert_eq!(x_cache(&program, "/a/1?z=1&b=2"), "MISS");
}

#[test]
fn a_soft_purge_leaves_what_is_stale() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let paths = ["/products/1", "/a/1"];
    for body in [
        json!({"tags": ["products"], "soft": true}),
        json!({"prefix": "GET http://test/products/*", "soft": true}),
        json!({"keys": ["GET http://test/products/1"], "soft": true}),
    ] {
        warm(&program, &paths);
        assert_eq!(purge(&program, &body)["soft"], true);
        assert_eq!(x_cache(&program, "/products/1"), "STALE", "{body}");
        assert_eq!(x_cache(&program, "/a/1"), "HIT", "{body}");
    }
    warm(&program, &paths);
    purge(&program, &json!({"all": true, "soft": true}));
    assert_eq!(
        paths.map(|path| x_cache(&program, path)),
        ["STALE", "STALE"]
    );
    purge(&program, &json!({"all": true}));
    assert_eq!(x_cache(&program, "/a/1"), "MISS");
}

#[test]
fn a_body_that_is_wrong_is_told_what_is_right() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let line = "POST /api/v1/cache/purge";
    for body in [
        "",
        "{}",
        "{\"tag\":[\"a\"]}",
        "{\"tags\":[\"a\"],\"all\":true}",
        "[true]",
    ] {
        let answer = call(&program, line, WRITES, body);
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(
            answer.field("content-type"),
            Some("application/problem+json")
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("exactly one of"), "{detail}");
    }
    let large = json!({ "prefix": "x".repeat(70_000) }).to_string();
    assert_eq!(call(&program, line, WRITES, &large).status, 413);
    let wrong = call(&program, "GET /api/v1/cache/purge", WRITES, "");
    assert_eq!((wrong.status, wrong.field("allow")), (405, Some("POST")));
    let form = format!(
        "{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {WRITES}\r\ncontent-type: text/plain\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{{\"all\":true}}",
        program.admin
    );
    assert_eq!(ask(program.admin, &form).status, 415);
}

#[test]
fn figures_tell_what_happened_route_by_route() {
    let origin = labelling();
    let program = with_tokens(origin.address);
    let before = stats(&program);
    assert_eq!(before["layers"][0]["layer"], "memory");
    assert_eq!(before["layers"][0]["totalKeys"], 0);
    assert_eq!(before["layers"][0]["hitRate"], Value::Null);
    warm(&program, &["/products/1", "/products/2", "/a/1"]);
    for _ in 0..3 {
        assert_eq!(x_cache(&program, "/products/1"), "HIT");
    }
    let after = stats(&program);
    let figures = |route: &str| {
        let routes = after["routes"].as_array().unwrap();
        let found = routes.iter().find(|figures| figures["route"] == route);
        found.unwrap().clone()
    };
    let (products, other) = (figures("products"), figures("other"));
    assert_eq!(
        (&products["totalKeys"], &other["totalKeys"]),
        (&json!(2), &json!(1))
    );
    assert_eq!((&products["hits"], &other["hits"]), (&json!(5), &json!(1)));
    let (misses, all) = (&products["misses"], &after["layers"][0]);
    assert!(misses.as_u64() >= Some(2), "{products}");
    for figure in ["totalKeys", "hits", "misses", "memoryUsage"] {
        let sum = products[figure].as_u64().unwrap() + other[figure].as_u64().unwrap();
        assert_eq!(all[figure], sum, "{figure}");
    }
    assert!(products["hitRate"].as_f64() > Some(0.0), "{products}");
    assert!(all["oldestEntry"].as_str() <= all["newestEntry"].as_str());

    purge(&program, &json!({"tags": ["products"]}));
    assert_eq!(x_cache(&program, "/products/1"), "MISS");
    until(|| {
        let all = stats(&program);
        all["layers"][0]["purged"] == 2
    });
}

#[test]
fn without_a_token_it_is_there_for_this_machine_alone() {
    let origin = labelling();
    let program = Program::configured(&cached(origin.address));
    let look = |host: &str| {
        let request = format!(
            "GET /api/v1/cache/stats HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
        );
        ask(program.admin, &request).status
    };
    assert_eq!(look("localhost:1"), 200);
    assert_eq!(look(&program.admin.to_string()), 200);
    assert_eq!(look("rebound.test"), 403);
    assert!(program.log().contains("ADMIN_TOKEN"), "{}", program.log());

    for (variables, host) in [
        (&[("APP_ENV", "production")][..], "127.0.0.1"),
        (&[("ADMIN_HOST", "0.0.0.0")][..], "0.0.0.0"),
    ] {
        let program = Program::start(&cached(origin.address), &[], variables);
        let admin = SocketAddr::from(([127, 0, 0, 1], program.admin.port()));
        assert_eq!(program.admin.ip().to_string(), host);
        let local =
            "GET /api/v1/cache/stats HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let refused = ask(admin, local);
        assert_eq!(refused.status, 404);
        assert!(refused.text().contains("ADMIN_TOKEN"), "{}", refused.text());
        assert_eq!(get(admin, "/health/live").status, 200);
        let log = program.log();
        assert!(log.contains("no admin API without admin.token"), "{log}");
    }
    let closed = Program::start(
        &cached(origin.address),
        &[],
        &[("APP_ENV", "production"), ("ADMIN_TOKEN", WRITES)],
    );
    assert_eq!(stats_by(&closed, WRITES), 200);
    assert_eq!(stats_by(&closed, ""), 401);
}

fn stats_by(program: &Program, token: &str) -> u16 {
    call(program, "GET /api/v1/cache/stats", token, "").status
}

#[test]
fn tokens_are_checked_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let check = |variables: &[(&str, &str)]| {
        let said = say(folder.path(), &["check"], variables);
        let told = format!("{}{}", said.out, said.err);
        for (_, token) in variables {
            assert!(!told.contains(token), "{told}");
        }
        (said.code, told)
    };
    let named = |name: &'static str| {
        [
            ("URM__ADMIN__TOKENS__ANN__TOKEN", name),
            ("URM__ADMIN__TOKENS__ANN__ROLE", "write"),
        ]
    };
    let (code, told) = check(&[("ADMIN_TOKEN", WRITES)]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("admin.token = \"***\""), "{told}");
    let (code, told) = check(&[("ADMIN_TOKEN", "too-short")]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("admin.token"), "{told}");
    let said = say(folder.path(), &["check"], &named(READS));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        !said.out.contains(READS) && said.out.contains("admin.tokens.ann.role"),
        "{}",
        said.out
    );
    let both = [
        [("ADMIN_TOKEN", WRITES); 1].as_slice(),
        named(WRITES).as_slice(),
    ]
    .concat();
    let said = say(folder.path(), &["check"], &both);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("each needs its own") && !said.err.contains(WRITES),
        "{}",
        said.err
    );
}
