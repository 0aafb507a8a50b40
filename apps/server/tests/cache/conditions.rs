//! §4.3.2 and RFC 9110 §13: a client's conditions, answered from the store.

use crate::case::{Case, Step, case, get};
use crate::reply::Reply;
use crate::site::check;

fn against(
    name: &'static str,
    fields: &[&'static str],
    condition: &'static str,
    then: fn(Step) -> Step,
) -> Case {
    let mut all = vec!["cache-control: max-age=600"];
    all.extend_from_slice(fields);
    case(
        name,
        [
            get().answer(Reply::ok(&all)),
            then(get().with(condition).stored()),
        ],
    )
}

fn held(step: Step) -> Step {
    step.status(304)
}

fn whole(step: Step) -> Step {
    step.status(200)
}

#[test]
fn if_none_match() {
    const STRONG: [&str; 1] = ["etag: \"abcdef\""];
    const WEAK: [&str; 1] = ["etag: W/\"abcdef\""];
    check([
        against(
            "RFC 9110 13.1.2 a strong tag",
            &STRONG,
            "if-none-match: \"abcdef\"",
            held,
        ),
        against(
            "RFC 9110 13.1.2 a weak tag",
            &WEAK,
            "if-none-match: W/\"abcdef\"",
            held,
        ),
        against(
            "RFC 9110 8.8.3.2 a strong tag, asked for weakly",
            &STRONG,
            "if-none-match: W/\"abcdef\"",
            held,
        ),
        against(
            "RFC 9110 8.8.3.2 a weak tag, asked for strongly",
            &WEAK,
            "if-none-match: \"abcdef\"",
            held,
        ),
        against(
            "RFC 9110 13.1.2 another tag",
            &STRONG,
            "if-none-match: \"abc\"",
            whole,
        ),
        against(
            "RFC 9110 8.8.3 tags have a case",
            &STRONG,
            "if-none-match: \"ABCDEF\"",
            whole,
        ),
        against(
            "RFC 9110 13.1.2 the first of a list",
            &STRONG,
            "if-none-match: \"abcdef\", \"1\", \"2\"",
            held,
        ),
        against(
            "RFC 9110 13.1.2 the middle of a list",
            &STRONG,
            "if-none-match: \"1\", \"abcdef\", \"2\"",
            held,
        ),
        against(
            "RFC 9110 13.1.2 the last of a list, with odd blanks",
            &STRONG,
            "if-none-match: \"1\",  W/\"2\"  ,\"abcdef\"",
            held,
        ),
        against(
            "RFC 9110 13.1.2 none of a list",
            &STRONG,
            "if-none-match: \"1\", \"2\"",
            whole,
        ),
        against(
            "RFC 9110 13.1.2 the second of two lines",
            &STRONG,
            "if-none-match: \"1\"\r\nif-none-match: \"abcdef\"",
            held,
        ),
        against("RFC 9110 13.1.2 a star", &STRONG, "if-none-match: *", held),
        against(
            "RFC 9110 13.1.2 a star without any tag",
            &[],
            "if-none-match: *",
            held,
        ),
        against(
            "RFC 9110 8.8.3 a tag with a comma",
            &["etag: \"a,b\""],
            "if-none-match: \"a,b\"",
            held,
        ),
        against(
            "RFC 9110 8.8.3 part of a tag with a comma",
            &["etag: \"a,b\""],
            "if-none-match: \"a\", \"b\"",
            whole,
        ),
        against(
            "RFC 9110 8.8.3 a tag without quotes",
            &STRONG,
            "if-none-match: abcdef",
            whole,
        ),
        against(
            "RFC 9110 13.1.3 If-None-Match before If-Modified-Since that holds",
            &["etag: \"abcdef\"", "last-modified: {now-3000}"],
            "if-none-match: \"other\"\r\nif-modified-since: {now}",
            whole,
        ),
        against(
            "RFC 9110 13.1.3 If-None-Match before If-Modified-Since that does not",
            &["etag: \"abcdef\"", "last-modified: {now-3000}"],
            "if-none-match: \"abcdef\"\r\nif-modified-since: {now-9000}",
            held,
        ),
    ]);
}

#[test]
fn if_modified_since() {
    const DATED: [&str; 2] = [
        "date: {now}",
        "last-modified: Wed, 01 Jan 2020 00:00:00 GMT",
    ];
    check([
        against(
            "RFC 9110 13.1.3 the same date",
            &DATED,
            "if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT",
            held,
        ),
        against(
            "RFC 9110 13.1.3 a later date",
            &DATED,
            "if-modified-since: Thu, 02 Jan 2020 00:00:00 GMT",
            held,
        ),
        against(
            "RFC 9110 13.1.3 an earlier date",
            &DATED,
            "if-modified-since: Tue, 31 Dec 2019 23:59:59 GMT",
            whole,
        ),
        against(
            "RFC 9110 5.6.7 the form of RFC 850",
            &DATED,
            "if-modified-since: Wednesday, 01-Jan-20 00:00:00 GMT",
            held,
        ),
        against(
            "RFC 9110 5.6.7 the form of asctime",
            &DATED,
            "if-modified-since: Wed Jan  1 00:00:00 2020",
            held,
        ),
        against(
            "RFC 9110 13.1.3 no date",
            &DATED,
            "if-modified-since: soon",
            whole,
        ),
        against(
            "RFC 9110 13.1.3 a date on two lines",
            &DATED,
            "if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT\r\nif-modified-since: Thu, 02 Jan 2020 00:00:00 GMT",
            Step::anyhow,
        ),
        against(
            "4.3.2 Date where there is no Last-Modified",
            &["date: {now-60}"],
            "if-modified-since: {now-30}",
            held,
        ),
        against(
            "4.3.2 Date later than what was asked",
            &["date: {now-60}"],
            "if-modified-since: {now-90}",
            whole,
        ),
    ]);
}

#[test]
fn what_a_304_says() {
    const FIELDS: [&str; 6] = [
        "cache-control: max-age=600",
        "etag: \"a\"",
        "content-location: /elsewhere",
        "expires: Thu, 18 Aug 2050 02:01:18 GMT",
        "content-type: text/plain",
        "date: Wed, 01 Jan 2025 00:00:00 GMT",
    ];
    let stored = || get().answer(Reply::ok(&FIELDS)).anyhow();
    let lasting = || {
        get().answer(Reply::ok(&[
            "cache-control: max-age=600",
            "etag: \"a\"",
            "content-location: /elsewhere",
            "expires: Thu, 18 Aug 2050 02:01:18 GMT",
            "content-type: text/plain",
        ]))
    };
    check([
        case(
            "RFC 9110 15.4.5 a 304 has the fields that a 200 would have had",
            [
                lasting(),
                get()
                    .with("if-none-match: \"a\"")
                    .stored()
                    .status(304)
                    .has("etag: \"a\"")
                    .has("cache-control: max-age=600")
                    .has("content-location: /elsewhere")
                    .has("expires: Thu, 18 Aug 2050 02:01:18 GMT")
                    .aged(0),
            ],
        ),
        case(
            "RFC 9110 15.4.5 a 304 has no content",
            [
                lasting(),
                get()
                    .with("if-none-match: \"a\"")
                    .stored()
                    .status(304)
                    .lacks("content-type")
                    .lacks("transfer-encoding"),
            ],
        ),
        case(
            "RFC 9110 13.2.1 a condition on a stored 203 is judged",
            [
                get().answer(Reply::of(
                    203,
                    &["cache-control: max-age=600", "etag: \"a\""],
                )),
                get().with("if-none-match: \"a\"").stored().status(304),
            ],
        ),
        case(
            "RFC 9110 13.2.1 a condition on what is no 200 is passed over",
            [
                get().answer(Reply::of(
                    301,
                    &["cache-control: max-age=600", "etag: \"a\"", "location: /b"],
                )),
                get().with("if-none-match: \"a\"").stored().status(301),
            ],
        ),
        case(
            "4.3.2 a condition on what is stale is not answered from the store alone",
            [
                stored(),
                get()
                    .with("if-none-match: \"a\"")
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .status(200)
                    .has("etag: \"b\""),
            ],
        ),
    ]);
}

#[test]
fn conditions_on_what_is_not_stored() {
    let tagged = || Reply::ok(&["cache-control: max-age=600", "etag: \"a\""]);
    check([
        case(
            "contract: a condition that is met by what is fetched",
            [
                get()
                    .with("if-none-match: \"a\"")
                    .answer(tagged())
                    .anyhow()
                    .status(304)
                    .asked(1)
                    .not_told("if-none-match"),
                get().stored().body("the answer of step 1"),
            ],
        ),
        case(
            "contract: a date that is met by what is fetched",
            [
                get()
                    .with("if-modified-since: {now}")
                    .answer(Reply::ok(&[
                        "cache-control: max-age=600",
                        "last-modified: {now-60}",
                    ]))
                    .anyhow()
                    .status(304)
                    .not_told("if-modified-since"),
                get().stored().body("the answer of step 1"),
            ],
        ),
        case(
            "contract: a condition that is not met by what is fetched",
            [
                get()
                    .with("if-none-match: \"b\"")
                    .answer(tagged())
                    .status(200),
                get().stored(),
            ],
        ),
        case(
            "4.3.2 If-Match goes to the origin",
            [
                get().answer(tagged()),
                get()
                    .with("if-match: \"b\"")
                    .answer(Reply::of(412, &[]))
                    .status(412)
                    .told("if-match: \"b\""),
            ],
        ),
        case(
            "4.3.2 If-Unmodified-Since goes to the origin",
            [
                get().answer(tagged()),
                get()
                    .with("if-unmodified-since: Wed, 01 Jan 2020 00:00:00 GMT")
                    .answer(Reply::of(412, &[]))
                    .status(412)
                    .told("if-unmodified-since: Wed, 01 Jan 2020 00:00:00 GMT"),
            ],
        ),
        case(
            "4.3.2 what answers If-Match is not stored in place of what is",
            [
                get().answer(tagged()),
                get()
                    .with("if-match: \"b\"")
                    .answer(Reply::of(412, &["cache-control: max-age=60"])),
                get().stored().status(200).body("the answer of step 1"),
            ],
        ),
    ]);
}

#[test]
fn a_tag_of_the_gateway_s_own() {
    check([
        case(
            "contract: what has no tag gets a weak one in the store",
            [
                get()
                    .answer(Reply::ok(&["cache-control: max-age=600"]).body("bytes"))
                    .lacks("etag"),
                get().stored().begins("etag: W/\"urm-"),
            ],
        ),
        case(
            "contract: a tag of the origin's stays",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600", "etag: \"mine\""])),
                get().stored().has("etag: \"mine\""),
            ],
        ),
        case(
            "contract: the gateway's tag is good for a 304",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600"]).body("bytes")),
                get().stored().keep("etag"),
                get()
                    .with("if-none-match: {kept}")
                    .stored()
                    .status(304)
                    .begins("etag: W/\"urm-"),
            ],
        ),
    ]);
}
