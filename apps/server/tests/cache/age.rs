//! §4.2.3 and §5.1: how old is a response, and what does it say of that?

use crate::case::{Case, case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

/// A response of these fields, and what it says of its age from the store.
fn aged(name: &'static str, fields: &[&'static str], seconds: u64) -> Case {
    case(
        name,
        [
            get().answer(Reply::ok(fields)),
            get().stored().aged(seconds),
        ],
    )
}

#[test]
fn the_age_of_a_response() {
    check([
        not_reused(
            "4.2.3 Age beyond max-age",
            &["cache-control: max-age=10", "age: 15"],
        ),
        not_reused(
            "4.2.3 Age of all of max-age",
            &["cache-control: max-age=10", "age: 10"],
        ),
        not_reused(
            "4.2.3 Date older than max-age",
            &["cache-control: max-age=10", "date: {now-15}"],
        ),
        not_reused(
            "4.2.3 a small Age beside an old Date",
            &["cache-control: max-age=10", "age: 1", "date: {now-15}"],
        ),
        reused(
            "4.2.3 a Date to come takes nothing away",
            &["cache-control: max-age=10", "date: {now+15}"],
        ),
        aged(
            "5.1 a stored response has an Age",
            &["cache-control: max-age=60"],
            0,
        ),
        aged(
            "4.2.3 Age goes on from the upstream's",
            &["cache-control: max-age=600", "age: 30"],
            30,
        ),
        aged(
            "4.2.3 Age goes on under Expires",
            &["date: {now}", "expires: {now+600}", "age: 30"],
            30,
        ),
        aged(
            "4.2.3 Age by Date",
            &["cache-control: max-age=600", "date: {now-100}"],
            100,
        ),
        aged(
            "4.2.3 the greater of Age and Date",
            &["cache-control: max-age=600", "age: 200", "date: {now-100}"],
            200,
        ),
        aged(
            "4.2.3 Age under a Date to come",
            &["cache-control: max-age=600", "date: {now+100}"],
            0,
        ),
        case(
            "5.1 Age grows with the time in the store",
            [
                get().answer(Reply::ok(&["cache-control: max-age=60"])),
                get().stored().aged(1).until(),
            ],
        ),
    ]);
}

#[test]
fn an_age_that_is_malformed_is_passed_over_and_of_several_the_first_counts() {
    const LONG: &str = "cache-control: max-age=3600";
    check([
        reused("5.1 Age of letters", &[LONG, "age: abc"]),
        reused("5.1 a negative Age", &[LONG, "age: -7200"]),
        reused("5.1 a broken Age", &[LONG, "age: 7200.0"]),
        reused("5.1 an empty Age", &[LONG, "age:"]),
        not_reused("1.2.2 Age of 2^31 - 1", &[LONG, "age: 2147483647"]),
        not_reused("1.2.2 Age of 2^31", &[LONG, "age: 2147483648"]),
        not_reused("1.2.2 Age beyond 2^31", &[LONG, "age: 2147483649"]),
        not_reused(
            "1.2.2 Age beyond 2^64",
            &[LONG, "age: 99999999999999999999999"],
        ),
        not_reused("5.1 an old Age first in a list", &[LONG, "age: 7200, 0"]),
        reused("5.1 a young Age first in a list", &[LONG, "age: 0, 7200"]),
        not_reused(
            "5.1 an old Age on the first line",
            &[LONG, "age: 7200", "age: 0"],
        ),
        reused(
            "5.1 a young Age on the first line",
            &[LONG, "age: 0", "age: 7200"],
        ),
        reused("5.1 one Age twice in a list", &[LONG, "age: 0, 0"]),
        reused("5.1 one Age on two lines", &[LONG, "age: 0", "age: 0"]),
        reused(
            "5.1 one small Age on two lines",
            &[LONG, "age: 600", "age: 600"],
        ),
    ]);
}

#[test]
fn the_date_of_a_response() {
    check([
        case(
            "RFC 9110 6.6.1 Date leaves as it came",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600",
                    "date: Wed, 01 Jan 2020 00:00:00 GMT",
                    "cdn-cache-control: max-age=2147483647",
                ])),
                get().stored().has("date: Wed, 01 Jan 2020 00:00:00 GMT"),
            ],
        ),
        reused(
            "4.2.3 a Date that is none says nothing",
            &["cache-control: max-age=60", "date: foo"],
        ),
        reused(
            "4.2.3 a Date that is there twice says nothing, or its first",
            &["cache-control: max-age=60", "date: {now}", "date: {now}"],
        ),
    ]);
}
