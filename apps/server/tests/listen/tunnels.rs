//! Upgraded connections: they are counted until they close, and no time ends them.

use super::client::{Client, wait_for};
use super::site::{Site, hasty_heads};

fn tunnel(site: &Site) -> Client {
    let mut client = site.client();
    client.send("GET /tunnel HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.field("connection")),
        (101, Some("upgrade"))
    );
    client
}

#[track_caller]
fn echoes(client: &mut Client) {
    client.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx");
    assert_eq!(client.answer().text(), "x");
}

#[test]
fn a_tunnel_outlives_the_times_and_frees_its_place() {
    let mut settings = hasty_heads();
    settings.idle_timeout = settings.head_timeout;
    let site = Site::start(&settings);
    let mut client = tunnel(&site);
    echoes(&mut client);
    for _ in 0..3 {
        site.client().rest();
    }
    echoes(&mut client);
    wait_for("the others' end", || site.handle.connections() == 1);
    assert!(site.handle.running()[0].tunnel);
    assert_eq!(site.handle.in_flight(), 0);
    drop(client);
    wait_for("its place", || site.handle.connections() == 0);
}

#[test]
fn the_server_waits_for_a_tunnel_and_ends_it_when_aborted() {
    let site = Site::start(&hasty_heads());
    let mut client = tunnel(&site);
    site.handle.begin_drain();
    site.handle.close_listeners();
    echoes(&mut client);
    site.handle.abort_all();
    assert_eq!(client.rest(), b"");
    site.wait_closed();
}
