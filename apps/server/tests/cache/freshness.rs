//! §4.2: how long is a response fresh by its directives?

use std::time::Duration;

use crate::case::{case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

#[test]
fn explicit_lifetimes() {
    check([
        not_reused("4.2 nothing says how long", &[]),
        reused("5.2.2.1 max-age", &["cache-control: max-age=60"]),
        reused("5.2.2.10 s-maxage", &["cache-control: s-maxage=60"]),
        reused(
            "4.2.1 s-maxage before a shorter max-age",
            &["cache-control: max-age=0, s-maxage=60"],
        ),
        not_reused(
            "4.2.1 s-maxage before a longer max-age",
            &["cache-control: max-age=60, s-maxage=0"],
        ),
        not_reused(
            "4.2.1 s-maxage first, before a longer max-age",
            &["cache-control: s-maxage=0, max-age=60"],
        ),
        not_reused(
            "4.2.1 s-maxage before max-age, on lines of their own",
            &["cache-control: max-age=60", "cache-control: s-maxage=0"],
        ),
        reused(
            "5.3 max-age before an Expires that is past",
            &[
                "cache-control: max-age=60",
                "date: {now}",
                "expires: {now-9000}",
            ],
        ),
        reused(
            "5.3 max-age before an Expires that is no date",
            &["cache-control: max-age=60", "date: {now}", "expires: 0"],
        ),
        not_reused(
            "5.3 max-age=0 before an Expires to come",
            &[
                "cache-control: max-age=0",
                "date: {now}",
                "expires: {now+9000}",
            ],
        ),
        reused(
            "5.3 s-maxage before an Expires that is past",
            &[
                "cache-control: s-maxage=60",
                "date: {now}",
                "expires: {now-9000}",
            ],
        ),
        not_reused(
            "4.2 max-age=0 is stale at once",
            &["cache-control: max-age=0"],
        ),
        reused(
            "1.2.2 max-age of 2^31",
            &["cache-control: max-age=2147483648"],
        ),
        reused(
            "1.2.2 max-age beyond 2^31 counts as that",
            &["cache-control: max-age=99999999999"],
        ),
        reused(
            "1.2.2 max-age beyond 2^64 counts as 2^31",
            &["cache-control: max-age=99999999999999999999999999"],
        ),
        reused(
            "1.2.2 s-maxage beyond 2^64",
            &["cache-control: s-maxage=99999999999999999999999999"],
        ),
        reused(
            "1.2.2 zeros before a number",
            &["cache-control: max-age=0060"],
        ),
        reused(
            "5.2 directives that nobody knows",
            &["cache-control: foobar, x=\"1, 2\", max-age=60"],
        ),
        reused(
            "5.2 the case of a directive",
            &["cache-control: MaX-aGe=60"],
        ),
        reused("5.2 the case of s-maxage", &["cache-control: S-MaxAge=60"]),
        reused("5.2 max-age quoted", &["cache-control: max-age=\"60\""]),
        reused("5.2 s-maxage quoted", &["cache-control: s-maxage=\"60\""]),
        reused(
            "5.2.2.9 public says nothing of how long",
            &["cache-control: public, max-age=60"],
        ),
        reused(
            "5.2.2.2 must-revalidate while fresh",
            &["cache-control: max-age=60, must-revalidate"],
        ),
        reused(
            "5.2.2.8 proxy-revalidate while fresh",
            &["cache-control: max-age=60, proxy-revalidate"],
        ),
        reused(
            "RFC 8246 2 immutable while fresh",
            &["cache-control: max-age=60, immutable"],
        ),
        not_reused(
            "RFC 8246 2 immutable is no lifetime",
            &["cache-control: immutable"],
        ),
        reused(
            "5.2.2.6 no-transform says nothing of storing",
            &["cache-control: max-age=60, no-transform"],
        ),
    ]);
}

#[test]
fn doubtful_lifetimes_are_stale() {
    check([
        not_reused(
            "4.2.1 max-age twice, long then short",
            &["cache-control: max-age=60, max-age=0"],
        ),
        not_reused(
            "4.2.1 max-age twice, short then long",
            &["cache-control: max-age=0, max-age=60"],
        ),
        not_reused(
            "4.2.1 max-age twice on two lines",
            &["cache-control: max-age=0", "cache-control: max-age=60"],
        ),
        reused(
            "4.2.1 max-age twice with one value",
            &["cache-control: max-age=60", "cache-control: max-age=60"],
        ),
        not_reused(
            "4.2.1 max-age in single quotes",
            &["cache-control: max-age='60'"],
        ),
        not_reused(
            "4.2.1 max-age that begins with a letter",
            &["cache-control: max-age=a60"],
        ),
        not_reused(
            "4.2.1 max-age that ends with a letter",
            &["cache-control: max-age=60a"],
        ),
        not_reused("4.2.1 a negative max-age", &["cache-control: max-age=-60"]),
        not_reused("4.2.1 a broken max-age", &["cache-control: max-age=60.5"]),
        not_reused(
            "4.2.1 max-age without a number",
            &["cache-control: max-age"],
        ),
        not_reused(
            "4.2.1 max-age with an empty number",
            &["cache-control: max-age="],
        ),
        not_reused(
            "4.2.1 max-age in one quote",
            &["cache-control: max-age=\"60"],
        ),
        not_reused(
            "5.2 a blank before the equals sign",
            &["cache-control: max-age =60"],
        ),
        not_reused(
            "5.2 a blank after the equals sign",
            &["cache-control: max-age= 60"],
        ),
        not_reused(
            "5.2 max-age within another's quoted string",
            &["cache-control: extension=\"max-age=60\""],
        ),
        not_reused(
            "5.2 max-age within a quoted string before the real one",
            &["cache-control: extension=\"max-age=60\", max-age=0"],
        ),
        not_reused(
            "5.2 max-age within a quoted string after the real one",
            &["cache-control: max-age=0, extension=\"max-age=60\""],
        ),
        not_reused(
            "5.2 max-age behind an escaped quote",
            &["cache-control: extension=\"a\\\", max-age=60, b\""],
        ),
        reused(
            "5.2 a comma within a quoted string",
            &["cache-control: extension=\"a, no-store\", max-age=60"],
        ),
        reused("5.2 empty members", &["cache-control: , ,max-age=60,,"]),
        reused(
            "5.2 an empty line beside a full one",
            &["cache-control:", "cache-control: max-age=60"],
        ),
        not_reused(
            "5.2 a name that only begins like max-age",
            &["cache-control: max-aged=60"],
        ),
    ]);
}

#[test]
fn lifetimes_end() {
    let short = Reply::ok(&["cache-control: max-age=1"]);
    check([
        case(
            "4.2 a response is stale once its lifetime is over",
            [
                get().answer(short.clone()),
                get().answer(short.clone()).until(),
            ],
        ),
        case(
            "4.2.3 the time under way counts",
            [
                get().answer(short.clone().after(Duration::from_millis(1_200))),
                get().answer(short),
            ],
        ),
        case(
            "4.2.3 the time under way is in the age",
            [
                get().answer(
                    Reply::ok(&["cache-control: max-age=60"]).after(Duration::from_millis(1_200)),
                ),
                get().stored().aged(1),
            ],
        ),
    ]);
}

#[test]
fn the_route_s_own_lifetime() {
    const TTL: &str = "cache.ttl = \"60s\"";
    const FORCED: &str = "cache.ttl = \"60s\"\ncache.freshness = \"forced\"";
    check([
        reused("contract: ttl where nothing is said", &[]).on(TTL),
        not_reused(
            "contract: what is said comes before ttl",
            &["cache-control: max-age=0"],
        )
        .on(TTL),
        not_reused(
            "contract: Expires comes before ttl",
            &["date: {now}", "expires: {now}"],
        )
        .on(TTL),
        not_reused("contract: ttl and no-store", &["cache-control: no-store"]).on(TTL),
        not_reused("contract: ttl and private", &["cache-control: private"]).on(TTL),
        not_reused("contract: ttl and Set-Cookie", &["set-cookie: a=b"]).on(TTL),
        not_reused("contract: ttl and Vary: *", &["vary: *"]).on(TTL),
        not_reused(
            "contract: ttl and a max-age=0 with a blank before its number",
            &["cache-control: max-age= 0"],
        )
        .on(TTL),
        not_reused(
            "contract: ttl and a max-age=0 with a blank before the equals sign",
            &["cache-control: max-age =0"],
        )
        .on(TTL),
        not_reused(
            "contract: ttl and no-store behind a quote that never ends",
            &["cache-control: x=\"a, no-store"],
        )
        .on(TTL),
        not_reused(
            "contract: ttl and an Expires that is no date",
            &["expires: 0"],
        )
        .on(TTL),
        case(
            "contract: ttl is for no status of 400 and above",
            [
                get().answer(Reply::of(404, &[])),
                get().answer(Reply::of(404, &[])),
            ],
        )
        .on(TTL),
        not_reused("contract: ttl and an age beyond it", &["age: 90"]).on(TTL),
        reused(
            "contract: forced before max-age",
            &["cache-control: max-age=0"],
        )
        .on(FORCED),
        reused("contract: forced counts from receipt", &["age: 90"]).on(FORCED),
        not_reused(
            "contract: forced obeys no-store",
            &["cache-control: no-store"],
        )
        .on(FORCED),
        not_reused(
            "contract: forced obeys no-cache",
            &["cache-control: no-cache"],
        )
        .on(FORCED),
        not_reused(
            "contract: forced obeys private",
            &["cache-control: private"],
        )
        .on(FORCED),
        not_reused("contract: forced obeys Vary: *", &["vary: *"]).on(FORCED),
        not_reused("contract: forced obeys Set-Cookie", &["set-cookie: a=b"]).on(FORCED),
    ]);
}
