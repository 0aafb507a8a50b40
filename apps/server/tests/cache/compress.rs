//! The route's `compress`, as far as the cache is concerned: a stored response is compressed once a coding.

use crate::case::{Step, case, get};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn compress() {
    const ROUTE: &str = "compress = [\"gzip\"]\ncache.ttl = \"0s\"";
    const GZIP: &str = "accept-encoding: gzip";
    let page = || {
        // More than what is too short to be worth it.
        let text: &'static str = "a text that repeats itself, ".repeat(60).leak();
        let fields = [
            "cache-control: max-age=600",
            "content-type: text/plain",
            "etag: \"a\"",
        ];
        Reply::ok(&fields).body(text)
    };
    let coded = |step: Step| step.anyhow().has("content-encoding: gzip");
    check([
        case(
            "contract: a plain client of a route that compresses",
            [
                get().answer(page()).lacks("content-encoding"),
                get().stored().lacks("content-encoding"),
            ],
        )
        .on(ROUTE),
        case(
            "contract: what is compressed says on what that depends",
            [coded(get().with(GZIP).answer(page())).has("vary: accept-encoding")],
        )
        .on(ROUTE),
        case(
            "contract: what is compressed is stored so",
            [
                coded(get().with(GZIP).answer(page())),
                coded(get().with(GZIP)).asked(0).has("x-cache: HIT"),
            ],
        )
        .on(ROUTE),
        case(
            "contract: what is compressed does not answer a plain client",
            [
                coded(get().with(GZIP).answer(page())),
                get()
                    .answer(page())
                    .anyhow()
                    .status(200)
                    .lacks("content-encoding"),
            ],
        )
        .on(ROUTE),
        case(
            "RFC 9110 8.8.3.3 each coding has a tag of its own",
            [
                get().answer(page()).keep("etag"),
                coded(
                    get()
                        .with(GZIP)
                        .with("if-none-match: {kept}")
                        .answer(page()),
                )
                .status(200),
            ],
        )
        .on(ROUTE),
        case(
            "contract: the tag of a coding is good for a 304",
            [
                coded(get().with(GZIP).answer(page())).keep("etag"),
                get()
                    .with(GZIP)
                    .with("if-none-match: {kept}")
                    .anyhow()
                    .asked(0)
                    .status(304),
            ],
        )
        .on(ROUTE),
    ]);
}
