//! RFC 9875 and the contract's tags: groups of responses that go together.

use crate::case::{Step, case, get, send};
use crate::reply::Reply;
use crate::site::check;

fn grouped(line: &'static str) -> Step {
    get().answer(Reply::ok(&["cache-control: max-age=600", line]))
}

fn change(line: &'static str) -> Step {
    send("POST")
        .at("/elsewhere/deep")
        .content("x")
        .answer(Reply::of(204, &[line]))
}

/// Cases run beside each other at one origin, so each has groups of its own.
#[test]
fn cache_groups() {
    check([
        case(
            "RFC 9875 3 a group that an unsafe response invalidates",
            [
                grouped("cache-groups: \"a0\""),
                change("cache-group-invalidation: \"a0\""),
                grouped("cache-groups: \"a0\""),
            ],
        ),
        case(
            "RFC 9875 2 one of several groups",
            [
                grouped("cache-groups: \"x1\", \"a1\""),
                change("cache-group-invalidation: \"b1\", \"a1\""),
                grouped("cache-groups: \"a1\""),
            ],
        ),
        case(
            "RFC 9875 2 another group",
            [
                grouped("cache-groups: \"a2\""),
                change("cache-group-invalidation: \"b2\""),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 2 names of groups have a case",
            [
                grouped("cache-groups: \"a3\""),
                change("cache-group-invalidation: \"A3\""),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 3 a safe request invalidates no group",
            [
                grouped("cache-groups: \"a4\""),
                get()
                    .at("/elsewhere/deep")
                    .answer(Reply::ok(&["cache-group-invalidation: \"a4\""])),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 2.1 groups are within one origin",
            [
                grouped("cache-groups: \"a5\"").host("one"),
                change("cache-group-invalidation: \"a5\"").host("two"),
                get().host("one").stored(),
            ],
        ),
        case(
            "RFC 9875 2 a field that is no list of strings is passed over",
            [
                grouped("cache-groups: \"a6\""),
                change("cache-group-invalidation: a"),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 3 what failed invalidates no group",
            [
                grouped("cache-groups: \"a7\""),
                send("POST")
                    .at("/elsewhere/deep")
                    .content("x")
                    .answer(Reply::of(500, &["cache-group-invalidation: \"a7\""])),
                get().stored(),
            ],
        ),
    ]);
}

#[test]
fn labels_of_the_origin() {
    check([
        case(
            "contract: a hit has the Cache-Tag of its response",
            [
                grouped("cache-tag: a, b"),
                get().stored().has("cache-tag: a, b"),
            ],
        ),
        case(
            "contract: Surrogate-Key is stored",
            [
                grouped("surrogate-key: a b"),
                get().stored().has("surrogate-key: a b"),
            ],
        ),
    ]);
}
