//! Answers that leave compressed, below the cache.
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;

use crate::client::{Answer, Client, ask, get, get_with};
use crate::origin::{Origin, Received, ok, receive};
use crate::program::{PATIENCE, Program, say};

fn long() -> String {
    "nine bytes".repeat(1000)
}

/// A text with a tag; 304 to whoever has it.
fn tagged(request: &Received) -> String {
    if request.field("if-none-match") == Some("\"a\"") {
        return "HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n".to_owned();
    }
    let fields = "content-type: text/plain\r\netag: \"a\"\r\naccept-ranges: bytes\r\n";
    ok(fields, &long())
}

fn gateway(origin: &Origin, route: &str) -> Program {
    Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n[routes.app]\npath = \"/{{*rest}}\"\nupstream = \"app\"\n{route}\n",
        origin.address
    ))
}

fn accepting(program: &Program, codings: &str, further: &str) -> Answer {
    let fields = format!("accept-encoding: {codings}\r\n{further}");
    get_with(program.gateway, "/text", &fields)
}

/// Takes the coding off that an answer says it has.
fn decoded(answer: &Answer) -> Vec<u8> {
    let mut bare = Vec::new();
    let body = &answer.body[..];
    match answer.field("content-encoding") {
        None => return answer.body.clone(),
        Some("gzip") => flate2::read::GzDecoder::new(body).read_to_end(&mut bare),
        Some("br") => brotli::Decompressor::new(body, 4096).read_to_end(&mut bare),
        Some("zstd") => zstd::stream::copy_decode(body, &mut bare).map(|()| 0),
        other => panic!("{other:?}"),
    }
    .unwrap();
    bare
}

#[test]
fn a_client_gets_the_coding_that_it_wants_most() {
    let origin = Origin::answering(tagged);
    let program = gateway(&origin, "compress = true");
    for (codings, expected, tag) in [
        ("gzip", Some("gzip"), "W/\"a-urm-gzip\""),
        ("br", Some("br"), "W/\"a-urm-br\""),
        ("zstd", Some("zstd"), "W/\"a-urm-zstd\""),
        ("gzip, deflate, br, zstd", Some("zstd"), "W/\"a-urm-zstd\""),
        ("gzip;q=1, br;q=0.9", Some("gzip"), "W/\"a-urm-gzip\""),
        ("*;q=0.5, zstd;q=0", Some("br"), "W/\"a-urm-br\""),
        ("identity;q=0, x-gzip", Some("gzip"), "W/\"a-urm-gzip\""),
        ("gzip;q=0", None, "\"a\""),
        ("deflate", None, "\"a\""),
    ] {
        let answer = accepting(&program, codings, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("content-encoding"), expected, "{codings}");
        assert_eq!(answer.field("etag"), Some(tag), "{codings}");
        assert_eq!(answer.joined("vary"), "accept-encoding", "{codings}");
        assert_eq!(
            answer.field("accept-ranges").is_none(),
            expected.is_some(),
            "{codings}"
        );
        assert_eq!(decoded(&answer), long().as_bytes(), "{codings}");
        if expected.is_some() {
            assert!(answer.body.len() < 500, "{codings}: {}", answer.body.len());
            assert_eq!(answer.field("content-length"), None);
        }
        let asked = origin.next();
        assert_eq!(
            asked.field("accept-encoding"),
            Some(expected.unwrap_or("identity")),
            "{codings}"
        );
    }
    assert_eq!(get(program.gateway, "/text").text(), long());
}

#[test]
fn a_stored_response_is_compressed_once_a_coding() {
    let origin = Origin::answering(tagged);
    let program = gateway(&origin, "compress = true\ncache = { ttl = \"1h\" }");
    for (codings, coding) in [
        ("gzip", Some("gzip")),
        ("gzip, deflate, br", Some("br")),
        ("gzip, deflate, br, zstd", Some("zstd")),
        ("identity", None),
    ] {
        let first = accepting(&program, codings, "");
        assert_eq!(first.field("content-encoding"), coding);
        assert_eq!(first.field("x-cache"), Some("MISS"), "{first:?}");
        assert_eq!(decoded(&first), long().as_bytes());
    }
    assert_eq!(origin.waiting(), 4);
    // However a client says it, the coding is what counts.
    for (codings, coding) in [
        ("gzip", Some("gzip")),
        ("deflate,GZIP;q=0.8, br;q=0.1", Some("gzip")),
        ("br", Some("br")),
        ("br;q=0.9, identity;q=0.3", Some("br")),
        ("*", Some("zstd")),
        ("deflate", None),
    ] {
        let again = accepting(&program, codings, "");
        assert_eq!(again.field("content-encoding"), coding, "{codings}");
        assert_eq!(again.field("x-cache"), Some("HIT"), "{codings}: {again:?}");
        assert_eq!(decoded(&again), long().as_bytes());
        let tag = again.field("etag").unwrap();
        let held = accepting(&program, codings, &format!("if-none-match: {tag}\r\n"));
        assert_eq!((held.status, held.field("etag")), (304, Some(tag)));
        assert_eq!(held.field("x-cache"), Some("HIT"), "{held:?}");
    }
    let bare = get(program.gateway, "/text");
    assert_eq!(
        (bare.field("x-cache"), bare.text()),
        (Some("HIT"), &*long())
    );
    assert_eq!(origin.waiting(), 0);
}

