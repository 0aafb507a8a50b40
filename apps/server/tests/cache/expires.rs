//! §5.3 and RFC 9110 §5.6.7: `Expires`, `Date` and the forms of a date.

use crate::case::{case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn expires() {
    check([
        reused("5.3 Expires to come", &["date: {now}", "expires: {now+60}"]),
        not_reused(
            "5.3 Expires that is past",
            &["date: {now}", "expires: {now-60}"],
        ),
        not_reused(
            "5.3 Expires that is now",
            &["date: {now}", "expires: {now}"],
        ),
        not_reused(
            "4.2.1 Expires before a Date to come",
            &["date: {now+400}", "expires: {now+300}"],
        ),
        reused(
            "4.2.1 Expires without Date counts from receipt",
            &["expires: {now+60}"],
        ),
        reused(
            "4.2.1 Expires beside a Date that is none",
            &["date: foo", "expires: {now+60}"],
        ),
        reused(
            "4.2.1 Expires minus Date, not minus now",
            &["date: {now+600}", "expires: {now+700}"],
        ),
        not_reused(
            "4.2.3 Age beyond Expires minus a Date that is past",
            &["date: {now-10}", "expires: {now+10}", "age: 25"],
        ),
        not_reused(
            "4.2.3 Age beyond Expires minus a Date to come",
            &["date: {now+10}", "expires: {now+20}", "age: 15"],
        ),
        not_reused("5.3 Expires of 0", &["date: {now}", "expires: 0"]),
        not_reused("5.3 Expires of -1", &["date: {now}", "expires: -1"]),
        not_reused("5.3 an empty Expires", &["date: {now}", "expires:"]),
        not_reused(
            "4.2.1 two Expires",
            &["date: {now}", "expires: {now-60}", "expires: {now+60}"],
        ),
        not_reused(
            "4.2.1 two Expires, the later first",
            &["date: {now}", "expires: {now+60}", "expires: {now-60}"],
        ),
        reused(
            "5.3 Expires far to come",
            &["date: {now}", "expires: Thu, 18 Aug 2050 02:01:18 GMT"],
        ),
        case(
            "5.3 Expires leaves as it came",
            [
                get().answer(Reply::ok(&[
                    "date: {now}",
                    "expires: Thu, 18 Aug 2050 02:01:18 GMT",
                ])),
                get().stored().has("expires: Thu, 18 Aug 2050 02:01:18 GMT"),
            ],
        ),
        not_reused(
            "5.3 Expires passes by under a directive of the same purpose",
            &["cache-control: max-age", "date: {now}", "expires: {now+60}"],
        ),
    ]);
}

#[test]
fn forms_of_a_date() {
    check([
        reused(
            "RFC 9110 5.6.7 Expires in the form of RFC 850",
            &["date: {now}", "expires: {rfc850:now+600}"],
        ),
        reused(
            "RFC 9110 5.6.7 Expires in the form of asctime",
            &["date: {now}", "expires: {asctime:now+600}"],
        ),
        not_reused(
            "RFC 9110 5.6.7 a past Expires in the form of RFC 850",
            &["date: {now}", "expires: {rfc850:now-600}"],
        ),
        not_reused(
            "RFC 9110 5.6.7 a past Expires in the form of asctime",
            &["date: {now}", "expires: {asctime:now-600}"],
        ),
        not_reused(
            "RFC 9110 5.6.7 a year of two digits that is past",
            &["date: {now}", "expires: Sunday, 06-Nov-94 08:49:37 GMT"],
        ),
        not_reused(
            "4.2.3 an old Date in the form of RFC 850",
            &["cache-control: max-age=60", "date: {rfc850:now-600}"],
        ),
        not_reused(
            "4.2.3 an old Date in the form of asctime",
            &["cache-control: max-age=60", "date: {asctime:now-600}"],
        ),
        not_reused(
            "5.3 Expires in UTC",
            &["date: {now}", "expires: Thu, 18 Aug 2050 02:01:18 UTC"],
        ),
        not_reused(
            "5.3 Expires with dots in its time",
            &["date: {now}", "expires: Thu, 18 Aug 2050 02.01.18 GMT"],
        ),
        not_reused(
            "5.3 Expires without its comma",
            &["date: {now}", "expires: Thu 18 Aug 2050 02:01:18 GMT"],
        ),
        not_reused(
            "5.3 Expires with an hour of one digit",
            &["date: {now}", "expires: Thu, 18 Aug 2050 2:01:18 GMT"],
        ),
        not_reused(
            "5.3 Expires on a day that is none",
            &["date: {now}", "expires: Thu, 31 Feb 2050 02:01:18 GMT"],
        ),
        not_reused(
            "5.3 Expires with text behind it",
            &["date: {now}", "expires: Thu, 18 Aug 2050 02:01:18 GMT, x"],
        ),
        not_reused("5.3 Expires as seconds", &["date: {now}", "expires: 60"]),
    ]);
}
