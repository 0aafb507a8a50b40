//! What the gateway refuses, and how it says so.
use std::io::Write;
use std::net::TcpStream;
use std::thread;

use crate::client::{Client, ask, get};
use crate::origin::{Origin, nobody, ok, receive};
use crate::program::Program;

fn in_front_of(address: std::net::SocketAddr, more: &str) -> Program {
    Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{address}\"]\n{more}\n[routes.app]\npath = \"/app/{{*rest}}\"\nupstream = \"app\"\ntimeout = \"300ms\"\nmax_body = \"1KiB\"\nretries = {{ attempts = 0 }}\n"
    ))
}

#[test]
fn what_two_parsers_could_read_differently_never_reaches_an_upstream() {
    let origin = Origin::answering(|_| ok("", ""));
    let program = in_front_of(origin.address, "");
    let cases = [
        ("no host", "GET /app/ HTTP/1.1\r\n\r\n"),
        (
            "two hosts",
            "GET /app/ HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        ),
        ("a listed host", "GET /app/ HTTP/1.1\r\nhost: a,b\r\n\r\n"),
        (
            "a host with a path",
            "GET /app/ HTTP/1.1\r\nhost: a/b\r\n\r\n",
        ),
        (
            "chunked twice",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "two transfer codings",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "another coding",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "not chunked at last",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        ),
        (
            "two lengths",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        ),
        (
            "a signed length",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\na",
        ),
        (
            "a length with a leading zero",
            "POST /app/ HTTP/1.1\r\nhost: a\r\ncontent-length: 01\r\n\r\na",
        ),
        (
            "a bare CR",
            "GET /app/ HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n",
        ),
        (
            "a folded line",
            "GET /app/ HTTP/1.1\r\nhost: a\r\nx: a\r\n b\r\n\r\n",
        ),
        (
            "a space before the colon",
            "GET /app/ HTTP/1.1\r\nhost: a\r\nx : a\r\n\r\n",
        ),
        ("no path", "GET app HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            "another scheme",
            "GET ftp://a/app/ HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        (
            "user info",
            "GET http://u@a/app/ HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        ("an asterisk", "GET * HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            "an invalid encoding",
            "GET /app/%zz HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        ("an encoded NUL", "GET /app/%00 HTTP/1.1\r\nhost: a\r\n\r\n"),
    ];
    for (what, request) in cases {
        let mut client = Client::connect(program.gateway);
        client.send(request);
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{what}: {answer:?}");
        assert_eq!(answer.problem(400), "http_request_error", "{what}");
    }
    assert_eq!(origin.waiting(), 0);
}

#[test]
fn heads_have_limits() {
    let program = in_front_of(nobody(), "");
    let long = "a".repeat(9 << 10);
    get(program.gateway, &format!("/app/{long}")).problem(414);
    let huge = "a".repeat(40 << 10);
    let answer = ask(
        program.gateway,
        &format!("GET /app/ HTTP/1.1\r\nhost: a\r\nx: {huge}\r\n\r\n"),
    );
    answer.problem(431);
    let many: Vec<_> = (0..101).map(|count| format!("x{count}: 1\r\n")).collect();
    let many = many.concat();
    ask(
        program.gateway,
        &format!("GET /app/ HTTP/1.1\r\nhost: a\r\n{many}\r\n"),
    )
    .problem(431);
}

#[test]
fn unknown_routes_and_methods() {
    let program = in_front_of(nobody(), "");
    let unknown = get(program.gateway, "/nothing");
    assert_eq!(unknown.problem(404), "http_request_error");
    for method in ["TRACE", "CONNECT"] {
        let target = if method == "CONNECT" { "a:80" } else { "/app/" };
        let answer = ask(
            program.gateway,
            &format!("{method} {target} HTTP/1.1\r\nhost: a:80\r\nconnection: close\r\n\r\n"),
        );
        assert!(matches!(answer.status, 400 | 405), "{method}: {answer:?}");
    }
}

#[test]
fn a_body_over_its_limit_is_413_declared_or_not() {
    let origin = Origin::answering(|_| ok("", ""));
    let program = in_front_of(origin.address, "");
    let declared = ask(
        program.gateway,
        "POST /app/ HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\n\r\n",
    );
    declared.problem(413);
    assert_eq!(origin.waiting(), 0, "the upstream was not touched");
    let piece = format!("400\r\n{}\r\n", "a".repeat(0x400));
    let chunked = format!(
        "POST /app/ HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{piece}{piece}0\r\n\r\n"
    );
    ask(program.gateway, &chunked).problem(413);
}

#[test]
fn an_upstream_that_refuses_is_502_and_one_that_is_slow_504() {
    let refused = in_front_of(nobody(), "");
    assert_eq!(
        get(refused.gateway, "/app/").problem(502),
        "connection_refused"
    );
    let line = refused.access_line(|line| line["path"] == "/app/");
    assert_eq!(
        (line["made_by"].as_str(), line["error"].as_str()),
        (Some("gateway"), Some("connection_refused"))
    );

    let silent = Origin::raw(|mut stream| {
        receive(&mut stream);
        thread::park();
    });
    let slow = in_front_of(silent.address, "");
    assert_eq!(
        get(slow.gateway, "/app/").problem(504),
        "http_response_timeout"
    );
    let metrics = get(slow.admin, "/metrics");
    assert!(
        metrics
            .text()
            .contains(r#"error_type="http_response_timeout""#),
        "{}",
        metrics.text()
    );
}

#[test]
fn an_error_of_the_upstream_passes_as_it_is() {
    let origin = Origin::answering(|_| {
        "HTTP/1.1 503 Busy\r\nx-own: 1\r\ncontent-length: 4\r\n\r\nbusy".to_owned()
    });
    let program = in_front_of(origin.address, "");
    let answer = get(program.gateway, "/app/");
    assert_eq!(
        (answer.status, answer.text(), answer.field("x-own")),
        (503, "busy", Some("1"))
    );
    assert_eq!(answer.field("proxy-status"), None);
}

#[test]
fn more_than_the_upstream_takes_is_503_at_once() {
    let origin = Origin::raw(|mut stream| {
        receive(&mut stream);
        thread::park();
    });
    let program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\nmax_in_flight = 1\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\nretries = {{ attempts = 0 }}\n",
        origin.address
    ));
    let mut first = TcpStream::connect(program.gateway).unwrap();
    first
        .write_all(b"GET /first HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    crate::program::until(|| {
        get(program.admin, "/metrics")
            .text()
            .contains("urm_upstream_in_flight{upstream=\"app\"} 1")
    });
    let refused = get(program.gateway, "/second");
    refused.problem(503);
    assert!(refused.field("retry-after").is_some());
}

