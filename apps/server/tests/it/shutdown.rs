//! Stopping: nothing that is under way is lost, and nothing holds it up for ever.
use std::io::Write;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use crate::client::{Client, get};
use crate::origin::{Origin, ok, receive};
use crate::program::{Program, until};

const SLOW: &str =
    "[routes.app]\npath = \"/{*rest}\"\nupstream = \"app\"\nretries = { attempts = 0 }\n";

/// An origin that answers once it is let, so that requests are under way when the signal comes.
fn held_origin() -> (Origin, Sender<()>) {
    let (release, released) = channel::<()>();
    let released = Mutex::new(released);
    let open = Arc::new((Mutex::new(false), Condvar::new()));
    let gate = Arc::clone(&open);
    thread::spawn(move || {
        // The sender's end opens the gate for good.
        let _ = released.lock().unwrap().recv();
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
    });
    let origin = Origin::raw(move |mut stream| {
        while receive(&mut stream).is_some() {
            drop(
                open.1
                    .wait_while(open.0.lock().unwrap(), |open| !*open)
                    .unwrap(),
            );
            if stream.write_all(ok("", "slow").as_bytes()).is_err() {
                return;
            }
        }
    });
    (origin, release)
}

fn in_flight(program: &Program, count: usize) {
    let wanted = format!("urm_upstream_in_flight{{upstream=\"app\"}} {count}");
    until(|| get(program.admin, "/metrics").text().contains(&wanted));
}

#[test]
fn every_request_under_way_finishes_and_its_answer_announces_the_end() {
    let (origin, release) = held_origin();
    let mut program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n{SLOW}",
        origin.address
    ));
    let mut clients: Vec<_> = (0..20).map(|_| Client::connect(program.gateway)).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    in_flight(&program, 20);
    program.signal("TERM");
    until(|| get(program.admin, "/health/ready").json()["status"] == "shutting-down");
    assert_eq!(get(program.admin, "/health/live").status, 200);
    drop(release);
    for client in &mut clients {
        let answer = client.answer();
        assert_eq!(
            (answer.status, answer.text(), answer.field("connection")),
            (200, "slow", Some("close"))
        );
    }
    assert_eq!(program.ended().code(), Some(0), "{}", program.log());
}

#[test]
fn requests_are_still_accepted_during_the_delay() {
    let mut program = Program::start(
        "[routes.hello]\npath = \"/hello\"\nrespond = { body = \"hi\" }\n[shutdown]\ndelay = \"2s\"\n",
        &[],
        &[],
    );
    let mut kept = Client::connect(program.gateway);
    kept.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(kept.answer().field("connection"), None);
    program.signal("TERM");
    until(|| get(program.admin, "/health/ready").status == 503);
    // An idle connection stays open, and a new one is served.
    kept.send("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n");
    let answer = kept.answer();
    assert_eq!(
        (answer.status, answer.field("connection")),
        (200, Some("close"))
    );
    assert_eq!(get(program.gateway, "/hello").status, 200);
    assert_eq!(program.ended().code(), Some(0), "{}", program.log());
}

#[test]
fn the_time_limit_ends_it_with_124_and_names_what_still_ran() {
    let silent = Origin::raw(|mut stream| {
        receive(&mut stream);
        thread::park();
    });
    let mut program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n{SLOW}[shutdown]\ntimeout = \"600ms\"\n",
        silent.address
    ));
    let mut client = Client::connect(program.gateway);
    client.send("GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n");
    in_flight(&program, 1);
    program.signal("TERM");
    assert_eq!(program.ended().code(), Some(124), "{}", program.log());
    until(|| program.log().contains("close-listeners"));
    assert!(
        program.log().contains("a request of 127.0.0.1"),
        "{}",
        program.log()
    );
}

#[test]
fn a_second_signal_ends_it_with_130() {
    let silent = Origin::raw(|mut stream| {
        receive(&mut stream);
        thread::park();
    });
    let mut program = Program::configured(&format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\n{SLOW}",
        silent.address
    ));
    let mut client = Client::connect(program.gateway);
    client.send("GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n");
    in_flight(&program, 1);
    program.signal("TERM");
    until(|| get(program.admin, "/health/ready").status == 503);
    program.signal("INT");
    assert_eq!(program.ended().code(), Some(130), "{}", program.log());
}
