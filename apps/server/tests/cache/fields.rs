//! §3.1: which fields are stored.

use crate::case::{Case, case, get, not_reused};
use crate::reply::Reply;
use crate::site::check;

/// A field that a hit has as the origin said it.
fn stored(name: &'static str, line: &'static str) -> Case {
    let fetch = get().answer(Reply::ok(&["cache-control: max-age=600", line]));
    case(name, [fetch, get().stored().has(line)])
}

/// A field that a hit does not have.
fn left_out(name: &'static str, line: &'static str, field: &'static str) -> Case {
    let fetch = get().answer(Reply::ok(&["cache-control: max-age=600", line]));
    case(name, [fetch, get().stored().lacks(field)])
}

#[test]
fn what_is_stored() {
    check([
        stored("3.1 a field that nobody knows", "test-header: value"),
        stored("3.1 X-Test-Header", "x-test-header: value"),
        stored("3.1 Content-Foo", "content-foo: value"),
        stored("3.1 X-Content-Foo", "x-content-foo: value"),
        stored("3.1 Cache-Control", "x-a: 1"),
        stored("3.1 Content-Encoding", "content-encoding: gzip"),
        stored("3.1 Content-Language", "content-language: de"),
        stored("3.1 Content-Location", "content-location: /elsewhere"),
        stored("3.1 Content-MD5", "content-md5: N7UdGUp1E+RbVvZSTy1R8g=="),
        stored(
            "3.1 Content-Range of what is no 206",
            "content-range: something",
        ),
        stored(
            "3.1 Content-Security-Policy",
            "content-security-policy: default-src 'self'",
        ),
        stored("3.1 Content-Type", "content-type: text/plain;charset=utf-8"),
        stored(
            "3.1 Content-Disposition",
            "content-disposition: attachment; filename=a.txt",
        ),
        stored("3.1 Clear-Site-Data", "clear-site-data: \"cookies\""),
        stored("3.1 ETag", "etag: \"ghijkl\""),
        stored("3.1 Expires", "expires: Mon, 11 Jan 2038 11:11:11 GMT"),
        stored(
            "3.1 Last-Modified",
            "last-modified: Wed, 01 Jan 2020 00:00:00 GMT",
        ),
        stored("3.1 Link", "link: </a.css>; rel=preload"),
        stored("3.1 Location", "location: /elsewhere"),
        stored("3.1 Public-Key-Pins", "public-key-pins: x"),
        stored(
            "3.1 Strict-Transport-Security",
            "strict-transport-security: max-age=1",
        ),
        stored("3.1 Server-Timing", "server-timing: db;dur=1"),
        stored(
            "3.1 WWW-Authenticate",
            "www-authenticate: Basic realm=\"a\"",
        ),
        stored("3.1 X-Frame-Options", "x-frame-options: sameorigin"),
        stored("3.1 X-XSS-Protection", "x-xss-protection: 1; mode=block"),
        stored(
            "RFC 9110 10.2.3 Retry-After of the origin's own",
            "retry-after: 60",
        ),
        case(
            "3.1 lines of one field stay apart and in order",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600",
                    "x-a: 1",
                    "x-a: 2",
                ])),
                get().stored().has("x-a: 1, 2"),
            ],
        ),
        case(
            "5.2 Cache-Control of a hit is the origin's",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600, no-transform, x=\"y\"",
                ])),
                get()
                    .stored()
                    .has("cache-control: max-age=600, no-transform, x=\"y\""),
            ],
        ),
    ]);
}

#[test]
fn what_is_left_out() {
    check([
        left_out("3.1 Connection", "connection: x-hop", "x-hop"),
        left_out(
            "3.1 what Connection lists",
            "connection: a, B\r\na: 1\r\nb: 2",
            "b",
        ),
        left_out(
            "3.1 what a second Connection lists",
            "connection: a\r\nconnection: b\r\nb: 2",
            "b",
        ),
        left_out("3.1 Keep-Alive", "keep-alive: timeout=60", "keep-alive"),
        left_out(
            "3.1 Proxy-Authenticate",
            "proxy-authenticate: Basic",
            "proxy-authenticate",
        ),
        left_out(
            "3.1 Proxy-Authentication-Info",
            "proxy-authentication-info: x=1",
            "proxy-authentication-info",
        ),
        left_out(
            "3.1 Proxy-Authorization",
            "proxy-authorization: Basic",
            "proxy-authorization",
        ),
        left_out(
            "3.1 Proxy-Connection",
            "proxy-connection: close",
            "proxy-connection",
        ),
        left_out("3.1 TE", "te: trailers", "te"),
        left_out("3.1 Upgrade", "upgrade: h2c", "upgrade"),
        case(
            "3.1 what Connection does not list stays",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600",
                    "connection: a, b",
                    "a: 1",
                    "b: 2",
                    "c: 3",
                ])),
                get().stored().has("c: 3").lacks("a").lacks("b"),
            ],
        ),
        not_reused(
            "contract: Set-Cookie is not stored",
            &["cache-control: max-age=600", "set-cookie: a=b"],
        ),
        case(
            "contract: store_set_cookie stores it",
            [
                get().answer(Reply::ok(&[
                    "cache-control: max-age=600",
                    "set-cookie: a=b",
                ])),
                get().stored().has("set-cookie: a=b"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.store_set_cookie = true"),
    ]);
}
