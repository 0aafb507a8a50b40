//! Connections that are late end, and those that are not stay.

use super::client::wait_for;
use super::site::{Site, hasty_heads, hasty_idle, patient};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// An empty SETTINGS frame.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

#[test]
fn a_silent_connection_is_closed() {
    let site = Site::start(&hasty_heads());
    assert_eq!(site.client().rest(), b"");
    assert_eq!(site.handle.counts().slow_head, 1);
}

#[test]
fn a_head_that_does_not_end_is_closed() {
    let site = Site::start(&hasty_heads());
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nhost: ");
    assert_eq!(client.rest(), b"");
}

#[test]
fn one_byte_at_a_time_does_not_prolong_a_head() {
    let site = Site::start(&hasty_heads());
    let mut client = site.client();
    client.send("GET / HTTP/1.1\r\nx: ");
    wait_for("the server to close while bytes keep coming", || {
        site.handle.connections() == 1
    });
    while site.handle.connections() > 0 {
        client.try_send(b"x");
    }
    assert_eq!(site.handle.counts().slow_head, 1);
}

#[test]
fn a_later_head_has_the_same_time() {
    let site = Site::start(&hasty_heads());
    let mut client = site.client();
    assert_eq!(client.get("/a").text(), "/a");
    client.send("GET /b HTT");
    assert_eq!(client.rest(), b"");
    assert_eq!(site.handle.counts().slow_head, 1);
}

#[test]
fn part_of_the_http_2_preface_is_a_slow_head_too() {
    let site = Site::start(&hasty_heads());
    let mut client = site.client();
    client.send(&PREFACE[..10]);
    assert_eq!(client.rest(), b"");
}

#[test]
fn http_2_without_a_request_is_closed() {
    let site = Site::start(&hasty_heads());
    let mut client = site.client();
    client.send(PREFACE);
    client.send(SETTINGS);
    client.rest();
    assert_eq!(site.handle.counts().slow_head, 1);
}

#[test]
fn an_idle_connection_is_closed() {
    let site = Site::start(&hasty_idle());
    let mut client = site.client();
    assert_eq!(client.get("/a").text(), "/a");
    assert_eq!(client.rest(), b"");
    assert_eq!(site.handle.counts().idle, 1);
}

#[test]
fn a_request_under_way_outlives_both_times() {
    let mut settings = hasty_heads();
    settings.idle_timeout = settings.head_timeout;
    let site = Site::start(&settings);
    let mut client = site.client();
    client.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("the request", || site.handle.in_flight() == 1);
    // Two more connections, one after the other, live through both times and end.
    let mut other = site.client();
    other.get("/a");
    other.rest();
    site.client().rest();
    assert!(client.is_quiet());
    site.gate.add_permits(1);
    assert_eq!(client.answer().text(), "/wait");
}

#[test]
fn an_answer_that_the_client_is_slow_to_read_counts_as_under_way() {
    let mut settings = hasty_idle();
    settings.head_timeout = settings.idle_timeout;
    let site = Site::start(&settings);
    let mut client = site.client();
    client.send("GET /large HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("the request", || {
        site.handle.counts().accepted == 1 && !site.handle.running().is_empty()
    });
    for _ in 0..3 {
        site.client().rest();
    }
    assert_eq!(client.answer().body.len(), 8 << 20);
}

#[test]
fn a_quiet_connection_that_gave_its_buffers_back_answers_on() {
    let mut settings = patient();
    // Longer than the second after which buffers are given back.
    settings.head_timeout = std::time::Duration::from_millis(1_400);
    let site = Site::start(&settings);
    let (mut client, mut early) = (site.client(), site.client());
    assert_eq!(client.get("/a").text(), "/a");
    early.send("GET /a HTTP/1.1\r\nhost: h\r\n\r\nGET /b HTTP/1.1\r\nhos");
    assert_eq!(early.answer().text(), "/a");
    site.client().rest();

    assert_eq!(client.get("/b").text(), "/b");
    assert_eq!(client.get("/requests").text(), "3");
    early.send("t: h\r\n\r\n");
    assert_eq!(early.answer().text(), "/b");
}
