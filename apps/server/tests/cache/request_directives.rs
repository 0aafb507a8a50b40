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
    let from_store: fn(Step) -> Step = Step::stored;
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
            "5.2.1.1 max-age above the age",
            &AGED,
            "cache-control: max-age=400",
            from_store,
        ),
        asked(
            "5.2.1.1 max-age quoted",
            &AGED,
            "cache-control: max-age=\"400\"",
            from_store,
        ),
        asked(
            "5.2.1.3 min-fresh beyond what is left",
            &AGED,
            "cache-control: min-fresh=400",
            from_origin,
        ),
        asked(
            "5.2.1.3 min-fresh within what is left",
            &AGED,
            "cache-control: min-fresh=100",
            from_store,
        ),
        asked(
            "5.2.1.2 max-stale of what is fresh",
            &LONG,
            "cache-control: max-stale=10",
            from_store,
        ),
        asked(
            "5.2.1.6 no-transform",
            &LONG,
            "cache-control: no-transform",
            from_store,
        ),
        asked(
            "5.2 a directive that nobody knows",
            &LONG,
            "cache-control: foobar",
            from_store,
        ),
        asked(
            "5.2 an empty Cache-Control",
            &LONG,
            "cache-control:",
            from_store,
        ),
        asked(
            "5.4 Pragma: no-cache",
            &LONG,
            "pragma: no-cache",
            from_origin,
        ),
        asked(
            "5.4 Pragma that nobody knows",
            &LONG,
            "pragma: foobar",
            from_store,
        ),
        asked(
            "5.4 Pragma beside Cache-Control says nothing",
            &AGED,
            "pragma: no-cache\r\ncache-control: max-age=400",
            from_store,
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
    let tagged = || Reply::ok(&["cache-control: max-age=600", "etag: \"a\""]);
    let confirm = || Reply::of(304, &["cache-control: max-age=600", "etag: \"a\""]);
    check([
        case(
            "5.2.1.4 no-cache is a validation",
            [
                get().answer(tagged()),
                get()
                    .with("cache-control: no-cache")
                    .answer(confirm())
                    .validated()
                    .told("if-none-match: \"a\""),
                get().stored(),
            ],
        ),
        case(
            "5.2.1.1 max-age=0 is a validation",
            [
                get().answer(tagged()),
                get()
                    .with("cache-control: max-age=0")
                    .answer(confirm())
                    .validated()
                    .told("if-none-match: \"a\""),
            ],
        ),
        case(
            "5.2.1.4 no-cache by Last-Modified",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600",
                    "last-modified: Wed, 01 Jan 2020 00:00:00 GMT",
                ])),
                get()
                    .with("cache-control: no-cache")
                    .answer(Reply::of(304, &["cache-control: max-age=600"]))
                    .validated()
                    .told("if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT"),
            ],
        ),
        case(
            "5.2.1.4 what no-cache fetched is stored",
            [
                get().answer(Reply::ok(&LONG)),
                get()
                    .with("cache-control: no-cache")
                    .answer(Reply::ok(&LONG)),
                get().stored().body("the answer of step 2"),
            ],
        ),
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
            "5.2.1.7 only-if-cached and nothing stored",
            [get()
                .with("cache-control: only-if-cached")
                .anyhow()
                .status(504)
                .asked(0)],
        ),
        case(
            "5.2.1.7 only-if-cached and a fresh response",
            [
                get().answer(Reply::ok(&LONG)),
                get().with("cache-control: only-if-cached").stored(),
            ],
        ),
        case(
            "5.2.1.7 only-if-cached and a stale response",
            [
                get().answer(Reply::ok(&["cache-control: max-age=0", "etag: \"a\""])),
                get()
                    .with("cache-control: only-if-cached")
                    .anyhow()
                    .status(504)
                    .asked(0),
            ],
        ),
        case(
            "5.2.1.2 max-stale takes what is stale",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get().with("cache-control: max-stale=600").stale().asked(0),
            ],
        ),
        case(
            "5.2.1.2 max-stale without a number takes any",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100",
                    "age: 200",
                    "etag: \"a\"",
                ])),
                get().with("cache-control: max-stale").stale().asked(0),
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

#[test]
fn a_route_that_does_not_take_them() {
    const DEAF: &str = "cache.ttl = \"0s\"\ncache.client_directives = false";
    check([
        asked(
            "contract: no-cache passed over",
            &LONG,
            "cache-control: no-cache",
            Step::stored,
        )
        .on(DEAF),
        asked(
            "contract: no-store passed over",
            &LONG,
            "cache-control: no-store",
            Step::stored,
        )
        .on(DEAF),
        asked(
            "contract: max-age=0 passed over",
            &LONG,
            "cache-control: max-age=0",
            Step::stored,
        )
        .on(DEAF),
        asked(
            "contract: min-fresh passed over",
            &LONG,
            "cache-control: min-fresh=9000",
            Step::stored,
        )
        .on(DEAF),
        asked(
            "contract: Pragma passed over",
            &LONG,
            "pragma: no-cache",
            Step::stored,
        )
        .on(DEAF),
        case(
            "contract: only-if-cached passed over",
            [get()
                .with("cache-control: only-if-cached")
                .answer(Reply::ok(&LONG))
                .status(200)],
        )
        .on(DEAF),
        case(
            "contract: what came with no-store is stored",
            [
                get()
                    .with("cache-control: no-store")
                    .answer(Reply::ok(&LONG)),
                get().stored(),
            ],
        )
        .on(DEAF),
    ]);
}
