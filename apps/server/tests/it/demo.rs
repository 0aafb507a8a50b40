//! What a newcomer sees first.
use crate::client::{ask, get, get_with};
use crate::program::{Program, until};

#[test]
fn the_three_lines_show_a_miss_a_hit_and_a_304() {
    let program = Program::start("", &[], &[]);
    let mut lines = Vec::new();
    until(|| {
        let log = program.log();
        lines = log
            .lines()
            .filter_map(|line| Some(line.trim().strip_prefix("curl -i ")?.to_owned()))
            .collect();
        lines.len() == 3
    });
    let path = lines[0]
        .rsplit_once(&program.gateway.to_string())
        .unwrap()
        .1;

    let miss = get(program.gateway, path);
    assert_eq!((miss.status, miss.field("x-cache")), (200, Some("MISS")));
    // Development shows the key; it ends with the target.
    let key = miss.field("x-cache-key").unwrap();
    assert!(
        key.starts_with("products:") && key.ends_with("/api/products"),
        "{key}"
    );

    let hit = get(program.gateway, path);
    assert_eq!((hit.status, hit.field("x-cache")), (200, Some("HIT")));
    assert!(
        hit.field("age")
            .is_some_and(|age| age.parse::<u32>().is_ok()),
        "{hit:?}"
    );
    assert!(
        hit.field("cache-status")
            .is_some_and(|status| status.starts_with("urm; hit")),
        "{hit:?}"
    );
    assert!(hit.field("etag").is_some());
    assert_eq!(hit.body, miss.body);

    let condition = lines[2].split('\'').nth(1).unwrap();
    let unchanged = get_with(program.gateway, path, &format!("{condition}\r\n"));
    assert_eq!(unchanged.status, 304, "{unchanged:?}");
}

#[test]
fn a_write_drops_the_list_and_the_resource() {
    let program = Program::start("", &[], &[]);
    let cached = |path: &str| {
        get(program.gateway, path)
            .field("x-cache")
            .map(str::to_owned)
    };
    for path in ["/api/products", "/api/products?page=2", "/api/products/3"] {
        cached(path);
        assert_eq!(cached(path).as_deref(), Some("HIT"), "{path}");
    }
    let body = r#"{"name":"Bowl","price_cents":1200}"#;
    let put = format!(
        "PUT /api/products/3 HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(ask(program.gateway, &put).status, 200);
    for path in ["/api/products", "/api/products?page=2", "/api/products/3"] {
        assert_eq!(cached(path).as_deref(), Some("MISS"), "{path}");
    }
    assert_eq!(
        get(program.gateway, "/api/products/3").json()["name"],
        "Bowl"
    );
}

#[test]
fn probes_and_metrics_are_on_both_listeners() {
    let program = Program::start("", &[], &[]);
    get(program.gateway, "/api/products");
    for address in [program.gateway, program.admin] {
        for (path, status) in [
            ("/health/live", "alive"),
            ("/health/ready", "ready"),
            ("/health/startup", "started"),
        ] {
            let answer = get(address, path);
            assert_eq!(
                (answer.status, answer.json()["status"].as_str()),
                (200, Some(status)),
                "{path}"
            );
        }
        let health = get(address, "/health").json();
        assert!(
            health["checks"]
                .as_array()
                .is_some_and(|checks| !checks.is_empty())
                || health["checks"].is_object(),
            "{health}"
        );
        let metrics = get(address, "/metrics");
        assert!(
            metrics
                .field("content-type")
                .is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4"))
        );
        assert!(
            metrics.text().contains(r#"urm_route="products""#),
            "{}",
            metrics.text()
        );
        let json = get(address, "/metrics?format=json").json();
        assert_eq!(json["performance"][0]["routeId"], "products", "{json}");
        assert!(json["cache"]["totalKeys"].is_number(), "{json}");
    }
    // The short names of Kubernetes are the admin listener's.
    assert_eq!(get(program.admin, "/readyz").status, 200);
    assert_eq!(get(program.gateway, "/readyz").status, 404);
}

#[test]
fn there_is_no_demo_in_production() {
    let program = Program::start("", &[], &[("APP_ENV", "production")]);
    assert_eq!(get(program.gateway, "/api/products").status, 404);
    let ready = get(program.admin, "/health/ready");
    assert_eq!(
        (ready.status, ready.json()["status"].as_str()),
        (503, Some("no-routes"))
    );
}