#[test]
fn an_upstream_that_breaks_off_cuts_the_answer() {
    let origin = Origin::raw(|mut stream| {
        receive(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    });
    let program = in_front_of(origin.address, "");
    let mut client = Client::connect(program.gateway);
    client.send("GET /app/ HTTP/1.1\r\nhost: a\r\n\r\n");
    let (status, fields) = client.head();
    assert_eq!(status, 200, "{fields:?}");
    assert_eq!(client.rest(), b"only this", "and then the connection ends");
    let line = program.access_line(|line| line["path"] == "/app/");
    assert_eq!(
        (
            line["status"].as_u64(),
            line["error"].as_str(),
            line["made_by"].as_str()
        ),
        (
            Some(200),
            Some("http_response_incomplete"),
            Some("upstream")
        )
    );
}

#[test]
fn details_are_for_development() {
    for (stage, shown) in [("development", true), ("production", false)] {
        let toml = format!(
            "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\nretries = {{ attempts = 0 }}\n",
            nobody()
        );
        let program = Program::start(&toml, &[], &[("APP_ENV", stage)]);
        let answer = get(program.gateway, "/");
        answer.problem(502);
        assert_eq!(
            answer.json().get("cause").is_some(),
            shown,
            "{stage}: {}",
            answer.text()
        );
    }
}

#[test]
fn a_client_that_leaves_inside_its_body_is_no_error() {
    let origin = Origin::raw(|mut stream| {
        receive(&mut stream);
    });
    let program = in_front_of(origin.address, "");
    let mut client = Client::connect(program.gateway);
    client.send("POST /app/left HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nab");
    drop(client);
    let line = program.access_line(|line| line["path"] == "/app/left");
    assert_eq!(line["status"], 499, "{line}");

    let malformed = ask(
        program.gateway,
        "POST /app/malformed HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
    );
    malformed.problem(400);
}

#[test]
fn an_answer_with_two_lengths_is_502() {
    let origin = Origin::answering(|_| {
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".to_owned()
    });
    let program = in_front_of(origin.address, "");
    get(program.gateway, "/app/").problem(502);
}
