//! Configurations with mistakes: each is told with its key and place, and nothing starts.
use std::fs;
use std::net::TcpListener;

use crate::program::{Program, say};

const TEN_MISTAKES: &str = r#"
prot = 3000
log_level = "loud"

[http]
workers = 0
max_head = "32 parsecs"

[upstreams.catalog]
endpoints = ["https://127.0.0.1:4001"]

[routes.product]
path = "products"
upstream = "catalog"

[routes.typo]
path = "/typo"
upstraem = "catalog"

[routes.nowhere]
path = "/nowhere"
upstream = "katalog"

[routes.slow]
path = "/slow"
upstream = "catalog"
timeout = "5 parsecs"

[routes.cached]
path = "/cached"
upstream = "catalog"
cache = { tll = "5s" }
"#;

#[test]
fn every_mistake_is_a_line_with_key_message_and_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.toml"), TEN_MISTAKES).unwrap();
    for arguments in [
        &["check", "--config", "bad.toml"][..],
        &["--config", "bad.toml"],
    ] {
        let said = say(folder.path(), arguments, &[]);
        assert_eq!(said.code, Some(1), "{}", said.err);
        let expected = [
            ("prot", "bad.toml:2:1"),
            ("log_level", "bad.toml:3:13"),
            ("http.workers", "bad.toml:6:11"),
            ("http.max_head", "bad.toml:7:12"),
            ("upstreams.catalog.endpoints[0]", "bad.toml:10:14"),
            ("routes.product.path", "bad.toml:13:8"),
            ("routes.typo.upstraem", "bad.toml:18:1"),
            ("routes.nowhere.upstream", "bad.toml:22:12"),
            ("routes.slow.timeout", "bad.toml:27:11"),
            ("routes.cached.cache.tll", "bad.toml:32:11"),
        ];
        for (key, place) in expected {
            let told = said.err.lines().any(|line| {
                line.starts_with(&format!("{key}: ")) && line.ends_with(&format!("({place})"))
            });
            assert!(told, "{key} at {place} is not told:\n{}", said.err);
        }
        assert!(
            said.err.contains("katalog") && said.err.contains("catalog"),
            "{}",
            said.err
        );
        assert_eq!(said.err.lines().count(), expected.len(), "{}", said.err);
    }
}

#[test]
fn rules_over_all_settings_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let toml = r#"
[routes.a]
path = "/x/{id}"
respond = { body = "a" }

[routes.b]
path = "/x/{name}"
respond = { body = "b" }

[routes.both]
path = "/both"
respond = { body = "b" }
redirect = { to = "/x" }
"#;
    fs::write(folder.path().join("bad.toml"), toml).unwrap();
    let said = say(folder.path(), &["check", "--config", "bad.toml"], &[]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.err.contains("routes.both") && said.err.contains("exactly one is required"),
        "{}",
        said.err
    );
    let conflict = said
        .err
        .lines()
        .find(|line| line.starts_with("routes.b:"))
        .unwrap_or_else(|| panic!("{}", said.err));
    assert!(
        conflict.contains('a') && conflict.contains("bad.toml:"),
        "{conflict}"
    );
}

#[test]
fn a_missing_file_and_a_missing_folder_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let said = say(folder.path(), &["--config", "nowhere.toml"], &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("nowhere.toml"), "{}", said.err);
    let said = say(folder.path(), &["--config-dir", "nowhere"], &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("nowhere"), "{}", said.err);
}

#[test]
fn an_occupied_port_is_named_whoever_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let foreign = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let ours = Program::start("", &[], &[]);
    for port in [foreign.local_addr().unwrap().port(), ours.gateway.port()] {
        let port = port.to_string();
        let said = say(
            folder.path(),
            &[],
            &[("HOST", "127.0.0.1"), ("PORT", &port), ("ADMIN_PORT", "0")],
        );
        assert_eq!(said.code, Some(1), "{}", said.err);
        assert!(
            said.err.contains(&port) && said.err.contains("another port"),
            "{}",
            said.err
        );
    }
    let port = ours.admin.port().to_string();
    let said = say(
        folder.path(),
        &[],
        &[("HOST", "127.0.0.1"), ("PORT", "0"), ("ADMIN_PORT", &port)],
    );
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(
        said.err.contains(&port) && said.err.contains("admin"),
        "{}",
        said.err
    );
}

#[test]
fn variables_are_checked_like_files() {
    let folder = tempfile::tempdir().unwrap();
    let said = say(
        folder.path(),
        &["check"],
        &[("PORT", "many"), ("URM__ROUTES__X__PTAH", "/x")],
    );
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .lines()
            .any(|line| line.starts_with("port: ") && line.contains("PORT")),
        "{}",
        said.err
    );
    assert!(said.err.contains("URM__ROUTES__X__PTAH"), "{}", said.err);
}
