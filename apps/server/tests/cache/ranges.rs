//! §3.3, §3.4 and RFC 9110 §14: parts, and what they may be taken from.

use crate::case::{Case, Step, case, get, head};
use crate::reply::Reply;
use crate::site::check;

const MODIFIED: &str = "last-modified: Wed, 01 Jan 2020 00:00:00 GMT";

fn digits(fields: &[&'static str]) -> Step {
    let mut all = vec!["cache-control: max-age=600"];
    all.extend_from_slice(fields);
    get().answer(Reply::ok(&all).body("0123456789A"))
}

/// A part of the stored `0123456789A`.
fn part(name: &'static str, range: &'static str, body: &'static str, sent: &'static str) -> Case {
    let second = get().with(range).stored().status(206).body(body).has(sent);
    case(name, [digits(&[]), second])
}

/// A range that is passed over: the whole answers.
fn whole(name: &'static str, range: &'static str) -> Case {
    case(
        name,
        [
            digits(&[]),
            get()
                .with(range)
                .stored()
                .status(200)
                .lacks("content-range"),
        ],
    )
}

#[test]
fn parts_of_a_whole_stored_response() {
    check([
        part(
            "RFC 9110 14.1.2 first and last",
            "range: bytes=0-1",
            "01",
            "content-range: bytes 0-1/11",
        ),
        part(
            "RFC 9110 14.1.2 within",
            "range: bytes=4-6",
            "456",
            "content-range: bytes 4-6/11",
        ),
        part(
            "RFC 9110 14.1.2 no last",
            "range: bytes=1-",
            "123456789A",
            "content-range: bytes 1-10/11",
        ),
        part(
            "RFC 9110 14.1.2 a suffix",
            "range: bytes=-1",
            "A",
            "content-range: bytes 10-10/11",
        ),
        part(
            "RFC 9110 14.1.2 a last beyond the end",
            "range: bytes=9-99",
            "9A",
            "content-range: bytes 9-10/11",
        ),
        part(
            "RFC 9110 14.1.2 a suffix longer than all",
            "range: bytes=-99",
            "0123456789A",
            "content-range: bytes 0-10/11",
        ),
        part(
            "RFC 9110 14.1 the case of the unit",
            "range: Bytes=0-1",
            "01",
            "content-range: bytes 0-1/11",
        ),
        case(
            "RFC 9110 15.3.7 a part has the fields of its whole",
            [
                digits(&["etag: \"a\"", "x-a: 1", "content-type: text/plain"]),
                get()
                    .with("range: bytes=0-1")
                    .stored()
                    .status(206)
                    .body("01")
                    .has("content-length: 2")
                    .has("etag: \"a\"")
                    .has("x-a: 1")
                    .has("cache-control: max-age=600"),
            ],
        ),
        case(
            "RFC 9110 15.5.17 a range beyond the end",
            [
                digits(&[]),
                get()
                    .with("range: bytes=11-")
                    .anyhow()
                    .asked(0)
                    .status(416)
                    .has("content-range: bytes */11"),
            ],
        ),
        case(
            "RFC 9110 15.5.17 a suffix of nothing",
            [
                digits(&[]),
                get().with("range: bytes=-0").anyhow().asked(0).status(416),
            ],
        ),
        case(
            "4 a part of what is stale is not taken from the store alone",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1"]).body("0123456789")),
                get()
                    .with("range: bytes=0-1")
                    .answer(
                        Reply::of(
                            206,
                            &["content-range: bytes 0-1/10", "cache-control: no-store"],
                        )
                        .body("xy"),
                    )
                    .until()
                    .status(206)
                    .body("xy"),
            ],
        ),
    ]);
}

#[test]
fn ranges_that_are_passed_over() {
    check([
        whole("RFC 9110 14.2 an unknown unit", "range: lines=0-1"),
        whole("RFC 9110 14.1.1 last before first", "range: bytes=5-2"),
        whole("RFC 9110 14.1.1 no range at all", "range: bytes=a-b"),
        whole("RFC 9110 14.1.1 an empty set", "range: bytes="),
        case(
            "RFC 9110 14.2 a range is for GET alone",
            [
                digits(&[]),
                head()
                    .with("range: bytes=0-1")
                    .stored()
                    .status(200)
                    .has("content-length: 11"),
            ],
        ),
        case(
            "RFC 9110 14.2 a range of what is no 200",
            [
                get().answer(
                    Reply::of(301, &["cache-control: max-age=600", "location: /b"])
                        .body("0123456789"),
                ),
                get()
                    .with("range: bytes=0-1")
                    .stored()
                    .status(301)
                    .body("0123456789"),
            ],
        ),
        case(
            "RFC 9110 13.2.2 a condition that holds comes before the range",
            [
                digits(&["etag: \"a\""]),
                get()
                    .with("range: bytes=0-1")
                    .with("if-none-match: \"a\"")
                    .stored()
                    .status(304),
            ],
        ),
    ]);
}

