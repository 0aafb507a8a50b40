//! RFC 10008: the method `QUERY`.

use crate::case::{Step, case, get, send};
use crate::reply::Reply;
use crate::site::check;

fn query(content: &'static str) -> Step {
    send("QUERY")
        .content(content)
        .with("content-type: text/plain")
}

#[test]
fn the_query_method() {
    let long = || Reply::ok(&["cache-control: max-age=600"]);
    check([
        case(
            "RFC 10008 2.7 another content is another key",
            [query("a").answer(long()), query("b").answer(long())],
        ),
        case(
            "RFC 10008 2.7 another Content-Type is another key",
            [
                query("a").answer(long()),
                send("QUERY")
                    .content("a")
                    .with("content-type: text/html")
                    .answer(long()),
            ],
        ),
        case(
            "RFC 10008 2.7 a QUERY does not answer a GET",
            [query("a").answer(long()), get().answer(long())],
        ),
        case(
            "RFC 10008 2.7 a GET does not answer a QUERY",
            [get().answer(long()), query("a").answer(long())],
        ),
        case(
            "RFC 10008 2 a QUERY is safe",
            [
                get().answer(long()),
                query("a").answer(long()),
                get().stored(),
            ],
        ),
        case(
            "4.4 a change drops what is stored under QUERY",
            [
                query("a").answer(long()),
                send("PUT").content("x").answer(Reply::of(204, &[])),
                query("a").answer(long()),
            ],
        ),
        case(
            "RFC 10008 2 a QUERY goes up with its content",
            [query("a")
                .answer(long())
                .told_method("QUERY")
                .told("content-type: text/plain")],
        ),
    ]);
}
