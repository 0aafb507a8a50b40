//! A configuration with several routes, endpoints, edits, rewrites and targets.
use crate::client::{Client, ask, get, get_with};
use crate::origin::{Origin, ok};
use crate::program::Program;

#[test]
fn two_endpoints_share_the_requests() {
    let a = Origin::answering(|_| ok("", "a"));
    let b = Origin::answering(|_| ok("", "b"));
    let program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\", \"http://{}\"]\nbalance = \"round_robin\"\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n",
        a.address, b.address
    ));
    let answers: Vec<_> = (0..10)
        .map(|_| get(program.gateway, "/").text().to_owned())
        .collect();
    assert!(
        answers.iter().any(|answer| answer == "a") && answers.iter().any(|answer| answer == "b"),
        "{answers:?}"
    );
}

#[test]
fn the_upstream_sees_the_edited_request_and_the_client_the_edited_answer() {
    let origin = Origin::answering(|_| ok("server: secret\r\nx-keep: 1\r\n", "hello"));
    let program = Program::configured(&format!(
        r#"
[upstreams.app]
endpoints = ["http://{}"]
[routes.app]
path = "/api/{{version}}/{{*rest}}"
upstream = "app"
rewrite = "/internal/{{rest}}"
request_headers = {{ set = {{ x-api = "urm" }}, remove = ["x-secret"] }}
response_headers = {{ remove = ["server"], add = {{ x-edge = "here" }} }}
"#,
        origin.address
    ));
    let answer = get_with(
        program.gateway,
        "/api/v2/a/b?q=1",
        "x-secret: no\r\nx-forwarded-for: 6.6.6.6\r\nx_forwarded_for: 6.6.6.6\r\n",
    );
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert_eq!(answer.field("server"), None);
    assert_eq!(
        (answer.field("x-edge"), answer.field("x-keep")),
        (Some("here"), Some("1"))
    );
    let seen = origin.next();
    assert!(
        seen.head.starts_with("GET /internal/a/b?q=1 HTTP/1.1\r\n"),
        "{}",
        seen.head
    );
    assert_eq!(seen.field("x-api"), Some("urm"));
    assert_eq!(seen.field("x-secret"), None);
    assert_eq!(seen.field("host"), Some("test"));
    assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.field("x_forwarded_for"), None);
    assert_eq!(seen.field("x-forwarded-proto"), Some("http"));
    assert!(
        seen.field("via").is_some_and(|via| via.contains("urm-")),
        "{}",
        seen.head
    );
    assert!(seen.field("x-request-id").is_some() && seen.field("traceparent").is_some());
    assert_eq!(
        seen.field("connection"),
        None,
        "hop-by-hop fields stay here: {}",
        seen.head
    );
}