#[test]
fn if_range() {
    let asks = |name, fields: &[&'static str], line, whole: bool| {
        let second = get().with("range: bytes=0-1").with(line).stored();
        let second = if whole {
            second.status(200).body("0123456789A")
        } else {
            second.status(206).body("01")
        };
        case(name, [digits(fields), second])
    };
    check([
        asks(
            "RFC 9110 13.1.5 the strong tag",
            &["etag: \"a\""],
            "if-range: \"a\"",
            false,
        ),
        asks(
            "RFC 9110 13.1.5 another tag",
            &["etag: \"a\""],
            "if-range: \"b\"",
            true,
        ),
        asks(
            "RFC 9110 13.1.5 a weak tag never",
            &["etag: W/\"a\""],
            "if-range: W/\"a\"",
            true,
        ),
        asks(
            "RFC 9110 13.1.5 a weak tag of a strong one",
            &["etag: \"a\""],
            "if-range: W/\"a\"",
            true,
        ),
        asks(
            "RFC 9110 13.1.5 the date of Last-Modified",
            &[MODIFIED],
            "if-range: Wed, 01 Jan 2020 00:00:00 GMT",
            false,
        ),
        asks(
            "RFC 9110 13.1.5 a later date is no match",
            &[MODIFIED],
            "if-range: Thu, 02 Jan 2020 00:00:00 GMT",
            true,
        ),
        asks(
            "RFC 9110 8.8.2.2 a date that is too near is weak",
            &["date: {now}", "last-modified: {now}"],
            "if-range: {now}",
            true,
        ),
        asks(
            "RFC 9110 13.1.5 a date and no Last-Modified",
            &["etag: \"a\""],
            "if-range: Wed, 01 Jan 2020 00:00:00 GMT",
            true,
        ),
        case(
            "RFC 9110 13.1.5 the gateway's own tag is weak",
            [
                digits(&[]),
                get().stored().keep("etag"),
                get()
                    .with("range: bytes=0-1")
                    .with("if-range: {kept}")
                    .stored()
                    .status(200)
                    .body("0123456789A"),
            ],
        ),
        case(
            "RFC 9110 13.1.5 If-Range without Range says nothing",
            [
                digits(&["etag: \"a\""]),
                get().with("if-range: \"b\"").stored().status(200),
            ],
        ),
    ]);
}

#[test]
fn what_is_partial_is_never_whole() {
    let partial = || {
        Reply::of(
            206,
            &[
                "cache-control: max-age=600",
                "content-range: bytes 4-9/10",
                "etag: \"a\"",
            ],
        )
        .body("456789")
    };
    check([
        case(
            "3.3 a 206 does not answer for the whole",
            [
                get()
                    .with("range: bytes=-6")
                    .answer(partial())
                    .told("range: bytes=-6"),
                get().answer(Reply::ok(&["cache-control: max-age=600"]).body("0123456789")),
                get().stored().body("0123456789"),
            ],
        ),
        case(
            "3.3 a 206 does not take the place of the whole",
            [
                digits(&["etag: \"b\""]),
                get()
                    .with("range: bytes=-6")
                    .answer(partial())
                    .anyhow()
                    .status(206),
                get().stored().status(200).body("0123456789A"),
            ],
        ),
        case(
            "3.3 a 206 that nobody asked for is not stored as whole",
            [
                get().answer(partial()).anyhow(),
                get().answer(Reply::ok(&[]).body("0123456789")),
            ],
        ),
        case(
            "3.3 a 206 does not answer another range that it lacks",
            [
                get().with("range: bytes=-6").answer(partial()),
                get()
                    .with("range: bytes=0-1")
                    .answer(Reply::of(206, &["content-range: bytes 0-1/10"]).body("01"))
                    .status(206)
                    .body("01"),
            ],
        ),
        case(
            "contract: a range on a cold key goes up as it is",
            [get()
                .with("range: bytes=0-1")
                .with("if-range: \"a\"")
                .answer(partial())
                .told("range: bytes=0-1")
                .told("if-range: \"a\"")],
        ),
        case(
            "RFC 9110 14.2 a 200 in answer to a range is passed on",
            [get()
                .with("range: bytes=0-1")
                .answer(Reply::ok(&["cache-control: max-age=600"]).body("0123456789"))
                .status(200)
                .body("0123456789")],
        ),
        case(
            "3 a 416 is not stored for those who ask for no range",
            [
                get()
                    .with("range: bytes=99-")
                    .answer(Reply::of(
                        416,
                        &["cache-control: max-age=600", "content-range: bytes */10"],
                    ))
                    .status(416),
                get().answer(Reply::ok(&[])).status(200),
            ],
        ),
    ]);
}
