//! One configuration in every format, and what is wrong with each.

use std::fmt::Write as _;

use config_flags::Layers;
use proptest::prelude::*;

use super::settings::{Settings, load};
use super::{Folder, check_problems};

fn read(name: &str, text: &str) -> Settings {
    let folder = Folder::new(&[(name, text)]);
    let loaded = load(&Layers::new().file(folder.path(name)));
    loaded
        .unwrap_or_else(|problems| panic!("{problems}"))
        .settings
}

const TOML: &str = r#"
"$schema" = "urm.schema.json"
port = 80
[security]
cors_origins = ["http://a", "007"]
[upstreams.u]
endpoints = ["http://a", { url = "http://b", weight = 3 }]
[routes.a]
path = "/a"
upstream = "u"
cache = { ttl = "5s" }
"#;

#[test]
fn every_format_says_the_same() {
    let expected = read("a.toml", TOML);
    let json = r#"{"$schema": "urm.schema.json", "port": 80, "security": {"cors_origins": ["http://a", "007"]},
        "upstreams": {"u": {"endpoints": ["http://a", {"url": "http://b", "weight": 3}]}},
        "routes": {"a": {"path": "/a", "upstream": "u", "rewrite": null, "cache": {"ttl": "5s"}}}}"#;
    assert_eq!(read("a.json", json), expected);
    let yaml = "port: 80\nsecurity:\n  cors_origins: [http://a, 007]\nupstreams:\n  u:\n    endpoints:\n    - http://a\n    - {url: http://b, weight: 3}\nroutes:\n  a:\n    path: /a\n    upstream: u\n    rewrite: ~\n    cache:\n      ttl: 5s\ndatabase:\n";
    assert_eq!(read("a.yaml", yaml), expected);
    assert_eq!(
        read("a.yml", "\u{feff}port: 80"),
        read("b.toml", "port = 80")
    );
}

#[cfg(feature = "foreign")]
#[test]
fn foreign_formats_say_it_too() {
    let expected = read("a.toml", TOML);
    let json5 = "{port: 80, security: {cors_origins: ['http://a', '007']}, // comment\n upstreams: {u: {endpoints: ['http://a', {url: 'http://b', weight: 3}]}}, routes: {a: {path: '/a', upstream: 'u', cache: {ttl: '5s'}}}}";
    assert_eq!(read("a.json5", json5), expected);
    let ron = r#"{"port": 80, "security": {"cors_origins": ["http://a", "007"]}, "upstreams": {"u": {"endpoints": ["http://a", {"url": "http://b", "weight": 3}]}}, "routes": {"a": {"path": "/a", "upstream": "u", "cache": {"ttl": "5s"}}}}"#;
    assert_eq!(read("a.ron", ron), expected);
    let ini = "port = 80\n[database]\nhost = 007\nssl = true\n[routes.a]\npath = /a\nupstream = u\n[routes.a.cache]\nttl = 5s\n[upstreams.u]\nendpoints = x\n";
    let settings = read("a.ini", ini);
    assert_eq!(settings.database.host, "007");
    assert!(settings.database.ssl && settings.routes["a"].cache.is_some());
    check_problems(
        "a.ini",
        "[database]\nport = x\n",
        &["database.port: \"x\" is not a whole number (a.ini)"],
    );
    check_problems(
        "a.json5",
        "{port: '80'}",
        &["port: expected a whole number, found a text (write it without quotes) (a.json5)"],
    );
    check_problems("a.json5", "{\n  port: }", &["not JSON5 (a.json5:2:9)"]);
    check_problems("a.ron", "{\n\"port\": }", &["not RON (a.ron:2:8)"]);
}

