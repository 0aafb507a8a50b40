//! What hyper refuses by itself goes out as a problem document.

use super::site::{Site, patient};

#[track_caller]
fn check(head: &str, expected: u16) {
    let site = Site::start(&patient());
    // Alone, and after an ordinary request.
    for before in [false, true] {
        let mut client = site.client();
        if before {
            assert_eq!(client.get("/a").text(), "/a");
        }
        client.try_send(head.as_bytes());
        let answer = client.answer();
        assert_eq!(answer.status(), expected, "{}", answer.head);
        assert_eq!(
            answer.field("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(answer.text(), format!("{{\"status\":{expected}}}"));
        assert!(answer.closes());
        client.finish_sending();
        assert_eq!(client.rest(), b"");
    }
}

#[test]
fn heads_that_cannot_be_read_are_400() {
    check("GET / HTTP/1.1\r\nhost : h\r\n\r\n", 400);
    check("GET / HTTP/1.1\r\nhost: h\r\n folded\r\n\r\n", 400);
    check("GET / HTTP/1.1\r\nhost: h\r\n: v\r\n\r\n", 400);
    check("GET  / HTTP/1.1\r\nhost: h\r\n\r\n", 400);
    check("GET / HTTP/1.1\r\nhost: h\r\nx: a\0b\r\n\r\n", 400);
    check("GET / HTTP/1.1\r\nhost: h\r\nx: a\rb\r\n\r\n", 400);
    check(
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        400,
    );
    check(
        "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: +1\r\n\r\n",
        400,
    );
    check(
        "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\n\r\n",
        400,
    );
    check("G@T / HTTP/1.1\r\n\r\n", 400);
    check("GET / HTTP/3.0\r\n\r\n", 400);
    check("\x16\x03\x01\x02\r\n\r\n", 400);
}

#[test]
fn heads_that_are_too_large_are_431() {
    let value = "v".repeat(40 * 1024);
    check(
        &format!("GET / HTTP/1.1\r\nhost: h\r\nx: {value}\r\n\r\n"),
        431,
    );
    check(&format!("GET /{value} HTTP/1.1\r\nhost: h\r\n\r\n"), 431);
    check(
        &format!(
            "GET / HTTP/1.1\r\nhost: h\r\n{}\r\n",
            "x: y\r\n".repeat(100)
        ),
        431,
    );
}

#[test]
fn a_target_that_hyper_cannot_hold_is_414() {
    let mut settings = patient();
    settings.max_head = 200 * 1024;
    let site = Site::start(&settings);
    let mut client = site.client();
    client.send(format!(
        "GET /{} HTTP/1.1\r\nhost: h\r\n\r\n",
        "p".repeat(70 * 1024)
    ));
    assert_eq!(client.answer().status(), 414);
}

#[test]
fn a_refusal_behind_pipelined_requests_comes_after_their_answers() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send("GET /a HTTP/1.1\r\nhost: h\r\n\r\nGET /absent HTTP/1.1\r\nhost: h\r\n\r\nGET / HTTP/9\r\n\r\n");
    assert_eq!(client.answer().text(), "/a");
    let absent = client.answer();
    assert_eq!((absent.status(), absent.field("content-type")), (404, None));
    let refused = client.answer();
    assert_eq!(
        (refused.status(), refused.text()),
        (400, "{\"status\":400}")
    );
}

#[test]
fn an_answer_of_the_programs_own_stays_as_it_is() {
    let site = Site::start(&patient());
    let mut client = site.client();
    for _ in 0..2 {
        let answer = client.get("/absent");
        assert_eq!(
            (
                answer.status(),
                answer.field("content-type"),
                answer.body.len()
            ),
            (404, None, 0)
        );
        assert!(!answer.closes());
    }
}

#[test]
fn a_client_that_still_sends_reads_the_refusal() {
    let site = Site::start(&patient());
    let mut client = site.client();
    client.send(format!(
        "GET / HTTP/1.1\r\nhost: h\r\nx: {}",
        "v".repeat(33 * 1024)
    ));
    assert_eq!(client.answer().status(), 431);
    // More than the system's buffers hold: it is read on, or this would block or be reset.
    client.send(vec![b'v'; 16 << 20]);
    client.finish_sending();
    assert_eq!(client.rest(), b"");
}
