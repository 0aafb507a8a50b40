//! §4.3: what is stale is asked about, and what the origin's answer does.

use crate::case::{case, get};
use crate::reply::Reply;
use crate::site::check;

fn short(validator: &'static str) -> Reply {
    Reply::ok(&["cache-control: max-age=1", validator])
}

const MODIFIED: &str = "last-modified: Wed, 01 Jan 2020 00:00:00 GMT";

#[test]
fn conditions_of_the_cache_s_own() {
    let confirmed = |line| Reply::of(304, &["cache-control: max-age=60", line]);
    check([
        case(
            "4.3.1 If-None-Match of a strong tag",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .answer(confirmed("etag: \"a\""))
                    .validated()
                    .until()
                    .told("if-none-match: \"a\""),
                get().stored(),
            ],
        ),
        case(
            "4.3.1 If-None-Match of a weak tag",
            [
                get().answer(short("etag: W/\"a\"")),
                get()
                    .answer(confirmed("etag: W/\"a\""))
                    .validated()
                    .until()
                    .told("if-none-match: W/\"a\""),
                get().stored(),
            ],
        ),
        case(
            "4.3.1 If-Modified-Since of Last-Modified",
            [
                get().answer(short(MODIFIED)),
                get()
                    .answer(confirmed(MODIFIED))
                    .validated()
                    .until()
                    .told("if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT"),
                get().stored(),
            ],
        ),
        case(
            "4.3.1 both validators",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=1",
                    MODIFIED,
                    "etag: \"a\"",
                ])),
                get()
                    .answer(confirmed("etag: \"a\""))
                    .validated()
                    .until()
                    .told("if-none-match: \"a\"")
                    .told("if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT"),
            ],
        ),
        case(
            "4.3.1 no validator, no condition",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1"])),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=60"]))
                    .until()
                    .not_told("if-none-match")
                    .not_told("if-modified-since"),
                get().stored(),
            ],
        ),
        case(
            "contract: a tag of the gateway's own is no condition upstream",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1"])),
                get()
                    .answer(Reply::ok(&[]))
                    .until()
                    .not_told("if-none-match"),
            ],
        ),
        case(
            "4.3.1 a response that was stale when it came is asked about",
            [
                get().answer(Reply::ok(&["cache-control: max-age=0", "etag: \"a\""])),
                get()
                    .answer(Reply::of(304, &["etag: \"a\""]))
                    .validated()
                    .told("if-none-match: \"a\""),
            ],
        ),
        case(
            "4.3.1 must-revalidate once it is stale",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=1, must-revalidate",
                    "etag: \"a\"",
                ])),
                get()
                    .answer(Reply::of(304, &["etag: \"a\""]))
                    .validated()
                    .until()
                    .told("if-none-match: \"a\""),
            ],
        ),
        case(
            "RFC 8246 2 immutable is asked about once it is stale",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=1, immutable",
                    "etag: \"a\"",
                ])),
                get()
                    .answer(Reply::of(304, &["etag: \"a\""]))
                    .validated()
                    .until()
                    .told("if-none-match: \"a\""),
            ],
        ),
    ]);
}

#[test]
fn what_the_origin_says() {
    check([
        case(
            "4.3.3 a full response takes the place of the stored one",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=60", "etag: \"b\""]))
                    .until(),
                get().stored().has("etag: \"b\""),
            ],
        ),
        case(
            "4.3.3 an error of the origin is passed on",
            [
                get().answer(short("etag: \"a\"")),
                get().answer(Reply::of(500, &[])).until().status(500),
            ],
        ),
        case(
            "4.3.3 an error of the origin leaves what is stored",
            [
                get().answer(short("etag: \"a\"").body("first")),
                get().answer(Reply::of(500, &[])).until().status(500),
                get()
                    .answer(Reply::of(
                        304,
                        &["etag: \"a\"", "cache-control: max-age=60"],
                    ))
                    .validated()
                    .status(200)
                    .body("first"),
            ],
        ),
        case(
            "4.3.4 a 304 with another strong tag confirms nothing",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: \"b\"", "x-a: 2"],
                    ))
                    .validated()
                    .until()
                    .status(200)
                    .has("etag: \"a\"")
                    .lacks("x-a"),
                get().answer(Reply::ok(&["etag: \"b\""])).has("etag: \"b\""),
            ],
        ),
        case(
            "4.3.4 a 304 without a validator confirms what was asked about",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .answer(Reply::of(304, &["cache-control: max-age=60"]))
                    .validated()
                    .until(),
                get().stored(),
            ],
        ),
        case(
            "4.3.4 a 304 with a weak tag that agrees",
            [
                get().answer(short("etag: W/\"a\"")),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: W/\"a\""],
                    ))
                    .validated()
                    .until(),
                get().stored(),
            ],
        ),
        case(
            "4.3.3 a 404 in answer to a condition is passed on",
            [
                get().answer(short("etag: \"a\"")),
                get().answer(Reply::of(404, &[])).until().status(404),
            ],
        ),
        case(
            "4.3.3 a client's own condition after the cache's was met",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .with("if-none-match: \"a\"")
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: \"a\""],
                    ))
                    .anyhow()
                    .asked(1)
                    .until()
                    .status(304)
                    .has("etag: \"a\""),
                get().stored(),
            ],
        ),
        case(
            "4.3.3 a client's condition that is not the stored tag",
            [
                get().answer(short("etag: \"a\"")),
                get()
                    .with("if-none-match: \"other\"")
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: \"a\""],
                    ))
                    .validated()
                    .until()
                    .status(200),
            ],
        ),
        case(
            "4.3.3 a client's If-Modified-Since after the cache's was met",
            [
                get().answer(short(MODIFIED)),
                get()
                    .with("if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT")
                    .answer(Reply::of(304, &["cache-control: max-age=60", MODIFIED]))
                    .anyhow()
                    .asked(1)
                    .until()
                    .status(304),
                get().stored(),
            ],
        ),
    ]);
}
