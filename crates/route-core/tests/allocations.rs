//! What a look-up allocates; a binary of its own, as it counts for the whole process.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use allocation_counter::measure;
use http::{HeaderMap, Method, Request, Response};
use route_core::{Finding, Lookup, Matcher, Route, RouteLayer, Table, TableOptions};
use tower::{Layer, Service, service_fn};

fn table() -> Table {
    let route = |id: &str, host: Option<&str>, path: &str| {
        let mut matcher = Matcher::new(path.parse().unwrap());
        matcher.methods = vec![Method::GET];
        matcher.hosts = host.iter().map(|host| host.parse().unwrap()).collect();
        Route::new(id.parse().unwrap(), matcher)
    };
    let routes = vec![
        route("static", None, "/static/path"),
        route(
            "deep",
            Some("*.example.com"),
            "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}",
        ),
        route("rest", None, "/rest/{*rest}"),
    ];
    Table::build(routes, &TableOptions::default()).unwrap()
}

#[test]
fn a_match_allocates_nothing() {
    let table = table();
    let headers = HeaderMap::new();
    for path in ["/static/path", "/1/2/3/4/5/6/7/8", "/rest/a/b%20c"] {
        let counted = measure(|| {
            let path = table.normalize(path).unwrap();
            let found = table.find(&Lookup {
                host: Some("api.example.com:8080"),
                ..Lookup::new(&Method::GET, &path, &headers)
            });
            assert!(matches!(found.finding, Finding::Matched(_)));
        });
        assert_eq!(counted.count_total, 0, "{path}");
    }
}

#[test]
fn the_layer_allocates_nothing_for_a_normal_path() {
    let layer = RouteLayer::new(Arc::new(table()), |_, found, _, _| {
        assert!(found.finding.matched().is_some());
    });
    let mut service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(())))
    }));
    let request = Request::get("/rest/a?b").body(()).unwrap();
    // A server's target is a piece of what it read, and shared already; one made of a text becomes so
    // when it is cloned first.
    let _shared = request.uri().clone();
    let counted = measure(|| drop(service.call(request)));
    assert_eq!(counted.count_total, 0);
}
