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
        never(
            "5.2.2.2 must-revalidate before stale-if-error of the route",
            "cache-control: max-age=1, must-revalidate",
        )
        .on(ROUTE),
        never(
            "5.2.2.10 s-maxage before stale-if-error of the route",
            "cache-control: s-maxage=1",
        )
        .on(ROUTE),
        case(
            "4.2.4 stale-while-revalidate of the route and must-revalidate",
            [
                first("cache-control: max-age=1, must-revalidate"),
                get()
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .until()
                    .has("etag: \"b\""),
            ],
        )
        .on(ROUTE),
    ]);
}

const ROUTE: &str =
    "cache.ttl = \"0s\"\ncache.stale_while_revalidate = \"600s\"\ncache.stale_if_error = \"600s\"";

#[test]
fn stale_if_error() {
    const ALLOWED: &str = "cache-control: max-age=1, stale-if-error=600";
    let used = |name, control, failure: Reply| {
        let second = get()
            .answer(failure)
            .stale()
            .until()
            .status(200)
            .body("first");
        case(name, [first(control), second])
    };
    check([
        used("RFC 5861 4 the origin is silent", ALLOWED, Reply::silence()),
        used("RFC 5861 4 a 500", ALLOWED, Reply::of(500, &[])),
        used("RFC 5861 4 a 502", ALLOWED, Reply::of(502, &[])),
        used("RFC 5861 4 a 503", ALLOWED, Reply::of(503, &[])),
        used("RFC 5861 4 a 504", ALLOWED, Reply::of(504, &[])),
        used(
            "RFC 5861 4 quoted",
            "cache-control: max-age=1, stale-if-error=\"600\"",
            Reply::of(500, &[]),
        ),
        used(
            "contract: stale_if_error of the route",
            "cache-control: max-age=1",
            Reply::of(500, &[]),
        )
        .on("cache.ttl = \"0s\"\ncache.stale_if_error = \"600s\""),
        case(
            "RFC 5861 4 a stale answer has its age",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100, stale-if-error=600",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get().answer(Reply::of(500, &[])).stale().aged(200),
            ],
        ),
        case(
            "RFC 5861 4 the origin is asked again next time",
            [
                first(ALLOWED),
                get()
                    .answer(Reply::of(500, &[]))
                    .stale()
                    .until()
                    .body("first"),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: \"a\""],
                    ))
                    .validated()
                    .until()
                    .status(200),
            ],
        ),
    ]);
}

#[test]
fn stale_while_revalidate() {
    const ALLOWED: &str = "cache-control: max-age=100, stale-while-revalidate=600";
    let stale =
        |control| get().answer(Reply::ok(&[control, "age: 200", "etag: \"a\""]).body("first"));
    check([
        case(
            "RFC 5861 3 stale at once, fresh afterwards",
            [
                stale(ALLOWED),
                get()
                    .answer(
                        Reply::ok(&["cache-control: max-age=600", "etag: \"b\""]).body("second"),
                    )
                    .stale_and_refreshed()
                    .body("first"),
                get().stored().until().body("second").has("etag: \"b\""),
            ],
        ),
        case(
            "RFC 5861 3 what happens behind is a validation",
            [
                stale(ALLOWED),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=600", "etag: \"a\""],
                    ))
                    .stale_and_refreshed()
                    .body("first"),
                get().stored().until().body("first"),
            ],
        ),
        case(
            "RFC 5861 3 an error behind leaves what is stale",
            [
                stale(ALLOWED),
                get()
                    .answer(Reply::of(500, &[]))
                    .stale_and_refreshed()
                    .body("first"),
                get()
                    .answer(Reply::of(500, &[]))
                    .stale_and_refreshed()
                    .body("first"),
            ],
        ),
        case(
            "RFC 5861 3 a stale answer has its age",
            [
                stale(ALLOWED),
                get().answer(Reply::ok(&[])).stale_and_refreshed().aged(200),
            ],
        ),
        case(
            "contract: stale_while_revalidate of the route",
            [
                stale("cache-control: max-age=100"),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=600"]).body("second"))
                    .stale_and_refreshed()
                    .body("first"),
                get().stored().until().body("second"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.stale_while_revalidate = \"600s\""),
        case(
            "RFC 5861 3 one validation for many",
            [
                stale(ALLOWED),
                get()
                    .answer(
                        Reply::ok(&["cache-control: max-age=600"])
                            .after(std::time::Duration::from_millis(300)),
                    )
                    .together(5)
                    .stale_and_refreshed()
                    .body("first"),
                get().stored().until().body("the answer of step 2"),
            ],
        ),
    ]);
}
