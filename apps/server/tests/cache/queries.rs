//! RFC 10008: the method `QUERY`.

use std::time::Duration;

use crate::case::{Step, case, get, head, send};
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
    let [largest, larger]: [&'static str; 2] =
        [64 * 1024, 64 * 1024 + 1].map(|length| &*"a".repeat(length).leak());
    check([
        case(
            "RFC 10008 2.7 the same query is answered from the store",
            [
                query("a").answer(long()),
                query("a").stored(),
                query("a").chunked().stored(),
            ],
        ),
        case(
            "RFC 10008 2.7 another content is another key",
            [
                query("a").answer(long()),
                query("b").answer(long()),
                query("a").stored(),
                query("b").stored(),
            ],
        ),
        case(
            "RFC 10008 2.7 another target is another key",
            [
                query("a").answer(long()),
                query("a").at("/page?a").answer(long()),
            ],
        ),
        case(
            "RFC 10008 2.7 the Vary of an answer counts",
            [
                query("a")
                    .with("x-a: 1")
                    .answer(Reply::ok(&["cache-control: max-age=600", "vary: x-a"])),
                query("a")
                    .with("x-a: 2")
                    .answer(Reply::ok(&["cache-control: max-age=600", "vary: x-a"])),
                query("a")
                    .with("x-a: 1")
                    .stored()
                    .body("the answer of step 1"),
            ],
        ),
        case(
            "contract: up to 64 KiB are part of a key",
            [
                query(largest).answer(long()).told_content(largest),
                query(largest).stored(),
                query(largest).chunked().stored(),
                query(larger).answer(long()).told_content(larger),
                query(larger).answer(long()).says("detail=content"),
                query(larger)
                    .chunked()
                    .answer(long())
                    .says("detail=content"),
            ],
        ),
        case(
            "contract: content in chunks goes up with its length",
            [
                query("abc").chunked().answer(long()).told_content("abc"),
                query("abc").stored(),
            ],
        ),
        case(
            "4.3 a stale answer to QUERY is validated with the same content",
            [
                query("a").answer(Reply::ok(&["cache-control: max-age=0", "etag: \"a\""])),
                query("a")
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=600", "etag: \"a\""],
                    ))
                    .validated()
                    .told("if-none-match: \"a\"")
                    .told_method("QUERY")
                    .told_content("a"),
                query("a").stored(),
                query("a").with("if-none-match: \"a\"").stored().status(304),
            ],
        ),
        case(
            "RFC 5861 3 a refresh takes the content along",
            [
                query("a").answer(Reply::ok(&[
                    "cache-control: max-age=0, stale-while-revalidate=600",
                ])),
                query("a").answer(long()).stale_and_refreshed(),
                query("a").until().stored().body("the answer of step 2"),
            ],
        ),
        case(
            "4 the same query of several goes up once",
            [
                query("a")
                    .answer(long().after(Duration::from_secs(1)))
                    .together(6)
                    .asked(1)
                    .told_content("a"),
                query("a").stored(),
            ],
        ),
        case(
            "RFC 10008 2.7 a QUERY does not answer a HEAD",
            [query("a").answer(long()), head().answer(long())],
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
