//! §4.1: responses that depend on fields of the request.

use crate::case::{Case, Step, case, get, not_reused, reused};
use crate::reply::Reply;
use crate::site::check;

fn varying(fields: &[&'static str]) -> Reply {
    let mut all = vec!["cache-control: max-age=600"];
    all.extend_from_slice(fields);
    Reply::ok(&all)
}

/// A response to the first request, which varies so, answers the second too, or does not.
fn pair(name: &'static str, vary: &[&'static str], first: Step, second: Step) -> Case {
    let reply = varying(vary);
    case(name, [first.answer(reply.clone()), second.answer(reply)])
}

#[test]
fn one_variant() {
    const FOO: [&str; 1] = ["vary: Foo"];
    const TWO: [&str; 1] = ["vary: Foo, Bar"];
    let foo = |value| get().with(value);
    check([
        pair(
            "4.1 the same value",
            &FOO,
            foo("foo: 1"),
            foo("foo: 1").stored(),
        ),
        pair("4.1 another value", &FOO, foo("foo: 1"), foo("foo: 2")),
        pair(
            "4.1 another case of the value",
            &FOO,
            foo("foo: a"),
            foo("foo: A"),
        ),
        pair(
            "4.1 the case of the name",
            &["vary: fOO"],
            foo("foo: 1"),
            foo("FOO: 1").stored(),
        ),
        pair(
            "4.1 the first request had no such field",
            &FOO,
            get(),
            foo("foo: 1"),
        ),
        pair(
            "4.1 the second request has no such field",
            &FOO,
            foo("foo: 1"),
            get(),
        ),
        pair(
            "4.1 neither request has the field",
            &FOO,
            get(),
            get().stored(),
        ),
        pair(
            "4.1 an empty field is not an absent one",
            &FOO,
            foo("foo:"),
            get(),
        ),
        pair(
            "4.1 fields that are not named",
            &FOO,
            foo("foo: 1").with("other: 2"),
            foo("foo: 1").with("other: 3").stored(),
        ),
        pair(
            "4.1 two fields, the same values",
            &TWO,
            foo("foo: 1").with("bar: 2"),
            foo("foo: 1").with("bar: 2").stored(),
        ),
        pair(
            "4.1 two fields, in another order",
            &TWO,
            foo("foo: 1").with("bar: 2"),
            foo("bar: 2").with("foo: 1").stored(),
        ),
        pair(
            "4.1 two fields, one of another value",
            &TWO,
            foo("foo: 1").with("bar: 2"),
            foo("foo: 1").with("bar: 3"),
        ),
        pair(
            "4.1 two fields, values exchanged",
            &TWO,
            foo("foo: 1").with("bar: 2"),
            foo("foo: 2").with("bar: 1"),
        ),
        pair(
            "4.1 two fields, both left out",
            &TWO,
            foo("foo: 1").with("bar: 2"),
            get(),
        ),
        pair(
            "4.1 two lines of Vary, the same values",
            &["vary: Foo", "vary: Bar"],
            foo("foo: 1").with("bar: 2"),
            foo("foo: 1").with("bar: 2").stored(),
        ),
        pair(
            "4.1 two lines of Vary, the second differs",
            &["vary: Foo", "vary: Bar"],
            foo("foo: 1").with("bar: 2"),
            foo("foo: 1").with("bar: 3"),
        ),
        pair(
            "4.1 three fields, one absent in both",
            &["vary: Foo, Bar, Baz"],
            foo("foo: 1").with("baz: 3"),
            foo("foo: 1").with("baz: 3").stored(),
        ),
        pair(
            "4.1 lines of one field may be combined",
            &FOO,
            foo("foo: 1, 2"),
            foo("foo: 1").with("foo: 2").stored(),
        ),
        pair(
            "4.1 the order of a field's lines counts",
            &FOO,
            foo("foo: 1").with("foo: 2"),
            foo("foo: 2").with("foo: 1"),
        ),
        pair(
            "4.1 blanks around a value may be passed over",
            &FOO,
            foo("foo: 1"),
            foo("foo:    1").stored(),
        ),
        pair(
            "4.1 an empty Vary names nothing",
            &["vary:"],
            get(),
            get().stored(),
        ),
        pair(
            "4.1 a Vary of a comma names nothing",
            &["vary: ,"],
            get(),
            get().stored(),
        ),
        pair(
            "4.1 a name twice",
            &["vary: Foo, foo"],
            foo("foo: 1"),
            foo("foo: 1").stored(),
        ),
        pair(
            "4.1 Vary that is no name matches nothing",
            &["vary: F oo"],
            foo("foo: 1"),
            foo("foo: 1"),
        ),
    ]);
}

#[test]
fn star() {
    const LONG: &str = "cache-control: max-age=600";
    check([
        not_reused("4.1 Vary: *", &[LONG, "vary: *"]),
        not_reused("4.1 Vary: *, *", &[LONG, "vary: *, *"]),
        not_reused("4.1 Vary: * on two lines", &[LONG, "vary: *", "vary: *"]),
        not_reused("4.1 Vary: * behind a comma", &[LONG, "vary: , *"]),
        not_reused(
            "4.1 Vary: * behind an empty line",
            &[LONG, "vary:", "vary: *"],
        ),
        not_reused("4.1 Vary: *, Foo", &[LONG, "vary: *, Foo"]),
        not_reused("4.1 Vary: Foo, *", &[LONG, "vary: Foo, *"]),
        not_reused(
            "4.1 Vary: * on a later line",
            &[LONG, "vary: Foo", "vary: *"],
        ),
    ]);
}

