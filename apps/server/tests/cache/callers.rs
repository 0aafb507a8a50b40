//! §3.5 and the contract's rules on who may be answered with what: `Authorization`, `Cookie` and other names of a caller.

use crate::case::{Case, Step, case, get};
use crate::reply::Reply;
use crate::site::check;

const BASIC: &str = "authorization: Basic YTph";
const TTL: &str = "cache.ttl = \"60s\"";

/// A response to an authenticated request, and the same request without credentials.
fn authenticated(name: &'static str, control: &'static str, second: fn(Step) -> Step) -> Case {
    let reply = || Reply::ok(&[control]);
    let first = get().with(BASIC).answer(reply()).told(BASIC);
    case(name, [first, second(get().answer(reply()))])
}

#[test]
fn authorization() {
    check([
        authenticated("3.5 max-age", "cache-control: max-age=600", |step| step),
        authenticated(
            "3.5 max-age and private",
            "cache-control: private, max-age=600",
            |step| step,
        ),
        authenticated(
            "3.5 public",
            "cache-control: max-age=600, public",
            Step::stored,
        ),
        authenticated(
            "3.5 must-revalidate",
            "cache-control: max-age=600, must-revalidate",
            Step::stored,
        ),
        authenticated("3.5 s-maxage", "cache-control: s-maxage=600", Step::stored),
        authenticated(
            "3.5 public and no-store",
            "cache-control: public, no-store",
            |step| step,
        ),
        case(
            "3.5 what is stored with explicit freshness answers an authenticated request",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600, public"])),
                get().with(BASIC).stored(),
            ],
        ),
        case(
            "contract: what is stored under ttl does not answer an authenticated request",
            [
                get().answer(Reply::ok(&[])),
                get().with(BASIC).answer(Reply::ok(&[])).told(BASIC),
                get().stored().body("the answer of step 1"),
            ],
        )
        .on(TTL),
        case(
            "contract: an authenticated request stores nothing under ttl",
            [
                get().with(BASIC).answer(Reply::ok(&[])),
                get().answer(Reply::ok(&[])),
            ],
        )
        .on(TTL),
        case(
            "contract: nor by the heuristic",
            [
                get()
                    .with(BASIC)
                    .answer(Reply::ok(&["last-modified: Wed, 01 Jan 2020 00:00:00 GMT"])),
                get().answer(Reply::ok(&[])),
            ],
        ),
        case(
            "contract: store_authenticated",
            [
                get().with(BASIC).answer(Reply::ok(&[])),
                get().answer(Reply::ok(&[])).stored(),
            ],
        )
        .on("cache.ttl = \"60s\"\ncache.store_authenticated = true"),
    ]);
}

#[test]
fn cookies() {
    check([
        case(
            "contract: a cookie and explicit freshness",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600"])),
                get().with("cookie: a=b").stored(),
            ],
        ),
        case(
            "contract: a cookie under ttl is neither answered nor stored",
            [
                get().answer(Reply::ok(&[])),
                get()
                    .with("cookie: a=b")
                    .answer(Reply::ok(&[]))
                    .told("cookie: a=b"),
                get().stored().body("the answer of step 1"),
            ],
        )
        .on(TTL),
        case(
            "contract: what a cookie fetched under ttl is not stored",
            [
                get().with("cookie: a=b").answer(Reply::ok(&[])),
                get().answer(Reply::ok(&[])),
            ],
        )
        .on(TTL),
        case(
            "contract: ignore_cookies by name",
            [
                get()
                    .with("cookie: _ga=1")
                    .answer(Reply::ok(&[]))
                    .not_told("cookie"),
                get().with("cookie: _ga=2").stored(),
                get()
                    .with("cookie: _ga=2; session=3")
                    .answer(Reply::ok(&[])),
            ],
        )
        .on("cache.ttl = \"60s\"\ncache.ignore_cookies = [\"_ga*\"]"),
        case(
            "contract: ignore_cookies of all",
            [
                get()
                    .with("cookie: a=1")
                    .answer(Reply::ok(&[]))
                    .not_told("cookie"),
                get().with("cookie: b=2").stored(),
            ],
        )
        .on("cache.ttl = \"60s\"\ncache.ignore_cookies = true"),
    ]);
}

#[test]
fn identity_fields() {
    let under_ttl = |name, line| {
        let steps = [
            get().answer(Reply::ok(&[])),
            get().with(line).answer(Reply::ok(&[])),
            get().stored().body("the answer of step 1"),
        ];
        case(name, steps).on(TTL)
    };
    check([
        under_ttl("contract: X-Api-Key under ttl", "x-api-key: 1"),
        under_ttl("contract: Api-Key under ttl", "api-key: 1"),
        under_ttl("contract: X-Auth-Token under ttl", "x-auth-token: 1"),
        under_ttl("contract: X-Access-Token under ttl", "x-access-token: 1"),
        case(
            "contract: X-Api-Key and explicit freshness",
            [
                get().answer(Reply::ok(&["cache-control: max-age=600"])),
                get().with("x-api-key: 1").stored(),
            ],
        ),
        case(
            "contract: identity_fields of the configuration",
            [
                get().answer(Reply::ok(&[])),
                get().with("x-me: 1").answer(Reply::ok(&[])),
                get()
                    .with("x-api-key: 1")
                    .stored()
                    .body("the answer of step 1"),
            ],
        )
        .on("cache.ttl = \"60s\"\n[cache]\nidentity_fields = [\"X-Me\"]"),
    ]);
}
