//! §3.2 and §4.3.4: which stored fields a 304 changes.

use crate::case::{case, get};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn fields_that_a_304_leaves() {
    let first = |line| Reply::ok(&["cache-control: max-age=1", "etag: \"a\"", line]);
    let confirm = |line| Reply::of(304, &["cache-control: max-age=60", "etag: \"a\"", line]);
    check([case(
        "contract: Set-Cookie of a 304 is not stored",
        [
            get().answer(first("x-a: 1")),
            get()
                .answer(confirm("set-cookie: a=b"))
                .anyhow()
                .asked(1)
                .until(),
            get()
                .answer(confirm("x-b: 1"))
                .anyhow()
                .lacks_when_stored("set-cookie"),
        ],
    )]);
}