#[test]
fn a_stale_response_is_confirmed_in_its_coding() {
    let origin = Origin::answering(tagged);
    let program = gateway(&origin, "compress = true\ncache = { ttl = \"1h\" }");
    let first = accepting(&program, "gzip", "");
    assert_eq!(origin.next().field("if-none-match"), None);
    let again = accepting(&program, "gzip", "cache-control: no-cache\r\n");
    assert_eq!(origin.next().field("if-none-match"), Some("\"a\""));
    assert_eq!(again.field("x-cache"), Some("REVALIDATED"), "{again:?}");
    assert_eq!(again.field("etag"), Some("W/\"a-urm-gzip\""));
    assert_eq!(again.body, first.body);
}

#[test]
fn conditions_reach_the_upstream_in_its_own_words() {
    let origin = Origin::answering(tagged);
    let program = gateway(&origin, "compress = true");
    let held = accepting(&program, "gzip", "if-none-match: W/\"a-urm-gzip\"\r\n");
    assert_eq!(held.status, 304);
    assert_eq!(held.field("etag"), Some("W/\"a-urm-gzip\""));
    assert_eq!(held.joined("vary"), "accept-encoding");
    assert_eq!(origin.next().field("if-none-match"), Some("\"a\""));

    let other = accepting(&program, "br", "if-none-match: W/\"a-urm-gzip\"\r\n");
    assert_eq!(
        (other.status, other.field("content-encoding")),
        (200, Some("br"))
    );
    let bare = accepting(&program, "br", "if-none-match: \"a\"\r\n");
    assert_eq!((bare.status, bare.field("etag")), (304, Some("\"a\"")));
    let _ = (origin.next(), origin.next());

    let condition = "if-match: W/\"a-urm-gzip\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    ask(
        program.gateway,
        &format!("PUT /text HTTP/1.1\r\nhost: test\r\n{condition}"),
    );
    assert_eq!(origin.next().field("if-match"), Some("\"a\""));

    let part = "range: bytes=10-\r\nif-range: W/\"a-urm-gzip\"\r\n";
    let whole = accepting(&program, "gzip", part);
    assert_eq!((whole.status, decoded(&whole)), (200, long().into_bytes()));
    let asked = origin.next();
    assert_eq!(
        (asked.field("range"), asked.field("if-range")),
        (None, None)
    );
}

#[test]
fn head_is_answered_with_the_fields_of_get() {
    let origin = Origin::answering(|request| {
        let whole = tagged(request);
        let bare = request.head.starts_with("HEAD ");
        let end = whole.find("\r\n\r\n").unwrap() + 4;
        whole[..if bare { end } else { whole.len() }].to_owned()
    });
    for route in [
        "compress = true",
        "compress = true\ncache = { ttl = \"1h\" }",
    ] {
        let program = gateway(&origin, route);
        let fields = "accept-encoding: br\r\nconnection: close\r\n\r\n";
        // The rest is read to the end of the connection: a body would be seen.
        let mut client = Client::connect(program.gateway);
        client.send(format!("HEAD /text HTTP/1.1\r\nhost: test\r\n{fields}"));
        let (status, head) = client.head();
        assert_eq!((status, client.rest()), (200, Vec::new()));
        let get = accepting(&program, "br", "");
        for name in ["content-encoding", "etag", "vary", "content-length"] {
            let found = head.iter().find(|(known, _)| known == name);
            assert_eq!(
                found.map(|(_, value)| value.as_str()),
                get.field(name),
                "{name} {head:?}"
            );
        }
    }
}

#[test]
fn what_must_not_be_compressed_is_not() {
    let origin = Origin::answering(|request| {
        let fields = match request.head.split(' ').nth(1).unwrap() {
            "/binary" => "content-type: image/png\r\n",
            "/coded" => "content-type: text/plain\r\ncontent-encoding: x-own\r\n",
            "/forbidden" => "content-type: text/plain\r\ncache-control: no-transform\r\n",
            "/grpc" => "content-type: application/grpc+json\r\n",
            "/short" => return ok("content-type: text/plain\r\netag: \"a\"\r\n", "short"),
            "/part" => {
                let fields = "content-type: text/plain\r\ncontent-range: bytes 0-9999/20000\r\n";
                return ok(fields, &long()).replace("200 OK", "206 Partial Content");
            }
            "/none" => return "HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\n\r\n".into(),
            _ => "content-type: text/plain\r\n",
        };
        ok(fields, &long())
    });
    let program = gateway(&origin, "compress = true");
    for path in [
        "/binary",
        "/coded",
        "/forbidden",
        "/grpc",
        "/short",
        "/part",
        "/none",
    ] {
        let answer = get_with(program.gateway, path, "accept-encoding: gzip\r\n");
        let own = (path == "/coded").then_some("x-own");
        assert_eq!(answer.field("content-encoding"), own, "{path}");
        assert_eq!(answer.field("vary"), None, "{path}");
        assert!([0, 5, 10_000].contains(&answer.body.len()), "{path}");
    }
    let asked = accepting(&program, "gzip", "cache-control: no-transform\r\n");
    assert_eq!(asked.field("content-encoding"), None);
    assert_eq!(asked.joined("vary"), "accept-encoding");
    let off = gateway(&origin, "");
    let answer = accepting(&off, "gzip;q=0.5, x-new", "");
    assert_eq!(
        (answer.field("content-encoding"), answer.field("vary")),
        (None, None)
    );
}