#[cfg(feature = "foreign")]
#[test]
fn any_source_is_a_layer() {
    #[derive(Clone, Debug)]
    struct Store(config::Map<String, config::Value>);
    impl config::Source for Store {
        fn clone_into_box(&self) -> Box<dyn config::Source + Send + Sync> {
            Box::new(self.clone())
        }
        fn collect(&self) -> Result<config::Map<String, config::Value>, config::ConfigError> {
            Ok(self.0.clone())
        }
    }
    let store = |port: config::ValueKind| {
        let origin = "etcd://x/port".to_owned();
        let value = config::Value::new(Some(&origin), port);
        Store(config::Map::from_iter([("PORT".to_owned(), value)]))
    };
    let loaded = load(&Layers::new().source(store(config::ValueKind::I64(7)))).unwrap();
    assert_eq!(loaded.settings.port, 7);
    assert_eq!(loaded.origin("port").as_deref(), Some("etcd://x/port"));
    let text = config::ValueKind::String("7".into());
    let problems = load(&Layers::new().source(store(text))).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "port: expected a whole number, found a text (write it without quotes) (etcd://x/port)"
    );
}

#[test]
fn a_yaml_scalar_stays_as_it_was_written_where_a_text_is_wanted() {
    let host = |written: &str| {
        read("a.yaml", &format!("database:\n  host: {written}\n"))
            .database
            .host
    };
    for written in ["007", "1e3", "true", "1.10", "0x10"] {
        assert_eq!(host(written), written);
    }
    assert_eq!(host("'007'"), "007");
    assert_eq!(host("!!str 7"), "7");
    check_problems(
        "a.yaml",
        "port: '80'\n",
        &["port: expected a whole number, found a text (write it without quotes) (a.yaml:1:7)"],
    );
}

#[test]
fn anchors_stand_for_their_values_within_bounds() {
    let settings = read("a.yaml", "upstreams:\n  a: &u {endpoints: [x]}\n  b: *u\n");
    assert_eq!(settings.upstreams["a"], settings.upstreams["b"]);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..20 {
        let below = format!("*a{}", i - 1);
        let ten = [below.as_str(); 10].join(", ");
        writeln!(bomb, "a{i}: &a{i} [{ten}]").unwrap();
    }
    let folder = Folder::new(&[("a.yaml", &bomb)]);
    let problems = load(&Layers::new().file(folder.path("a.yaml"))).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("not YAML: too many values ("),
        "{problems}"
    );
}

#[test]
fn depth_is_bounded() {
    let deep = "[".repeat(10_000);
    for (name, text) in [
        ("a.yaml", format!("port: {deep}{}", "]".repeat(10_000))),
        (
            "a.json",
            format!("{{\"port\": {deep}{}}}", "]".repeat(10_000)),
        ),
        ("a.toml", format!("port = {deep}{}", "]".repeat(10_000))),
    ] {
        let folder = Folder::new(&[(name, &text)]);
        let problems = load(&Layers::new().file(folder.path(name))).unwrap_err();
        assert!(
            problems.iter().all(|problem| problem.key.is_empty()),
            "{problems}"
        );
    }
}

#[test]
fn a_key_given_twice_is_told() {
    check_problems(
        "a.yaml",
        "port: 1\nport: 2\n",
        &["port: given twice in this file (a.yaml:2:1)"],
    );
    check_problems(
        "a.json",
        "{\"port\": 1,\n \"port\": 2}",
        &["port: given twice in this file (a.json:2:10)"],
    );
}

#[test]
fn what_is_no_table_or_no_known_format_is_told() {
    check_problems(
        "a.json",
        "[1]",
        &["expected a table, found a list (a.json)"],
    );
    check_problems(
        "a.yaml",
        "a: 1\n---\nb: 2\n",
        &["not YAML: one document is expected (a.yaml:3:1)"],
    );
    let folder = Folder::new(&[("a.conf", "")]);
    let problems = load(&Layers::new().file(folder.path("a.conf"))).unwrap_err();
    assert!(
        problems
            .to_string()
            .starts_with("the ending is not one of .toml"),
        "{problems}"
    );
    assert_eq!(read("a.yaml", "# nothing\n"), Settings::default());
}

proptest! {
    #[test]
    fn no_text_panics(text in "([a-z]{1,3}|[\\[\\]{}=:,\"'#&*!|>\\-\n\\\\ .0-9é])*") {
        for name in ["a.toml", "a.yaml", "a.json"] {
            let folder = Folder::new(&[(name, &text)]);
            let _ = load(&Layers::new().file(folder.path(name)));
        }
    }
}