#[test]
fn several_variants() {
    let foo = |value, body| get().with(value).body(body);
    let tagged = |tag, body| varying(&["vary: Foo", tag]).body(body);
    check([
        case(
            "4.1 two variants are stored beside each other",
            [
                foo("foo: 1", "one").answer(varying(&["vary: Foo"]).body("one")),
                foo("foo: 2", "two").answer(varying(&["vary: Foo"]).body("two")),
                foo("foo: 1", "one").stored(),
                foo("foo: 2", "two").stored(),
            ],
        ),
        case(
            "4 of several that match the most recent answers",
            [
                foo("foo: 1", "one").answer(varying(&["vary: Foo"]).body("one")),
                foo("foo: 2", "two").answer(varying(&[]).body("two")),
                foo("foo: 1", "two").stored(),
            ],
        ),
        case(
            "4.1 another Vary from the same resource",
            [
                get()
                    .with("foo: 1")
                    .with("bar: 1")
                    .answer(varying(&["vary: Foo"])),
                get()
                    .with("foo: 2")
                    .with("bar: 1")
                    .answer(varying(&["vary: Bar"])),
                get()
                    .with("foo: 2")
                    .with("bar: 2")
                    .answer(varying(&["vary: Bar"])),
            ],
        ),
        case(
            "4.1 a request that matches no variant is not answered by one",
            [
                foo("foo: 1", "one").answer(varying(&["vary: Foo"]).body("one")),
                foo("foo: 2", "two").answer(varying(&["vary: Foo"]).body("two")),
                foo("foo: 3", "three").answer(varying(&["vary: Foo"]).body("three")),
            ],
        ),
        case(
            "4.3.1 the fields that Vary names go along with a condition",
            [
                get().with("foo: 1").answer(Reply::ok(&[
                    "cache-control: max-age=1",
                    "vary: Foo",
                    "etag: \"a\"",
                ])),
                get()
                    .with("foo: 1")
                    .answer(Reply::of(304, &["etag: \"a\""]))
                    .validated()
                    .until()
                    .told("foo: 1")
                    .told("if-none-match: \"a\""),
            ],
        ),
        case(
            "RFC 9110 12.5.5 a hit has the Vary of its response",
            [
                get().with("foo: 1").answer(varying(&["vary: Foo"])),
                get().with("foo: 1").stored().has("vary: Foo"),
            ],
        ),
        case(
            "4.4 a change drops all variants",
            [
                foo("foo: 1", "one").answer(tagged("etag: \"1\"", "one")),
                foo("foo: 2", "two").answer(tagged("etag: \"2\"", "two")),
                crate::case::send("PUT")
                    .content("x")
                    .answer(Reply::of(204, &[])),
                foo("foo: 1", "uno").answer(tagged("etag: \"3\"", "uno")),
                foo("foo: 2", "due").answer(tagged("etag: \"4\"", "due")),
            ],
        ),
    ]);
}

#[test]
fn known_fields() {
    const ENCODED: [&str; 2] = ["vary: Accept-Encoding", "content-encoding: gzip"];
    const LANGUAGE: [&str; 1] = ["vary: Accept-Language"];
    check([
        pair(
            "4.1 a coded response, the same codings",
            &ENCODED,
            get().with("accept-encoding: gzip"),
            get().with("accept-encoding: gzip").stored(),
        ),
        pair(
            "4.1 a coded response and no codings",
            &ENCODED,
            get().with("accept-encoding: gzip"),
            get(),
        ),
        pair(
            "contract: codings in another order are the same",
            &ENCODED,
            get().with("accept-encoding: gzip, br"),
            get().with("accept-encoding: br,gzip").stored(),
        ),
        pair(
            "contract: codings that nobody knows are left out",
            &ENCODED,
            get().with("accept-encoding: gzip"),
            get().with("accept-encoding: gzip, sdch").stored(),
        ),
        pair(
            "4.1 a coded response that is excluded by its quality",
            &ENCODED,
            get().with("accept-encoding: gzip"),
            get().with("accept-encoding: gzip;q=0"),
        ),
        pair(
            "4.1 languages",
            &LANGUAGE,
            get().with("accept-language: en"),
            get().with("accept-language: en").stored(),
        ),
        pair(
            "4.1 other languages",
            &LANGUAGE,
            get().with("accept-language: en"),
            get().with("accept-language: de"),
        ),
        reused(
            "4.1 Vary on the host is in the key anyway",
            &["cache-control: max-age=60", "vary: Host"],
        ),
        pair(
            "4.1 Vary on Cookie",
            &["vary: Cookie"],
            get().with("cookie: a=1"),
            get().with("cookie: a=2"),
        ),
        pair(
            "4.1 Vary on Authorization",
            &["vary: Authorization"],
            get().with("authorization: Basic YTph"),
            get().with("authorization: Basic Yjpi"),
        ),
        pair(
            "contract: vary of the route joins the key",
            &[],
            get().with("x-tenant: 1"),
            get().with("x-tenant: 2"),
        )
        .on("cache.ttl = \"0s\"\ncache.vary = [\"X-Tenant\"]"),
        pair(
            "contract: vary of the route, the same value",
            &[],
            get().with("x-tenant: 1"),
            get().with("x-tenant: 1").stored(),
        )
        .on("cache.ttl = \"0s\"\ncache.vary = [\"X-Tenant\"]"),
    ]);
}
