//! §4.3.5 and RFC 9110 §9.3.2: `HEAD` and the stored `GET`.

use crate::case::{case, get, head};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn heads() {
    let long =
        || Reply::ok(&["cache-control: max-age=600", "etag: \"a\"", "x-a: 1"]).body("ten bytes.");
    let short =
        |line| Reply::ok(&["cache-control: max-age=1", "etag: \"a\"", line]).body("ten bytes.");
    check([
        case(
            "RFC 9110 9.3.2 HEAD is answered from a stored GET",
            [
                get().answer(long()),
                head()
                    .stored()
                    .status(200)
                    .has("content-length: 10")
                    .has("etag: \"a\"")
                    .has("x-a: 1"),
            ],
        ),
        case(
            "RFC 9110 8.6 HEAD of a stored 204 has no Content-Length",
            [
                get().answer(Reply::of(204, &["cache-control: max-age=600"])),
                head().stored().status(204).lacks("content-length"),
            ],
        ),
        case(
            "RFC 9110 8.6 a stored 204 has no Content-Length",
            [
                get().answer(Reply::of(204, &["cache-control: max-age=600"])),
                get().stored().status(204).lacks("content-length"),
            ],
        ),
        case(
            "RFC 9110 13.2.1 HEAD with a condition that holds",
            [
                get().answer(long()),
                head().with("if-none-match: \"a\"").stored().status(304),
            ],
        ),
        case(
            "3 HEAD is not stored as a GET",
            [
                head().answer(long()).told_method("HEAD"),
                get().answer(long()).body("ten bytes."),
            ],
        ),
        case(
            "4 HEAD on what is stale goes to the origin",
            [
                get().answer(short("x-a: 1")),
                head().answer(short("x-a: 2")).anyhow().asked(1).until(),
            ],
        ),
        case(
            "4.3.5 HEAD with the same validators freshens the stored GET",
            [
                get().answer(short("x-a: 1")),
                head()
                    .answer(
                        Reply::ok(&["cache-control: max-age=600", "etag: \"a\"", "x-a: 2"])
                            .body("ten bytes."),
                    )
                    .anyhow()
                    .asked(1)
                    .until(),
                get().stored().body("ten bytes.").has("x-a: 2"),
            ],
        ),
        case(
            "4.3.5 HEAD with another tag does not freshen the stored GET",
            [
                get().answer(short("x-a: 1")),
                head()
                    .answer(
                        Reply::ok(&["cache-control: max-age=600", "etag: \"b\""])
                            .body("ten bytes."),
                    )
                    .anyhow()
                    .asked(1)
                    .until(),
                get().answer(Reply::ok(&["etag: \"b\""])).has("etag: \"b\""),
            ],
        ),
        case(
            "4.3.5 HEAD with another length does not freshen the stored GET",
            [
                get().answer(short("x-a: 1")),
                head()
                    .answer(
                        Reply::ok(&["cache-control: max-age=600", "etag: \"a\""])
                            .body("other length"),
                    )
                    .anyhow()
                    .asked(1)
                    .until(),
                get().answer(Reply::ok(&["etag: \"a\""])),
            ],
        ),
        case(
            "RFC 9110 9.3.2 HEAD on a cold key keeps its conditions",
            [head()
                .with("if-none-match: \"a\"")
                .answer(Reply::of(304, &["etag: \"a\""]))
                .anyhow()
                .status(304)],
        ),
        case(
            "RFC 9110 9.3.7 OPTIONS is not answered from the store",
            [
                get().answer(long()),
                crate::case::send("OPTIONS")
                    .answer(Reply::of(204, &["allow: GET"]))
                    .status(204),
                get().stored(),
            ],
        ),
        case(
            "RFC 9110 9.3.1 GET with content bypasses",
            [
                get().answer(long()),
                get()
                    .content("x")
                    .answer(Reply::ok(&["cache-control: max-age=600"]).body("other")),
                get().stored().body("ten bytes."),
            ],
        ),
    ]);
}