#[test]
fn the_gateway_answers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("public")).unwrap();
    std::fs::write(folder.path().join("public/index.html"), "<p>home").unwrap();
    std::fs::write(folder.path().join("public/data.txt"), "0123456789").unwrap();
    std::fs::write(folder.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink("../secret.txt", folder.path().join("public/link.txt")).unwrap();
    let toml = r#"
[routes.hello]
path = "/hello"
respond = { status = 201, body = "hello\n", headers = { x-a = "1" } }
[routes.json]
path = "/json"
respond = { json = { a = [1, 2] } }
[routes.old]
path = "/old/{*rest}"
redirect = { to = "https://example.com/{rest}", status = 308 }
[routes.assets]
path = "/assets/{*file}"
files = { dir = "public" }
"#;
    let program = Program::start_in(folder, toml, &[], &[]);
    let at = program.gateway;
    let hello = get(at, "/hello");
    assert_eq!(
        (hello.status, hello.text(), hello.field("x-a")),
        (201, "hello\n", Some("1"))
    );
    assert_eq!(get(at, "/json").json()["a"][1], 2);
    let old = get(at, "/old/a%20b?x=1");
    assert_eq!(
        (old.status, old.field("location")),
        (308, Some("https://example.com/a%20b?x=1"))
    );

    let file = get(at, "/assets/data.txt");
    assert_eq!(
        (file.status, file.text(), file.field("content-type")),
        (200, "0123456789", Some("text/plain"))
    );
    assert_eq!(get(at, "/assets/").text(), "<p>home");
    let part = get_with(at, "/assets/data.txt", "range: bytes=2-4\r\n");
    assert_eq!((part.status, part.text()), (206, "234"));
    for (fields, status, body) in [
        ("range: bytes=0-99999999999999999999\r\n", 206, "0123456789"),
        ("range: bytes=-2000000\r\n", 206, "0123456789"),
        ("range: items=0-1\r\n", 200, "0123456789"),
        ("range: bytes=0-0,2-3\r\n", 200, "0123456789"),
        (
            "range: bytes=0-1\r\nif-range: \"other\"\r\n",
            200,
            "0123456789",
        ),
    ] {
        let answer = get_with(at, "/assets/data.txt", fields);
        assert_eq!((answer.status, answer.text()), (status, body), "{fields}");
    }
    get_with(at, "/assets/data.txt", "range: bytes=10-\r\n").problem(416);
    let options = ask(
        at,
        "OPTIONS /assets/data.txt HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(
        (options.status, options.field("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );
    let since = file.field("last-modified").unwrap();
    let unchanged = get_with(
        at,
        "/assets/data.txt",
        &format!("if-modified-since: {since}\r\n"),
    );
    assert_eq!(unchanged.status, 304);
    get(at, "/assets/none.txt").problem(404);
    get(at, "/assets/link.txt").problem(404);
    for escape in [
        "/assets/../secret.txt",
        "/assets/%2e%2e/secret.txt",
        "/assets/..%2fsecret.txt",
        "/assets/a;/../../secret.txt",
    ] {
        let answer = get(at, escape);
        assert!(matches!(answer.status, 400 | 404), "{escape}: {answer:?}");
        assert!(
            !answer.text().contains("secret\n") && answer.text() != "secret",
            "{escape}"
        );
    }
}

#[test]
fn a_route_may_ask_for_fields_and_methods() {
    let program = Program::configured(
        r#"
[routes.beta]
path = "/page"
methods = ["GET"]
headers = { x-beta = "1" }
respond = { body = "beta" }
[routes.page]
path = "/page"
methods = ["GET"]
respond = { body = "stable" }
[routes.hosted]
path = "/page"
hosts = ["*.example.com"]
respond = { body = "hosted" }
"#,
    );
    let at = program.gateway;
    let stable = get(at, "/page");
    assert_eq!(stable.text(), "stable");
    assert!(stable.joined("vary").contains("x-beta"), "{stable:?}");
    assert_eq!(get_with(at, "/page", "x-beta: 1\r\n").text(), "beta");
    let hosted = ask(
        at,
        "GET /page HTTP/1.1\r\nhost: API.example.com:80\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(hosted.text(), "hosted");
    let refused = ask(
        at,
        "DELETE /page HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n",
    );
    refused.problem(405);
    assert!(refused.joined("vary").contains("x-beta"), "{refused:?}");
    assert!(
        refused
            .field("allow")
            .is_some_and(|allow| allow.contains("GET") && allow.contains("HEAD")),
        "{refused:?}"
    );
    let options = ask(
        at,
        "OPTIONS /page HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(options.status, 204);
}

#[test]
fn a_flag_opens_a_route_and_decides_a_rollout() {
    let stable = Origin::answering(|_| ok("cache-control: max-age=60\r\n", "stable"));
    let canary = Origin::answering(|_| ok("cache-control: max-age=60\r\n", "canary"));
    let program = Program::configured(&format!(
        r#"
[flag_settings]
sticky = {{ header = "x-user" }}
[flags.half]
enabled = true
conditions = {{ percentage = 50 }}
[flags.off]
enabled = false
[upstreams.stable]
endpoints = ["http://{}"]
[upstreams.canary]
endpoints = ["http://{}"]
[routes.app]
path = "/app"
upstream = "stable"
rollout = {{ flag = "half", upstream = "canary" }}
cache = {{}}
[routes.hidden]
path = "/hidden"
flag = "off"
respond = {{ body = "hidden" }}
"#,
        stable.address, canary.address
    ));
    get(program.gateway, "/hidden").problem(404);
    let arm = |user: usize| {
        let answer = get_with(program.gateway, "/app", &format!("x-user: u{user}\r\n"));
        assert!(answer.joined("vary").contains("x-user"), "{answer:?}");
        answer.text().to_owned()
    };
    let first: Vec<_> = (0..40).map(arm).collect();
    assert!(
        first.iter().any(|arm| arm == "stable") && first.iter().any(|arm| arm == "canary"),
        "{first:?}"
    );
    // The same caller stays where it is, also when its arm is answered from the store.
    assert_eq!((0..40).map(arm).collect::<Vec<_>>(), first);
    assert_eq!(
        (stable.waiting(), canary.waiting()),
        (1, 1),
        "each arm was fetched once"
    );
}

#[test]
fn pages_of_other_origins_read_what_they_may() {
    let program = Program::configured(
        r#"
[routes.api]
path = "/api"
methods = ["GET", "PUT"]
cors = { origins = ["https://app.example.com"] }
respond = { body = "data" }
"#,
    );
    let allowed = get_with(
        program.gateway,
        "/api",
        "origin: https://app.example.com\r\n",
    );
    assert_eq!(
        allowed.field("access-control-allow-origin"),
        Some("https://app.example.com")
    );
    assert!(
        allowed
            .joined("vary")
            .to_ascii_lowercase()
            .contains("origin")
    );
    let other = get_with(
        program.gateway,
        "/api",
        "origin: https://evil.example.com\r\n",
    );
    assert_eq!(other.field("access-control-allow-origin"), None);
    let preflight = ask(
        program.gateway,
        "OPTIONS /api HTTP/1.1\r\nhost: test\r\norigin: https://app.example.com\r\naccess-control-request-method: PUT\r\nconnection: close\r\n\r\n",
    );
    assert!(matches!(preflight.status, 200 | 204), "{preflight:?}");
    assert!(
        preflight
            .joined("access-control-allow-methods")
            .contains("PUT"),
        "{preflight:?}"
    );
    assert!(preflight.field("access-control-max-age").is_some());
}

#[test]
fn only_a_trusted_proxy_tells_the_client() {
    let origin = Origin::answering(|_| ok("", ""));
    let toml = format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n",
        origin.address
    );
    let program = Program::start(&toml, &[], &[("TRUSTED_PROXIES", "private")]);
    get_with(
        program.gateway,
        "/trusted",
        "x-forwarded-for: 6.6.6.6, 203.0.113.9\r\nx-forwarded-proto: https\r\n",
    );
    let line = program.access_line(|line| line["path"] == "/trusted");
    assert_eq!(line["client"], "203.0.113.9");
    let seen = origin.next();
    assert_eq!(
        seen.field("x-forwarded-for"),
        Some("6.6.6.6, 203.0.113.9, 127.0.0.1")
    );
    assert_eq!(seen.field("x-forwarded-proto"), Some("https"));
}

#[test]
fn the_access_log_tells_a_request() {
    let origin = Origin::answering(|_| ok("", "hello"));
    let toml = format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n",
        origin.address
    );
    let program = Program::configured(&toml);
    get_with(
        program.gateway,
        "/a?token=secret",
        "x-request-id: mine-1\r\n",
    );
    let line = program.access_line(|line| line["request_id"] == "mine-1");
    assert_eq!(line["path"], "/a?token=***");
    assert_eq!(
        (
            line["route"].as_str(),
            line["status"].as_u64(),
            line["bytes_out"].as_u64()
        ),
        (Some("app"), Some(200), Some(5))
    );
    assert_eq!(line["endpoint"], origin.address.to_string());
    assert!(
        line["upstream_ms"].as_f64().unwrap() <= line["total_ms"].as_f64().unwrap(),
        "{line}"
    );
    assert_eq!(origin.next().field("x-request-id"), Some("mine-1"));
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let program =
        Program::configured("[routes.hello]\npath = \"/hello\"\nrespond = { body = \"hi\" }\n");
    let mut client = Client::connect(program.gateway);
    for _ in 0..3 {
        client.send("GET /hello HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(client.answer().text(), "hi");
    }
    client.send(
        "HEAD /hello HTTP/1.1\r\nhost: test\r\n\r\nGET /hello HTTP/1.1\r\nhost: test\r\n\r\n",
    );
    assert_eq!(client.answer_to("HEAD").field("content-length"), Some("2"));
    assert_eq!(client.answer().text(), "hi");
}

#[test]
fn an_absolute_target_is_stored_under_the_connection_s_scheme() {
    let origin = Origin::answering(|_| ok("cache-control: max-age=60\r\n", "plain"));
    let program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\ncache = {{}}\n",
        origin.address
    ));
    ask(
        program.gateway,
        "GET https://a/x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    );
    let plain = ask(
        program.gateway,
        "GET /x HTTP/1.1\r\nhost: a.\r\nconnection: close\r\n\r\n",
    );
    assert_eq!(
        plain.field("x-cache"),
        Some("HIT"),
        "one scheme, one host: one response"
    );
}
