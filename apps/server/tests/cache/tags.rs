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

#[test]
fn cache_groups() {
    check([
        case(
            "RFC 9875 2 another group",
            [
                grouped("cache-groups: \"a\""),
                change("cache-group-invalidation: \"b\""),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 2 names of groups have a case",
            [
                grouped("cache-groups: \"a\""),
                change("cache-group-invalidation: \"A\""),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 3 a safe request invalidates no group",
            [
                grouped("cache-groups: \"a\""),
                get()
                    .at("/elsewhere/deep")
                    .answer(Reply::ok(&["cache-group-invalidation: \"a\""])),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 2.1 groups are within one origin",
            [
                grouped("cache-groups: \"a\"").host("one"),
                change("cache-group-invalidation: \"a\"").host("two"),
                get().host("one").stored(),
            ],
        ),
        case(
            "RFC 9875 2 a field that is no list of strings is passed over",
            [
                grouped("cache-groups: \"a\""),
                change("cache-group-invalidation: a"),
                get().stored(),
            ],
        ),
        case(
            "RFC 9875 3 what failed invalidates no group",
            [
                grouped("cache-groups: \"a\""),
                send("POST")
                    .at("/elsewhere/deep")
                    .content("x")
                    .answer(Reply::of(500, &["cache-group-invalidation: \"a\""])),
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
