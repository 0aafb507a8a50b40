//! §4.4: what an unsafe request ends.

use crate::case::{Case, Step, case, get, send};
use crate::reply::Reply;
use crate::site::check;

fn kept() -> Step {
    get().answer(Reply::ok(&["cache-control: max-age=600"]))
}

/// What was stored is gone after `change`.
fn dropped(name: &'static str, change: Step) -> Case {
    case(name, [kept(), change, kept()])
}

/// What was stored is still there after `change`.
fn untouched(name: &'static str, change: Step) -> Case {
    case(
        name,
        [kept(), change, get().stored().body("the answer of step 1")],
    )
}

fn change(method: &'static str, status: u16) -> Step {
    send(method).content("abc").answer(Reply::of(status, &[]))
}

#[test]
fn the_target() {
    check([
        dropped("4.4 POST", change("POST", 200)),
        dropped("4.4 PUT", change("PUT", 204)),
        dropped("4.4 PATCH", change("PATCH", 200)),
        dropped("4.4 DELETE", change("DELETE", 200)),
        dropped("4.4 a method that nobody knows", change("M-SEARCH", 200)),
        dropped("4.4 POST that is redirected", change("POST", 303)),
        dropped("4.4 POST that creates", change("POST", 201)),
        untouched("4.4 POST that fails at the origin", change("POST", 500)),
        untouched("4.4 PUT that fails at the origin", change("PUT", 500)),
        untouched("4.4 DELETE that fails at the origin", change("DELETE", 503)),
        untouched("4.4 an unknown method that fails", change("M-SEARCH", 500)),
        untouched("4.4 POST that is refused", change("POST", 403)),
        untouched("4.4 PUT whose condition fails", change("PUT", 412)),
        untouched(
            "4.4 OPTIONS is safe",
            send("OPTIONS").answer(Reply::of(204, &[])),
        ),
        untouched(
            "4.4 TRACE is safe",
            send("TRACE").answer(Reply::ok(&[])).anyhow(),
        ),
        untouched(
            "4.4 a change elsewhere",
            change("PUT", 204).at("/other/place"),
        ),
        dropped(
            "contract: every query of the target",
            change("PUT", 204).at("/page?x=1"),
        ),
        case(
            "contract: a change drops what is stored under a query",
            [
                kept().at("/page?x=1"),
                change("PUT", 204),
                kept().at("/page?x=1"),
            ],
        ),
        case(
            "contract: a change drops the collection above",
            [
                kept().at("/products"),
                kept().at("/products?page=2"),
                change("PUT", 204).at("/products/7"),
                kept().at("/products"),
                kept().at("/products?page=2"),
            ],
        ),
        case(
            "contract: a change leaves what lies beside and below",
            [
                kept().at("/products/8"),
                kept().at("/products/7/parts"),
                change("PUT", 204).at("/products/7"),
                get().at("/products/8").stored(),
                get().at("/products/7/parts").stored(),
            ],
        ),
        case(
            "contract: a slash at the end is the same resource",
            [
                kept().at("/a/"),
                change("PUT", 204).at("/a"),
                kept().at("/a/"),
            ],
        ),
        case(
            "4.4 a host of its own",
            [
                kept().host("one"),
                change("PUT", 204).host("two"),
                get().host("one").stored(),
            ],
        ),
    ]);
}

#[test]
fn what_the_response_names() {
    let naming = |method, status, line| {
        send(method)
            .at("/do/it")
            .content("abc")
            .answer(Reply::of(status, &[line]))
    };
    check([
        dropped(
            "4.4 Location of a POST",
            naming("POST", 201, "location: {base}/page"),
        ),
        dropped(
            "4.4 Location of a PUT",
            naming("PUT", 201, "location: {base}/page"),
        ),
        dropped(
            "4.4 Location of a DELETE",
            naming("DELETE", 200, "location: {base}/page"),
        ),
        dropped(
            "4.4 Location of an unknown method",
            naming("M-SEARCH", 200, "location: {base}/page"),
        ),
        dropped(
            "4.4 Location of a redirect",
            naming("POST", 303, "location: {base}/page"),
        ),
        dropped(
            "4.4 an absolute Location of this host",
            naming("POST", 201, "location: http://test{base}/page"),
        ),
        dropped(
            "4.4 an absolute Location with the scheme's port",
            naming("POST", 201, "location: http://TEST:80{base}/page"),
        ),
        dropped(
            "4.4 a Location with query and fragment",
            naming("POST", 201, "location: {base}/page?a=1#b"),
        ),
        dropped(
            "4.4 a Location relative to the target",
            naming("POST", 201, "location: ../page"),
        ),
        dropped(
            "4.4 Content-Location of a POST",
            naming("POST", 200, "content-location: {base}/page"),
        ),
        dropped(
            "4.4 Content-Location of a PUT",
            naming("PUT", 200, "content-location: {base}/page"),
        ),
        dropped(
            "4.4 Content-Location of a DELETE",
            naming("DELETE", 200, "content-location: {base}/page"),
        ),
        dropped(
            "4.4 Content-Location of an unknown method",
            naming("M-SEARCH", 200, "content-location: {base}/page"),
        ),
        untouched(
            "4.4 Location of another host",
            naming("POST", 201, "location: http://other{base}/page"),
        ),
        untouched(
            "4.4 Location of another scheme",
            naming("POST", 201, "location: https://test{base}/page"),
        ),
        untouched(
            "4.4 Location of another port",
            naming("POST", 201, "location: http://test:8080{base}/page"),
        ),
        untouched(
            "4.4 Location without a scheme, of another host",
            naming("POST", 201, "location: //other{base}/page"),
        ),
        untouched(
            "4.4 Content-Location of another host",
            naming("PUT", 200, "content-location: http://other{base}/page"),
        ),
        untouched(
            "4.4 Location of what failed",
            naming("POST", 500, "location: {base}/page"),
        ),
        untouched(
            "4.4 Location of a safe request",
            get()
                .at("/do/it")
                .answer(Reply::of(302, &["location: {base}/page"])),
        ),
    ]);
}

#[test]
fn what_an_unsafe_response_is_good_for() {
    check([
        case(
            "RFC 9110 9.3.3 a POST with explicit freshness does not answer a GET of the same",
            [
                send("POST")
                    .content("abc")
                    .answer(Reply::ok(&["cache-control: max-age=600"])),
                kept(),
            ],
        ),
        case(
            "2 a POST is not answered by the last one",
            [
                send("POST")
                    .content("abc")
                    .answer(Reply::ok(&["cache-control: max-age=600"])),
                send("POST")
                    .content("abc")
                    .answer(Reply::ok(&["cache-control: max-age=600"])),
            ],
        ),
        case(
            "4.4 a PUT does not store what it was sent",
            [
                send("PUT")
                    .content("abc")
                    .answer(Reply::ok(&["cache-control: max-age=600"])),
                kept(),
            ],
        ),
        case(
            "2 an unknown method is not answered from the store",
            [
                kept(),
                send("PROPFIND")
                    .answer(Reply::of(403, &["cache-control: max-age=600"]))
                    .status(403),
                get().stored(),
            ],
        ),
        dropped(
            "contract: invalidates of the route",
            change("POST", 200).at("/elsewhere/deep"),
        )
        .on("cache.ttl = \"0s\"\ncache.tags = [\"pages\"]\ncache.invalidates = [\"pages\"]"),
    ]);
}
