//! §3.3, RFC 9110 §6.5 and §15.2: how a response arrives: whole or not, in chunks, with trailers, after others.

use crate::case::{case, get};
use crate::reply::Reply;
use crate::site::check;

const LONG: [&str; 1] = ["cache-control: max-age=600"];

#[test]
fn bodies() {
    let long = || Reply::ok(&LONG);
    check([
        case(
            "3.3 a body that is shorter than it said",
            [get().answer(long().cut()).broken(), get().answer(long())],
        ),
        case(
            "3.3 chunks without an end",
            [
                get().answer(long().chunked().cut()).broken(),
                get().answer(long()),
            ],
        ),
        case(
            "3.3 a broken body leaves what was stored before",
            [
                get().answer(Reply::ok(&["cache-control: max-age=1", "etag: \"a\""]).body("first")),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=60"]).cut())
                    .until()
                    .broken(),
                get()
                    .answer(Reply::ok(&["cache-control: max-age=60"]).body("third"))
                    .body("third"),
            ],
        ),
        case(
            "3 a body in chunks is stored whole",
            [get().answer(long().chunked()), get().stored()],
        ),
        case(
            "3 a body in chunks has a length in the store",
            [
                get().answer(long().body("ten bytes.").chunked()),
                get()
                    .stored()
                    .has("content-length: 10")
                    .lacks("transfer-encoding"),
            ],
        ),
        case(
            "3 an empty body",
            [get().answer(long().body("")), get().stored().body("")],
        ),
        case(
            "RFC 9112 6.3 a body that ends with its connection may be whole or not",
            [
                get().answer(long().until_close()),
                get().answer(long()).anyhow().status(200),
            ],
        ),
        case(
            "RFC 9110 6.5 trailers are not merged into the stored fields",
            [
                get().answer(long().trailer("x-checksum: 1")),
                get()
                    .answer(long())
                    .anyhow()
                    .lacks_when_stored("x-checksum"),
            ],
        ),
        case(
            "RFC 9110 6.5 a Cache-Control in the trailers says nothing",
            [
                get().answer(Reply::ok(&[]).trailer("cache-control: max-age=60")),
                get().answer(Reply::ok(&[])),
            ],
        ),
        case(
            "contract: max_object",
            [
                get().answer(long().body("0123456789")),
                get().answer(long().body("012345678")),
                get().stored().body("012345678"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.max_object = 9"),
        case(
            "contract: max_object of a body without a length",
            [
                get().answer(long().body("0123456789").chunked()),
                get().answer(long().body("0123456789").chunked()),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.max_object = 9"),
    ]);
}

#[test]
fn interim_responses() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\ncache-control: no-store\r\n\r\n";
    let processing = "HTTP/1.1 102 Processing\r\n\r\n";
    check([
        case(
            "RFC 9110 15.2 a 103 is not what is stored",
            [
                get().answer(Reply::ok(&LONG).after_interim(hints)),
                get().stored().lacks("link"),
            ],
        ),
        case(
            "RFC 9110 15.2 a 102 is not what is stored",
            [
                get().answer(Reply::ok(&LONG).after_interim(processing)),
                get().stored(),
            ],
        ),
    ]);
}
