//! The two layers around a service that tells what it was asked.

use std::convert::Infallible;
use std::sync::Arc;

use http::{Extensions, HeaderMap, Request, Response, StatusCode, Version};
use route_core::{
    Finding, Found, MatchedRoute, PathError, Refusal, RefuseLayer, RouteLayer, Table,
};
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::table::table;

/// What the innermost service saw: its target, and its route with parameters.
async fn ask(lines: &[&str], request: Request<()>) -> Response<String> {
    let service = ServiceBuilder::new()
        .layer(RouteLayer::alone(Arc::new(table(lines))))
        .layer(RefuseLayer::alone())
        .service(service_fn(async |request: Request<()>| {
            let route = request.extensions().get::<MatchedRoute>().unwrap();
            let params: Vec<_> = route
                .params()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let hops = request
                .headers()
                .get("max-forwards")
                .map(|hops| hops.to_str().unwrap());
            let saw = format!(
                "{} {} {} {}",
                request.uri(),
                route.id(),
                params.join(","),
                hops.unwrap_or_default(),
            );
            Ok::<_, Infallible>(Response::new(saw.trim_end().to_owned()))
        }));
    service.oneshot(request).await.unwrap()
}

fn get(target: &str) -> Request<()> {
    Request::get(target).body(()).unwrap()
}

#[track_caller]
fn check_refused(response: &Response<String>, status: u16, refusal: Refusal) {
    assert_eq!(response.status(), status);
    assert_eq!(response.body(), "");
    assert_eq!(response.extensions().get::<Refusal>(), Some(&refusal));
    assert_eq!(refusal.status(), status);
}

#[tokio::test]
async fn the_path_becomes_normal_and_nothing_else_changes() {
    let lines = ["* /a/{x}", "* /"];
    for (target, seen) in [
        ("/a/1", "/a/1 r0 x=1"),
        ("//a/./%41?q=%41//..&", "/a/A?q=%41//..& r0 x=A"),
        ("//a/b?", "/a/b? r0 x=b"),
        ("/a/b?", "/a/b? r0 x=b"),
        ("http://h:80/a/%41?q", "http://h:80/a/A?q r0 x=A"),
        ("/a/é", "/a/%C3%A9 r0 x=%C3%A9"),
        ("/a/..", "/ r1"),
        ("/a/%2f;", "/a/%2F; r0 x=%2F;"),
        ("http://h", "http://h/ r1"),
    ] {
        assert_eq!(ask(&lines, get(target)).await.body(), seen, "{target}");
    }
}

#[tokio::test]
async fn what_found_no_route_is_answered() {
    let lines = ["GET h /a"];
    check_refused(&ask(&lines, get("/b")).await, 404, Refusal::NotFound);
    check_refused(
        &ask(&lines, get("http://i/a")).await,
        421,
        Refusal::Misdirected,
    );
    let encoding = Refusal::BadPath(PathError::Encoding { at: 2 });
    check_refused(&ask(&lines, get("/a%")).await, 400, encoding);
    check_refused(
        &ask(&lines, get("*")).await,
        400,
        Refusal::BadPath(PathError::NotAbsolute),
    );

    let put = Request::put("http://h/a").body(()).unwrap();
    let response = ask(&lines, put).await;
    check_refused(&response, 405, Refusal::MethodNotAllowed);
    assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");

    let connect = Request::connect("h:443").body(()).unwrap();
    let response = ask(&lines, connect).await;
    check_refused(&response, 405, Refusal::MethodNotAllowed);
    assert_eq!(response.headers()["allow"], "");

    let options = Request::options("http://h/a").body(()).unwrap();
    let response = ask(&lines, options).await;
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");
    assert!(response.extensions().get::<Refusal>().is_none());

    let lines = ["* /a/{*rest} !always"];
    check_refused(&ask(&lines, get("/a/%2F")).await, 400, Refusal::Ambiguous);
}

#[tokio::test]
async fn a_path_that_grows_past_its_bound_is_refused() {
    let long = format!("/{}", "é".repeat(15_000));
    check_refused(
        &ask(&["* /{x}"], get(&long)).await,
        400,
        Refusal::BadPath(PathError::TooLong),
    );
    // The path alone would fit.
    let long = format!("//{}?{}", "a".repeat(10), "é".repeat(30_000));
    assert_eq!(ask(&["* /{x}"], get(&long)).await.status(), 200);
}

