//! §3: which statuses are stored, and how long they are fresh.

use crate::case::{Case, case, get};
use crate::reply::Reply;
use crate::site::check;

const FRESH: [&str; 1] = ["cache-control: max-age=60"];

fn fresh(name: &'static str, status: u16) -> Case {
    let steps = [get().answer(Reply::of(status, &FRESH)), get().stored()];
    case(name, steps)
}

fn stale(name: &'static str, status: u16) -> Case {
    let fields = ["date: {now-9000}", "expires: {now-6000}"];
    let fetch = || get().answer(Reply::of(status, &fields));
    case(name, [fetch(), fetch()])
}

#[test]
fn with_explicit_freshness() {
    check([
        fresh("3 a fresh 200", 200),
        fresh("3 a fresh 203", 203),
        fresh("3 a fresh 204", 204),
        fresh("3 a fresh 299", 299),
        fresh("3 a fresh 300", 300),
        fresh("3 a fresh 301", 301),
        fresh("3 a fresh 302", 302),
        fresh("3 a fresh 303", 303),
        fresh("3 a fresh 307", 307),
        fresh("3 a fresh 308", 308),
        fresh("3 a fresh 400", 400),
        fresh("3 a fresh 404", 404),
        fresh("3 a fresh 410", 410),
        fresh("3 a fresh 499", 499),
        fresh("3 a fresh 500", 500),
        fresh("3 a fresh 502", 502),
        fresh("3 a fresh 503", 503),
        fresh("3 a fresh 504", 504),
        fresh("3 a fresh 599", 599),
    ]);
}

#[test]
fn when_stale() {
    check([
        stale("4.2 a stale 200", 200),
        stale("4.2 a stale 203", 203),
        stale("4.2 a stale 204", 204),
        stale("4.2 a stale 299", 299),
        stale("4.2 a stale 301", 301),
        stale("4.2 a stale 302", 302),
        stale("4.2 a stale 303", 303),
        stale("4.2 a stale 307", 307),
        stale("4.2 a stale 308", 308),
        stale("4.2 a stale 400", 400),
        stale("4.2 a stale 404", 404),
        stale("4.2 a stale 410", 410),
        stale("4.2 a stale 499", 499),
        stale("4.2 a stale 500", 500),
        stale("4.2 a stale 502", 502),
        stale("4.2 a stale 503", 503),
        stale("4.2 a stale 504", 504),
        stale("4.2 a stale 599", 599),
    ]);
}

#[test]
fn a_304_is_no_response_to_store() {
    check([case(
        "3 a 304 that nobody asked for is not stored",
        [
            get()
                .answer(Reply::of(
                    304,
                    &["cache-control: max-age=60", "etag: \"a\""],
                ))
                .anyhow(),
            get().answer(Reply::ok(&[])),
        ],
    )]);
}
