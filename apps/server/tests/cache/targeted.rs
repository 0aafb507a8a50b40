//! RFC 9213: `CDN-Cache-Control`, which comes before `Cache-Control`.

use crate::case::{case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn targeted_directives() {
    const PLAIN_NO_STORE: &str = "cache-control: no-store";
    const PLAIN_LONG: &str = "cache-control: max-age=600";
    check([
        reused("RFC 9213 2.1 max-age", &["cdn-cache-control: max-age=600"]),
        reused(
            "RFC 9213 2.1 s-maxage",
            &["cdn-cache-control: s-maxage=600"],
        ),
        reused(
            "RFC 9213 2.1 max-age of 2^31",
            &["cdn-cache-control: max-age=2147483648"],
        ),
        reused(
            "RFC 9213 2.1 max-age beyond 2^31",
            &["cdn-cache-control: max-age=99999999999"],
        ),
        not_reused(
            "RFC 9213 2.1 Age beyond max-age",
            &["cdn-cache-control: max-age=60", "age: 90"],
        ),
        not_reused("RFC 9213 2.1 max-age=0", &["cdn-cache-control: max-age=0"]),
        not_reused(
            "RFC 9213 2.2 max-age=0 before a long max-age",
            &[PLAIN_LONG, "cdn-cache-control: max-age=0"],
        ),
        reused(
            "RFC 9213 2.2 max-age before max-age=0",
            &["cache-control: max-age=0", "cdn-cache-control: max-age=600"],
        ),
        reused(
            "RFC 9213 2.2 max-age before no-store",
            &[PLAIN_NO_STORE, "cdn-cache-control: max-age=600"],
        ),
        reused(
            "RFC 9213 2.2 max-age before private",
            &["cache-control: private", "cdn-cache-control: max-age=600"],
        ),
        reused(
            "RFC 9213 2.2 max-age before an Expires that is past",
            &[
                "cdn-cache-control: max-age=600",
                "date: {now}",
                "expires: {now-9000}",
            ],
        ),
        reused(
            "RFC 9213 2.2 max-age before an Expires that is no date",
            &[
                "cdn-cache-control: max-age=600",
                "date: {now}",
                "expires: 0",
            ],
        ),
        not_reused(
            "RFC 9213 2.2 max-age=0 before an Expires to come",
            &[
                "cdn-cache-control: max-age=0",
                "date: {now}",
                "expires: {now+600}",
            ],
        ),
        not_reused(
            "RFC 9213 2.1 private",
            &[PLAIN_LONG, "cdn-cache-control: private"],
        ),
        not_reused(
            "RFC 9213 2.1 no-cache",
            &[PLAIN_LONG, "cdn-cache-control: no-cache"],
        ),
        not_reused(
            "RFC 9213 2.1 no-store",
            &[PLAIN_LONG, "cdn-cache-control: no-store"],
        ),
        not_reused(
            "RFC 9213 2.1 no-store beside max-age",
            &[PLAIN_LONG, "cdn-cache-control: max-age=600, no-store"],
        ),
        reused(
            "RFC 9213 2.1 a directive that nobody knows",
            &["cdn-cache-control: foobar, max-age=600"],
        ),
        reused(
            "RFC 9213 2.1 parameters are passed over",
            &["cdn-cache-control: max-age=600;a=b"],
        ),
        not_reused(
            "RFC 9213 2.1 two lines are one dictionary, the last value counts",
            &[
                "cdn-cache-control: max-age=600",
                "cdn-cache-control: max-age=0",
            ],
        ),
        reused(
            "RFC 9213 2.2 a field that does not parse is passed over",
            &[PLAIN_LONG, "cdn-cache-control: max-age=0, &&&&"],
        ),
        not_reused(
            "RFC 9213 2.2 a field that does not parse, before no-store",
            &[PLAIN_NO_STORE, "cdn-cache-control: max-age=600, &&&&"],
        ),
        not_reused(
            "RFC 9213 2.1 a value of another type, before no-store",
            &[PLAIN_NO_STORE, "cdn-cache-control: max-age=\"600\""],
        ),
        reused(
            "RFC 9213 2.2 an empty field is none",
            &[PLAIN_LONG, "cdn-cache-control:"],
        ),
        not_reused(
            "RFC 9213 2.1 names of keys are in lower case",
            &["cdn-cache-control: Max-Age=600"],
        ),
        not_reused(
            "RFC 9213 2.1 a blank before the equals sign",
            &[
                "cache-control: max-age=0",
                "cdn-cache-control: max-age =600",
            ],
        ),
        case(
            "RFC 9213 2 the field goes on to the client",
            [
                get()
                    .answer(Reply::ok(&[PLAIN_LONG, "cdn-cache-control: max-age=600"]))
                    .has("cdn-cache-control: max-age=600"),
                get().stored().has("cache-control: max-age=600"),
            ],
        ),
        not_reused(
            "RFC 9213 2.1 Surrogate-Control is not this cache's",
            &["surrogate-control: max-age=600"],
        ),
    ]);
}
