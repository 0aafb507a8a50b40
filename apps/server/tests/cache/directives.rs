//! §5.2.2: what a response's directives allow beside its lifetime.

use crate::case::{case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn what_may_not_be_stored() {
    check([
        not_reused("5.2.2.5 no-store", &["cache-control: no-store"]),
        not_reused("5.2.2.5 the case of no-store", &["cache-control: No-StOrE"]),
        not_reused(
            "5.2.2.5 no-store beside max-age and Expires",
            &[
                "cache-control: max-age=60, no-store",
                "date: {now}",
                "expires: {now+60}",
            ],
        ),
        not_reused(
            "5.2.2.5 no-store on a line of its own",
            &["cache-control: max-age=60", "cache-control: no-store"],
        ),
        not_reused(
            "5.2.2.5 no-store with an argument",
            &["cache-control: max-age=60, no-store=1"],
        ),
        not_reused("5.2.2.7 private", &["cache-control: private, max-age=60"]),
        not_reused(
            "5.2.2.7 the case of private",
            &["cache-control: PRIVATE, max-age=60"],
        ),
        not_reused(
            "5.2.2.7 private beside s-maxage and public",
            &["cache-control: public, s-maxage=60, private"],
        ),
        not_reused(
            "5.2.2.7 private on a line of its own",
            &["cache-control: max-age=60", "cache-control: private"],
        ),
        reused(
            "5.2 no-store within another's quoted string",
            &["cache-control: x=\"no-store\", max-age=60"],
        ),
        reused(
            "5.2 a name that only begins like no-store",
            &["cache-control: no-stored, max-age=60"],
        ),
        reused(
            "5.4 Pragma in a response says nothing",
            &["cache-control: max-age=60", "pragma: no-cache"],
        ),
    ]);
}

#[test]
fn no_cache() {
    const DATED: [&str; 3] = [
        "cache-control: max-age=60, no-cache",
        "date: {now}",
        "expires: {now+60}",
    ];
    let tagged = |control| Reply::ok(&[control, "etag: \"a\""]);
    let confirmed = || Reply::of(304, &["etag: \"a\""]);
    check([
        not_reused("5.2.2.4 no-cache beside max-age and Expires", &DATED),
        not_reused(
            "5.2.2.4 the case of no-cache",
            &["cache-control: max-age=60, No-CaChE"],
        ),
        not_reused(
            "5.2.2.4 no-cache on a line of its own",
            &["cache-control: max-age=60", "cache-control: no-cache"],
        ),
        case(
            "5.2.2.4 no-cache is stored and asked about each time",
            [
                get().answer(tagged("cache-control: no-cache")),
                get()
                    .answer(confirmed())
                    .validated()
                    .told("if-none-match: \"a\""),
                get()
                    .answer(confirmed())
                    .validated()
                    .told("if-none-match: \"a\""),
            ],
        ),
        case(
            "5.2.2.4 no-cache beside max-age is asked about",
            [
                get().answer(tagged("cache-control: max-age=60, no-cache")),
                get()
                    .answer(confirmed())
                    .validated()
                    .told("if-none-match: \"a\""),
            ],
        ),
    ]);
}

#[test]
fn field_names_as_arguments() {
    let listed = |control| {
        Reply::ok(&[
            "cache-control: max-age=60",
            control,
            "x-a: 1",
            "x-b: 2",
            "x-c: 3",
        ])
    };
    check([
        case(
            "5.2.2.4 no-cache with one field",
            [
                get().answer(listed("cache-control: no-cache=\"x-a\"")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a"),
            ],
        ),
        case(
            "5.2.2.4 no-cache with two fields",
            [
                get().answer(listed("cache-control: no-cache=\"x-a, X-B\"")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a")
                    .lacks_when_stored("x-b"),
            ],
        ),
        case(
            "5.2.2.4 no-cache with a field as a token",
            [
                get().answer(listed("cache-control: no-cache=x-a")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a"),
            ],
        ),
        case(
            "5.2.2.7 private with one field",
            [
                get().answer(listed("cache-control: private=\"x-a\"")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a"),
            ],
        ),
        case(
            "5.2.2.7 private with two fields",
            [
                get().answer(listed("cache-control: private=\"X-A,x-b\"")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a")
                    .lacks_when_stored("x-b"),
            ],
        ),
        case(
            "5.2.2.7 an argument that breaks off counts as none",
            [
                get().answer(listed("cache-control: private=\"x-a")),
                get()
                    .answer(Reply::ok(&[]))
                    .anyhow()
                    .lacks_when_stored("x-a"),
            ],
        ),
    ]);
}

#[test]
fn must_understand() {
    check([
        reused(
            "5.2.2.3 must-understand of a known status overrules no-store",
            &["cache-control: max-age=60, no-store, must-understand"],
        ),
        reused(
            "5.2.2.3 must-understand alone, of a known status",
            &["cache-control: max-age=60, must-understand"],
        ),
        case(
            "5.2.2.3 must-understand of an unknown status",
            [
                get().answer(Reply::of(
                    599,
                    &["cache-control: max-age=60, no-store, must-understand"],
                )),
                get().answer(Reply::of(
                    599,
                    &["cache-control: max-age=60, no-store, must-understand"],
                )),
            ],
        ),
        case(
            "5.2.2.3 must-understand without no-store, of an unknown status",
            [
                get().answer(Reply::of(
                    599,
                    &["cache-control: max-age=60, must-understand"],
                )),
                get().answer(Reply::ok(&[])),
            ],
        ),
    ]);
}

#[test]
fn a_later_response_that_may_not_be_stored() {
    check([
        case(
            "5.2.2.5 no-store is not stored in place of what is stale",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1"])),
                get()
                    .answer(Reply::ok(&["cache-control: no-store"]))
                    .until(),
                get().answer(Reply::ok(&[])),
            ],
        ),
        case(
            "4.4 what is refetched takes the place of what was stored",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "x-a: 1"])),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=60", "x-a: 2"]))
                    .until(),
                get().stored().has("x-a: 2"),
            ],
        ),
    ]);
}
