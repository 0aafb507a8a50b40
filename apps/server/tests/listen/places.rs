//! Places for connections: the longest idle one goes first, then new ones are refused.

use server::listen::HttpSettings;

use super::client::wait_for;
use super::site::{Site, hasty_heads, patient};

fn two_places() -> HttpSettings {
    HttpSettings {
        max_connections: 2,
        ..patient()
    }
}

#[test]
fn the_longest_idle_connection_makes_place() {
    let site = Site::start(&HttpSettings {
        max_connections: 3,
        ..hasty_heads()
    });
    let (mut first, mut second) = (site.client(), site.client());
    first.get("/a");
    // The order of being idle counts, not that of coming. Sweeps have passed when the silent one ends.
    second.get("/a");
    site.client().rest();
    first.get("/b");
    let mut busy = site.client();
    busy.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    wait_for("three connections", || site.handle.in_flight() == 1);

    let mut fourth = site.client();
    assert_eq!(fourth.get("/c").text(), "/c");
    assert_eq!(second.rest(), b"");
    assert_eq!(first.get("/d").text(), "/d");
    assert!(busy.is_quiet());
    assert_eq!(site.handle.counts().evicted, 1);
}

#[test]
fn with_no_idle_connection_a_new_one_is_refused() {
    let site = Site::start(&two_places());
    let mut busy = [site.client(), site.client()];
    for client in &mut busy {
        client.send("GET /wait HTTP/1.1\r\nhost: h\r\n\r\n");
    }
    wait_for("both requests", || site.handle.in_flight() == 2);
    let mut refused = site.client();
    assert_eq!(refused.rest(), b"");
    assert_eq!(site.handle.counts().refused, 1);

    site.gate.add_permits(2);
    for client in &mut busy {
        assert_eq!(client.answer().text(), "/wait");
    }
    assert_eq!(site.client().get("/a").text(), "/a");
}

#[test]
fn a_closed_connection_leaves_its_place() {
    let site = Site::start(&two_places());
    for _ in 0..10 {
        assert_eq!(site.client().get("/a").text(), "/a");
        wait_for("the place", || site.handle.connections() == 0);
    }
    assert_eq!(site.handle.counts().refused, 0);
    assert_eq!(site.handle.counts().evicted, 0);
}
