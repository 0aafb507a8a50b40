//! §3.2 and §4.3.4: which stored fields a 304 changes.

use crate::case::{Case, case, get};
use crate::reply::Reply;
use crate::site::check;

/// A stored field has one value, the 304 another: the second is seen at once and from the store.
fn updated(name: &'static str, before: &'static str, after: &'static str) -> Case {
    let tag = "etag: \"a\"";
    case(
        name,
        [
            get().answer(Reply::ok(&["cache-control: max-age=1", tag, before])),
            get()
                .answer(Reply::of(304, &["cache-control: max-age=60", tag, after]))
                .validated()
                .until()
                .has(after),
            get().stored().has(after),
        ],
    )
}

#[test]
fn fields_that_a_304_changes() {
    check([
        updated(
            "3.2 a field that nobody knows",
            "test-header: a",
            "test-header: b",
        ),
        updated(
            "3.2 a field that begins with X-",
            "x-test-header: a",
            "x-test-header: b",
        ),
        updated(
            "3.2 a field that begins with Content-",
            "content-foo: a",
            "content-foo: b",
        ),
        updated("3.2 X-Content-Foo", "x-content-foo: a", "x-content-foo: b"),
        updated(
            "3.2 Content-Location",
            "content-location: /a",
            "content-location: /b",
        ),
        updated(
            "3.2 Content-Language",
            "content-language: de",
            "content-language: en",
        ),
        updated(
            "3.2 Content-Security-Policy",
            "content-security-policy: default-src 'self'",
            "content-security-policy: default-src 'none'",
        ),
        updated(
            "3.2 X-Frame-Options",
            "x-frame-options: deny",
            "x-frame-options: sameorigin",
        ),
        updated(
            "3.2 Clear-Site-Data",
            "clear-site-data: cache",
            "clear-site-data: cookies",
        ),
        updated(
            "3.2 Last-Modified",
            "last-modified: Wed, 01 Jan 2020 00:00:00 GMT",
            "last-modified: Thu, 02 Jan 2020 00:00:00 GMT",
        ),
        updated(
            "3.2 Expires",
            "expires: Fri, 01 Jan 2038 01:01:01 GMT",
            "expires: Mon, 11 Jan 2038 11:11:11 GMT",
        ),
        updated(
            "3.2 Link",
            "link: </a>; rel=preload",
            "link: </b>; rel=preload",
        ),
    ]);
}

#[test]
fn fields_that_a_304_leaves() {
    let first = |line| Reply::ok(&["cache-control: max-age=1", "etag: \"a\"", line]);
    let confirm = |line| Reply::of(304, &["cache-control: max-age=60", "etag: \"a\"", line]);
    check([
        case(
            "3.2 a field that the 304 does not have stays",
            [
                get().answer(first("test-header: a")),
                get()
                    .answer(confirm("other: 1"))
                    .validated()
                    .until()
                    .has("test-header: a")
                    .has("other: 1"),
                get().stored().has("test-header: a").has("other: 1"),
            ],
        ),
        case(
            "3.2 Content-Length stays",
            [
                get().answer(first("x-a: 1").body("whole body")),
                get()
                    .answer(confirm("content-length: 3"))
                    .validated()
                    .until()
                    .body("whole body"),
                get().stored().body("whole body").has("content-length: 10"),
            ],
        ),
        case(
            "3.2 fields that may not be stored are not taken from a 304",
            [
                get().answer(first("x-a: 1")),
                get()
                    .answer(Reply::of(
                        304,
                        &[
                            "cache-control: max-age=60",
                            "etag: \"a\"",
                            "connection: x-hop",
                            "x-hop: 1",
                            "proxy-authenticate: Basic",
                        ],
                    ))
                    .validated()
                    .until()
                    .lacks("x-hop"),
                get().stored().lacks("x-hop").lacks("proxy-authenticate"),
            ],
        ),
        case(
            "3.2 lines of one field are replaced, not joined",
            [
                get().answer(first("x-a: 1\r\nx-a: 2")),
                get()
                    .answer(confirm("x-a: 3"))
                    .validated()
                    .until()
                    .has("x-a: 3"),
                get().stored().has("x-a: 3"),
            ],
        ),
        case(
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
        ),
    ]);
}

#[test]
fn freshness_after_a_304() {
    check([
        case(
            "4.3.4 the 304's lifetime counts, and its age",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=1",
                    "etag: \"a\"",
                    "x-a: 1",
                ])),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=600", "etag: \"a\"", "age: 100"],
                    ))
                    .validated()
                    .until(),
                get().stored().aged(100).has("cache-control: max-age=600"),
            ],
        ),
        case(
            "4.3.4 a 304 without a lifetime leaves the stored one, from now on",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=100",
                    "date: {now-200}",
                    "etag: \"a\"",
                ])),
                get()
                    .answer(Reply::of(304, &["date: {now}", "etag: \"a\""]))
                    .validated(),
                get().stored().aged(0),
            ],
        ),
        case(
            "4.3.4 the 304's Date takes the place of the stored one",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=1",
                    "etag: \"a\"",
                    "date: {now}",
                ])),
                get()
                    .answer(Reply::of(
                        304,
                        &[
                            "cache-control: max-age=600",
                            "etag: \"a\"",
                            "date: {now-100}",
                        ],
                    ))
                    .validated()
                    .until(),
                get().stored().aged(100),
            ],
        ),
        case(
            "5.2.2.5 a 304 with no-store ends what is stored",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "etag: \"a\""])),
                get()
                    .answer(Reply::of(304, &["cache-control: no-store", "etag: \"a\""]))
                    .anyhow()
                    .asked(1)
                    .until()
                    .status(200),
                get().answer(Reply::ok(&[])),
            ],
        ),
        case(
            "5.2.2.7 a 304 with private ends what is stored",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "etag: \"a\""])),
                get()
                    .answer(Reply::of(304, &["cache-control: private", "etag: \"a\""]))
                    .anyhow()
                    .asked(1)
                    .until()
                    .status(200),
                get().answer(Reply::ok(&[])),
            ],
        ),
    ]);
}
