//! §3.3, §3.4 and RFC 9110 §14: parts, and what they may be taken from.

use crate::case::{Step, case, get};
use crate::reply::Reply;
use crate::site::check;

fn digits(fields: &[&'static str]) -> Step {
    let mut all = vec!["cache-control: max-age=600"];
    all.extend_from_slice(fields);
    get().answer(Reply::ok(&all).body("0123456789A"))
}

#[test]
fn parts_of_a_whole_stored_response() {
    check([case(
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
    )]);
}

#[test]
fn if_range() {
    check([case(
        "RFC 9110 13.1.5 If-Range without Range says nothing",
        [
            digits(&["etag: \"a\""]),
            get().with("if-range: \"b\"").stored().status(200),
        ],
    )]);
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