#[tokio::test]
async fn the_target_s_host_comes_before_the_field() {
    let lines = ["* one /", "* two /"];
    let with_host = |target, version| {
        Request::get(target)
            .version(version)
            .header("host", "two:80")
            .body(())
            .unwrap()
    };
    assert_eq!(
        ask(&lines, with_host("/", Version::HTTP_11)).await.body(),
        "/ r1"
    );
    let absolute = ask(&lines, with_host("http://one/", Version::HTTP_11)).await;
    assert_eq!(absolute.body(), "http://one/ r0");
    // Each target of HTTP/2 has an authority: an unknown one is nothing special there.
    let three = ask(&lines, with_host("http://three/", Version::HTTP_2)).await;
    assert_eq!(three.status(), 404);
}

#[tokio::test]
async fn max_forwards_is_counted_down() {
    let lines = ["* /a"];
    let options = |hops| {
        Request::options("/a")
            .header("max-forwards", hops)
            .body(())
            .unwrap()
    };
    assert_eq!(ask(&lines, options("3")).await.body(), "/a r0  2");
    assert_eq!(ask(&lines, options("x")).await.body(), "/a r0  x");
    assert_eq!(ask(&lines, options("0")).await.status(), 204);
    let get = Request::get("/a")
        .header("max-forwards", "3")
        .body(())
        .unwrap();
    assert_eq!(ask(&lines, get).await.body(), "/a r0  3");
}

#[tokio::test]
async fn every_answer_names_the_fields_that_decide() {
    let lines = ["GET /a x-v:1", "GET /a", "GET /b"];
    for (target, vary) in [("/a", Some("x-v")), ("/b", None)] {
        for method in ["GET", "DELETE", "OPTIONS"] {
            let request = Request::builder()
                .method(method)
                .uri(target)
                .body(())
                .unwrap();
            let response = ask(&lines, request).await;
            let actual = response
                .headers()
                .get("vary")
                .map(|vary| vary.to_str().unwrap());
            assert_eq!(actual, vary, "{method} {target}");
        }
    }
}

#[tokio::test]
async fn a_program_takes_the_finding_as_it_likes() {
    struct Snapshot(Table);
    impl AsRef<Table> for Snapshot {
        fn as_ref(&self) -> &Table {
            &self.0
        }
    }
    fn tell(handle: &Arc<Snapshot>, found: Found, extensions: &mut Extensions) {
        assert_eq!(handle.0.len(), 1);
        // What layers outside put there stays.
        let word = *extensions.get::<&str>().unwrap();
        extensions.insert((word, found));
    }
    #[derive(Clone)]
    struct Handle(Arc<Snapshot>);
    impl AsRef<Table> for Handle {
        fn as_ref(&self) -> &Table {
            self.0.as_ref().as_ref()
        }
    }
    let layer = RouteLayer::new(
        Handle(Arc::new(Snapshot(table(&["* /a"])))),
        |handle, found, _, extensions| tell(&handle.0, found, extensions),
    );
    let refuse =
        RefuseLayer::new(|extensions| extensions.get::<(&str, Found)>().map(|(_, found)| found));
    let mut service = ServiceBuilder::new()
        .layer(layer)
        .layer(refuse)
        .service(service_fn(async |request: Request<()>| {
            let (word, found) = request.extensions().get::<(&str, Found)>().unwrap();
            assert!(matches!(found.finding, Finding::Matched(_)));
            Ok::<_, Infallible>(Response::new((*word).to_owned()))
        }));
    let request = |target| {
        let mut request = get(target);
        request.extensions_mut().insert("outer");
        request
    };
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request("/a"))
        .await
        .unwrap();
    assert_eq!(response.body(), "outer");
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request("/b"))
        .await
        .unwrap();
    assert_eq!(response.status(), 404);
}

#[tokio::test]
async fn without_a_finding_a_request_passes_and_errors_stay_as_they_are() {
    let service = RefuseLayer::alone();
    let service =
        ServiceBuilder::new()
            .layer(service)
            .service(service_fn(async |request: Request<()>| {
                let fails = request.headers() != &HeaderMap::new();
                if fails {
                    Err("inner")
                } else {
                    Ok(Response::new(String::from("passed")))
                }
            }));
    assert_eq!(
        service.clone().oneshot(get("/")).await.unwrap().body(),
        "passed"
    );
    let failing = Request::get("/").header("a", "b").body(()).unwrap();
    assert_eq!(service.oneshot(failing).await.unwrap_err(), "inner");
}
