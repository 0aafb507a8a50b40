//! §4: several requests that one answer can serve go to the origin as one.

use std::time::Duration;

use crate::case::{Step, case, get};
use crate::reply::Reply;
use crate::site::check;

/// Long enough for all of them to come.
const WHILE: Duration = Duration::from_secs(1);

fn many(reply: Reply) -> Step {
    get().answer(reply.after(WHILE)).together(6)
}

#[test]
fn collapsed_requests() {
    let long = || Reply::ok(&["cache-control: max-age=600"]);
    check([
        case(
            "4 one request for all",
            [many(long()).asked(1), get().stored()],
        ),
        case(
            "4 what may not be stored is not shared",
            [many(Reply::ok(&["cache-control: no-store"])).asked(6)],
        ),
        case(
            "4 what is private is not shared",
            [many(Reply::ok(&["cache-control: private, max-age=600"])).asked(6)],
        ),
        case(
            "4 requests with credentials are not collapsed",
            [many(long()).with("authorization: Basic YTph").asked(6)],
        ),
        case(
            "contract: ranges on a cold key neither lead nor follow",
            [
                many(Reply::of(206, &["content-range: bytes 0-1/10"]).body("01"))
                    .with("range: bytes=0-1")
                    .asked(6),
            ],
        ),
        case("contract: collapse off", [many(long()).asked(6)])
            .on("cache.ttl = \"0s\"\ncache.collapse = false"),
        case(
            "contract: validations of a stale response are one",
            [
                get()
                    .answer(Reply::ok(&["cache-control: max-age=0", "etag: \"a\""]))
                    .body("the answer of step 1"),
                get()
                    .answer(
                        Reply::of(304, &["cache-control: max-age=600", "etag: \"a\""]).after(WHILE),
                    )
                    .together(6)
                    .anyhow()
                    .asked(1)
                    .status(200)
                    .body("the answer of step 1"),
            ],
        ),
        case(
            "contract: requests with no-cache share one validation",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600", "etag: \"a\""])),
                get()
                    .with("cache-control: no-cache")
                    .answer(
                        Reply::of(304, &["cache-control: max-age=600", "etag: \"a\""]).after(WHILE),
                    )
                    .together(6)
                    .anyhow()
                    .asked(1)
                    .status(200),
            ],
        ),
        case(
            "RFC 9211 2.6 followers say so, and the leader does not",
            [many(long()).asked(1).several(5, "collapsed")],
        ),
    ]);
}
