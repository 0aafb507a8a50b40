//! §4.2.2: a lifetime from `Last-Modified`, and where there is none.

use crate::case::{Case, case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

/// A day old, so fresh for more than two hours.
const OLD: &str = "last-modified: {now-86400}";

/// Whether a response of this status is fresh by its `Last-Modified` alone.
fn status(name: &'static str, status: u16, fresh: bool) -> Case {
    let reply = Reply::of(status, &["date: {now}", OLD]);
    let second = get().answer(reply.clone());
    case(
        name,
        [
            get().answer(reply),
            if fresh { second.stored() } else { second },
        ],
    )
}

#[test]
fn by_status() {
    check([
        status("4.2.2 200", 200, true),
        status("4.2.2 201", 201, false),
        status("4.2.2 202", 202, false),
        status("4.2.2 203", 203, true),
        status("4.2.2 204", 204, true),
        status("4.2.2 300", 300, true),
        status("4.2.2 301", 301, true),
        status("4.2.2 302", 302, false),
        status("4.2.2 303", 303, false),
        status("4.2.2 307", 307, false),
        status("4.2.2 308", 308, true),
        status("4.2.2 400", 400, false),
        status("4.2.2 403", 403, false),
        status("4.2.2 404", 404, true),
        status("4.2.2 405", 405, true),
        status("4.2.2 410", 410, true),
        status("4.2.2 414", 414, true),
        status("4.2.2 429", 429, false),
        status("4.2.2 500", 500, false),
        status("4.2.2 501", 501, true),
        status("4.2.2 502", 502, false),
        status("4.2.2 503", 503, false),
        status("4.2.2 504", 504, false),
        status("4.2.2 599", 599, false),
        case(
            "5.2.2.9 public makes any status heuristically fresh",
            [
                get().answer(Reply::of(
                    599,
                    &["date: {now}", OLD, "cache-control: public"],
                )),
                get().stored(),
            ],
        ),
    ]);
}

#[test]
fn by_fields() {
    check([
        not_reused(
            "4.2.2 a heuristic only without explicit freshness",
            &["date: {now}", OLD, "cache-control: max-age=0"],
        ),
        not_reused(
            "4.2.2 no heuristic beside an Expires that is no date",
            &["date: {now}", OLD, "expires: 0"],
        ),
        not_reused(
            "4.2.2 no heuristic without Last-Modified",
            &["date: {now}", "etag: \"a\""],
        ),
        not_reused(
            "4.2.2 Last-Modified that is no date",
            &["date: {now}", "last-modified: foo"],
        ),
        not_reused(
            "4.2.2 Last-Modified to come",
            &["date: {now}", "last-modified: {now+600}"],
        ),
        not_reused(
            "4.2.2 Last-Modified that is now",
            &["date: {now}", "last-modified: {now}"],
        ),
        not_reused(
            "4.2.2 an Age beyond a tenth",
            &["date: {now}", OLD, "age: 9000"],
        ),
        reused(
            "4.2.2 Last-Modified in the form of RFC 850",
            &["date: {now}", "last-modified: {rfc850:now-86400}"],
        ),
        reused(
            "4.2.2 Last-Modified in the form of asctime",
            &["date: {now}", "last-modified: {asctime:now-86400}"],
        ),
        reused("4.2.2 no Date beside Last-Modified", &[OLD]),
        reused(
            "4.2.2 an attachment",
            &[
                "date: {now}",
                OLD,
                "content-disposition: attachment; filename=a.txt",
            ],
        ),
        not_reused(
            "5.4 no-store beside a heuristic",
            &["date: {now}", OLD, "cache-control: no-store"],
        ),
        not_reused(
            "5.2.2.7 private beside a heuristic",
            &["date: {now}", OLD, "cache-control: private"],
        ),
        reused(
            "5.4 Pragma in a response ends no heuristic",
            &["date: {now}", OLD, "pragma: no-cache"],
        ),
    ]);
}
