//! RFC 9211 and `X-Cache`: what an answer says of the cache.

use crate::case::{case, get, send};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn cache_status() {
    let long = || Reply::ok(&["cache-control: max-age=50"]);
    check([
        case(
            "RFC 9211 2.2 nothing was stored",
            [get()
                .answer(long())
                .says("fwd=uri-miss")
                .says("stored")
                .has("x-cache: MISS")],
        ),
        case(
            "RFC 9211 2.1 a hit",
            [
                get().answer(long()),
                get().stored().says("; hit").has("x-cache: HIT"),
            ],
        ),
        case(
            "RFC 9211 2.4 a hit says what is left",
            [
                get().answer(Reply::ok(&["cache-control: max-age=50", "age: 21"])),
                get().stored().says("ttl=2"),
            ],
        ),
        case(
            "RFC 9211 2.2 a method that is not cached",
            [send("POST")
                .content("x")
                .answer(Reply::ok(&[]))
                .says("fwd=method")
                .has("x-cache: BYPASS")],
        ),
        case(
            "RFC 9211 2.3 stale and changed",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "etag: \"a\""])),
                get()
                    .answer(Reply::ok(&["etag: \"b\""]))
                    .until()
                    .says("fwd=stale")
                    .says("fwd-status=200"),
            ],
        ),
        case(
            "RFC 9211 2.2 stale, without a validator, is forgotten",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1"])),
                get().answer(Reply::ok(&[])).until().says("fwd="),
            ],
        ),
        case(
            "RFC 9211 2.3 stale and confirmed",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "etag: \"a\""])),
                get()
                    .answer(Reply::of(
                        304,
                        &["cache-control: max-age=60", "etag: \"a\""],
                    ))
                    .validated()
                    .until()
                    .says("fwd=stale")
                    .says("fwd-status=304")
                    .has("x-cache: REVALIDATED"),
            ],
        ),
        case(
            "RFC 9211 2.2 a directive of the request",
            [
                get().answer(long()),
                get()
                    .with("cache-control: no-cache")
                    .answer(long())
                    .says("fwd=request"),
            ],
        ),
        case(
            "RFC 9211 2.2 another variant",
            [
                get()
                    .with("foo: 1")
                    .answer(Reply::ok(&["cache-control: max-age=50", "vary: foo"])),
                get()
                    .with("foo: 2")
                    .answer(Reply::ok(&["cache-control: max-age=50", "vary: foo"]))
                    .says("fwd=vary-miss"),
            ],
        ),
        case(
            "RFC 9211 2.1 a 304 to the client is a hit too",
            [
                get().answer(Reply::ok(&["cache-control: max-age=50", "etag: \"a\""])),
                get()
                    .with("if-none-match: \"a\"")
                    .stored()
                    .status(304)
                    .says("; hit"),
            ],
        ),
        case(
            "RFC 9211 2 caches nearer to the origin come first",
            [get()
                .answer(Reply::ok(&[
                    "cache-control: max-age=50",
                    "cache-status: inner; hit",
                ]))
                .begins("cache-status: inner; hit, urm;")],
        ),
        case(
            "RFC 9211 2 a hit of this cache has its own member last",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=50",
                    "cache-status: inner; hit",
                ])),
                get().stored().says("; hit; ttl="),
            ],
        ),
        case(
            "RFC 9211 2.8 why it was not stored",
            [get()
                .answer(Reply::ok(&["cache-control: no-store"]))
                .says("detail=no-store")],
        ),
        case(
            "contract: X-Cache of the origin is not passed on",
            [get()
                .answer(Reply::ok(&[
                    "cache-control: max-age=50",
                    "x-cache: HIT from inner",
                ]))
                .has("x-cache: MISS")],
        ),
        case(
            "contract: no such fields on a route without a cache",
            [get().answer(long()).lacks("x-cache").lacks("cache-status")],
        )
        .on("cache = false"),
        case(
            "contract: X-Cache-Key in development",
            [
                get().answer(long()).begins("x-cache-key: app"),
                get().stored().begins("x-cache-key: app"),
            ],
        ),
    ]);
}
