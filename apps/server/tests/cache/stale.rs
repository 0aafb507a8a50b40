//! §4.2.4 and RFC 5861: when what is stale is still good enough.

use crate::case::{Case, Step, case, get};
use crate::reply::Reply;
use crate::site::check;

fn first(control: &'static str) -> Step {
    get().answer(Reply::ok(&[control, "etag: \"a\""]).body("first"))
}

/// A stale response is not used although the origin does not answer.
fn never(name: &'static str, control: &'static str) -> Case {
    let failing = get().answer(Reply::silence()).until().failed();
    case(name, [first(control), failing])
}

/// A stale response is not used although the origin answers with an error.
fn never_on_errors(name: &'static str, control: &'static str) -> Case {
    let failing = get()
        .answer(Reply::of(503, &[]))
        .until()
        .failed()
        .status(503);
    case(name, [first(control), failing])
}

#[test]
fn stale_is_not_served() {
    check([
        never(
            "5.2.2.2 must-revalidate",
            "cache-control: max-age=1, must-revalidate",
        ),
        never(
            "5.2.2.2 must-revalidate before stale-if-error",
            "cache-control: max-age=1, must-revalidate, stale-if-error=600",
        ),
        never(
            "5.2.2.8 proxy-revalidate before stale-if-error",
            "cache-control: max-age=1, proxy-revalidate, stale-if-error=600",
        ),
        never(
            "5.2.2.8 proxy-revalidate",
            "cache-control: max-age=1, proxy-revalidate",
        ),
        never("5.2.2.4 no-cache", "cache-control: max-age=1, no-cache"),
        never(
            "5.2.2.4 no-cache before stale-if-error",
            "cache-control: max-age=1, no-cache, stale-if-error=600",
        ),
        never("5.2.2.10 a stale s-maxage", "cache-control: s-maxage=1"),
        never("4.2.4 nothing allows it", "cache-control: max-age=1"),
        never_on_errors(
            "5.2.2.2 must-revalidate and a 503",
            "cache-control: max-age=1, must-revalidate",
        ),
        never_on_errors(
            "5.2.2.8 proxy-revalidate and a 503",
            "cache-control: max-age=1, proxy-revalidate",
        ),
        never_on_errors("5.2.2.10 s-maxage and a 503", "cache-control: s-maxage=1"),
        never_on_errors(
            "4.2.4 nothing allows it and a 503",
            "cache-control: max-age=1",
        ),
        never_on_errors(
            "RFC 5861 4 stale-if-error=0",
            "cache-control: max-age=1, stale-if-error=0",
        ),
        never_on_errors(
            "RFC 5861 4 a stale-if-error that is malformed",
            "cache-control: max-age=1, stale-if-error=x",
        ),
        case(
            "RFC 5861 4 stale-if-error that has run out",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100, stale-if-error=50",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get().answer(Reply::of(500, &[])).status(500),
            ],
        ),
        case(
            "RFC 5861 3 stale-while-revalidate that has run out",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100, stale-while-revalidate=50",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get().answer(Reply::ok(&["etag: \"b\""])).has("etag: \"b\""),
            ],
        ),
        case(
            "RFC 5861 4 stale-if-error is not for a 404",
            [
                first("cache-control: max-age=1, stale-if-error=600"),
                get().answer(Reply::of(404, &[])).until().status(404),
            ],
        ),
    ]);
}
