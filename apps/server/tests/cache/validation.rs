//! §4.3: what is stale is asked about, and what the origin's answer does.

use crate::case::{case, get};
use crate::reply::Reply;
use crate::site::check;

fn short(validator: &'static str) -> Reply {
    Reply::ok(&["cache-control: max-age=1", validator])
}

#[test]
fn conditions_of_the_cache_s_own() {
    check([
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
            "4.3.3 a 404 in answer to a condition is passed on",
            [
                get().answer(short("etag: \"a\"")),
                get().answer(Reply::of(404, &[])).until().status(404),
            ],
        ),
    ]);
}