/// What a shell would pipe into `gzip -dc`, as far as it comes.
fn gunzipped(coded: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    let mut decoder = flate2::write::GzDecoder::new(&mut bare);
    decoder.write_all(coded).unwrap();
    decoder.flush().unwrap();
    drop(decoder);
    bare
}

#[test]
fn a_trickle_reaches_its_reader_piece_by_piece() {
    for (kind, coded) in [("text/plain", true), ("text/event-stream", false)] {
        let (go, wait) = channel::<()>();
        let wait = std::sync::Mutex::new(wait);
        let origin = Origin::raw(move |mut stream| {
            receive(&mut stream);
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            for count in 0..3 {
                let piece = format!("data: {count}\n\n");
                let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
                stream.write_all(chunk.as_bytes()).unwrap();
                // The next leaves when the reader has seen this one.
                let told = wait.lock().unwrap().recv_timeout(PATIENCE);
                told.unwrap();
            }
            stream.write_all(b"0\r\n\r\n").unwrap();
        });
        let program = gateway(&origin, "compress = [\"gzip\"]");
        let mut client = Client::connect(program.gateway);
        client.send("GET /slow HTTP/1.1\r\nhost: a\r\naccept-encoding: gzip, br\r\n\r\n");
        let (status, fields) = client.head();
        assert_eq!(status, 200);
        let coding = fields.iter().find(|(name, _)| name == "content-encoding");
        assert_eq!(coding.is_some(), coded, "{fields:?}");
        let (mut came, mut expected) = (Vec::new(), String::new());
        for count in 0..3 {
            expected = format!("{expected}data: {count}\n\n");
            loop {
                let bare = if coded {
                    gunzipped(&came)
                } else {
                    came.clone()
                };
                if bare == expected.as_bytes() {
                    break;
                }
                came.extend(client.chunk());
            }
            go.send(()).unwrap();
        }
    }
}

#[test]
fn programs_that_people_use_can_read_it() {
    let origin = Origin::answering(tagged);
    let program = gateway(&origin, "compress = true");
    let answer = accepting(&program, "gzip", "");
    let script =
        "import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&answer.body).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, long().as_bytes());
}

#[test]
fn what_the_gateway_answers_itself_is_compressed_too() {
    let program = Program::configured(&format!(
        "[route_defaults]\ncompress = true\n[routes.text]\npath = \"/text\"\nrespond = {{ body = \"{}\" }}\n[routes.off]\npath = \"/off\"\ncompress = false\nrespond = {{ body = \"{}\" }}\n",
        long(),
        long()
    ));
    let answer = accepting(&program, "zstd", "");
    assert_eq!(answer.field("content-encoding"), Some("zstd"));
    assert_eq!(decoded(&answer), long().as_bytes());
    let off = get_with(program.gateway, "/off", "accept-encoding: zstd\r\n");
    assert_eq!(
        (off.field("content-encoding"), off.text()),
        (None, &*long())
    );
}

#[test]
fn a_wrong_coding_is_told_with_those_that_there_are() {
    let folder = tempfile::tempdir().unwrap();
    for (value, words) in [
        (
            "[\"gzip\", \"deflate\"]",
            ["routes.a.compress", "deflate", "zstd", "gzip"],
        ),
        (
            "\"gzip\"",
            ["routes.a.compress", "true or false", "list", "gzip"],
        ),
        ("[]", ["routes.a.compress", "at least 1 value", "", ""]),
        (
            "[\"gzip\", \"gzip\"]",
            ["routes.a.compress", "names", "twice", ""],
        ),
    ] {
        let toml = format!(
            "[routes.a]\npath = \"/a\"\nrespond = {{ body = \"a\" }}\ncompress = {value}\n"
        );
        std::fs::write(folder.path().join("a.toml"), toml).unwrap();
        let said = say(folder.path(), &["check", "--config", "a.toml"], &[]);
        assert_eq!(said.code, Some(1), "{value}: {}{}", said.out, said.err);
        let told = format!("{}{}", said.out, said.err);
        for word in words {
            assert!(told.contains(word), "{value}: {told}");
        }
    }
}
