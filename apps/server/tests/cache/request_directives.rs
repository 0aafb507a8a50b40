//! §5.2.1 and §5.4: what a client may ask of the cache.

use crate::case::{Case, Step, case, get};
use crate::reply::Reply;
use crate::site::check;

/// A stored response of these fields, and a request with a directive after it.
fn asked(
    name: &'static str,
    fields: &[&'static str],
    line: &'static str,
    then: fn(Step) -> Step,
) -> Case {
    case(
        name,
        [get().answer(Reply::ok(fields)), then(get().with(line))],
    )
}

const LONG: [&str; 1] = ["cache-control: max-age=600"];
const AGED: [&str; 2] = ["cache-control: max-age=600", "age: 300"];

#[test]
fn directives_that_a_fresh_response_must_meet() {
    let from_origin: fn(Step) -> Step = |step| step.answer(Reply::ok(&LONG));
    check([
        asked(
            "5.2.1.4 no-cache",
            &LONG,
            "cache-control: no-cache",
            from_origin,
        ),
        asked(
            "5.2.1.4 the case of no-cache",
            &LONG,
            "cache-control: No-Cache",
            from_origin,
        ),
        asked(
            "5.2.1.1 max-age=0",
            &LONG,
            "cache-control: max-age=0",
            from_origin,
        ),
        asked(
            "5.2.1.1 max-age below the age",
            &AGED,
            "cache-control: max-age=100",
            from_origin,
        ),
        asked(
            "5.2.1.3 min-fresh beyond what is left",
            &AGED,
            "cache-control: min-fresh=400",
            from_origin,
        ),
        asked(
            "5.4 Pragma: no-cache",
            &LONG,
            "pragma: no-cache",
            from_origin,
        ),
        asked(
            "5.2.1.4 no-cache on a second line",
            &LONG,
            "cache-control: max-age=600\r\ncache-control: no-cache",
            from_origin,
        ),
    ]);
}

#[test]
fn directives_and_the_origin() {
    check([
        case(
            "5.2.1.5 what answers no-store is not stored",
            [
                get()
                    .with("cache-control: no-store")
                    .answer(Reply::ok(&LONG)),
                get().answer(Reply::ok(&LONG)),
            ],
        ),
        case(
            "5.2.1.5 no-store leaves what is stored",
            [
                get().answer(Reply::ok(&LONG)),
                get()
                    .with("cache-control: no-store")
                    .answer(Reply::ok(&LONG))
                    .anyhow(),
                get().stored().body("the answer of step 1"),
            ],
        ),
        case(
            "5.2.1.2 max-stale that is not enough",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get()
                    .with("cache-control: max-stale=50")
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .has("etag: \"b\""),
            ],
        ),
        case(
            "4.2.4 max-stale does not overrule must-revalidate",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100, must-revalidate",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get()
                    .with("cache-control: max-stale=600")
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .has("etag: \"b\""),
            ],
        ),
        case(
            "4.2.4 max-stale does not overrule s-maxage",
            [
                get().answer(Reply::ok(&[
                    "cache-control: s-maxage=100",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get()
                    .with("cache-control: max-stale=600")
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .has("etag: \"b\""),
            ],
        ),
        case(
            "4.2.4 max-stale does not overrule no-cache",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100, no-cache",
                    "etag: \"a\"",
                ])),
                get()
                    .with("cache-control: max-stale=600")
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .has("etag: \"b\""),
            ],
        ),
    ]);
}
