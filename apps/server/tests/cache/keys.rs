//! §2: under which key a response is stored, and what of the request goes up.

use crate::case::{Step, case, get};
use crate::reply::Reply;
use crate::site::check;

fn kept() -> Step {
    get().answer(Reply::ok(&["cache-control: max-age=600"]))
}

#[test]
fn the_target() {
    check([
        case(
            "2 another query is another key",
            [kept().at("/page?a=1"), kept().at("/page?a=2")],
        ),
        case(
            "2 the same query is the same key",
            [kept().at("/page?a=1"), get().at("/page?a=1").stored()],
        ),
        case(
            "2 an empty query is not none",
            [kept().at("/page?"), kept().at("/page?a")],
        ),
        case(
            "2 the case of a path counts",
            [kept().at("/page"), kept().at("/Page")],
        ),
        case(
            "2 another host is another key",
            [kept().host("one"), kept().host("two")],
        ),
        case(
            "RFC 9110 4.2.3 the case of a host does not count",
            [kept().host("one"), get().host("ONE").stored()],
        ),
        case(
            "RFC 9110 4.2.3 the scheme's own port does not count",
            [kept().host("one"), get().host("one:80").stored()],
        ),
        case(
            "RFC 9110 4.2.3 another port counts",
            [kept().host("one"), kept().host("one:8080")],
        ),
        case(
            "contract: a query is sorted by name, for the key and upstream",
            [
                kept().at("/page?b=1&a=2").told_target("/page?a=2&b=1"),
                get()
                    .at("/page?a=2&b=1")
                    .stored()
                    .body("the answer of step 1"),
            ],
        ),
        case(
            "contract: parameters of one name keep their order",
            [kept().at("/page?a=1&a=2"), kept().at("/page?a=2&a=1")],
        ),
        case(
            "contract: sort_query off, the order counts",
            [
                kept().at("/page?b=1&a=2").told_target("/page?b=1&a=2"),
                kept().at("/page?a=2&b=1"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.sort_query = false"),
        case(
            "contract: query only",
            [
                kept().at("/page?a=1&utm=x").told_target("/page?a=1"),
                get()
                    .at("/page?a=1&utm=y")
                    .stored()
                    .body("the answer of step 1"),
                kept().at("/page?a=2"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.query = { only = [\"a\"] }"),
        case(
            "contract: query ignore",
            [
                kept().at("/page?a=1&utm=x").told_target("/page?a=1"),
                get()
                    .at("/page?utm=y&a=1")
                    .stored()
                    .body("the answer of step 1"),
                kept().at("/page?a=2"),
            ],
        )
        .on("cache.ttl = \"0s\"\ncache.query = { ignore = [\"utm\"] }"),
    ]);
}

#[test]
fn what_the_key_leaves_out_stays_below() {
    let poisoned = |line, name| kept().with(line).not_told(name);
    check([
        case(
            "contract: X-Forwarded-Host of a client",
            [kept().with("x-forwarded-host: evil"), get().stored()],
        ),
        case(
            "contract: X-Host",
            [poisoned("x-host: evil", "x-host"), get().stored()],
        ),
        case(
            "contract: X-Original-URL",
            [
                poisoned("x-original-url: /admin", "x-original-url"),
                get().stored(),
            ],
        ),
        case(
            "contract: X-Rewrite-URL",
            [
                poisoned("x-rewrite-url: /admin", "x-rewrite-url"),
                get().stored(),
            ],
        ),
        case(
            "contract: X-HTTP-Method-Override",
            [
                poisoned("x-http-method-override: DELETE", "x-http-method-override"),
                get().stored(),
            ],
        ),
        case(
            "contract: X-Method-Override",
            [
                poisoned("x-method-override: DELETE", "x-method-override"),
                get().stored(),
            ],
        ),
        case(
            "contract: what bypasses goes up whole",
            [crate::case::send("POST")
                .content("x")
                .with("x-http-method-override: DELETE")
                .answer(Reply::ok(&[]))
                .told("x-http-method-override: DELETE")],
        ),
    ]);
}
