//! What is in force, and its version.

use config_flags::{Layers, Loaded};

use super::settings::{Settings, load};
use super::{Folder, variables};

#[track_caller]
fn check(
    in_force: &[config_flags::InForce],
    folder: &Folder,
    key: &str,
    value: &str,
    origin: &str,
) {
    let found = in_force.iter().find(|found| found.key == key);
    let found = found.map(|found| (found.value.clone(), folder.short(&found.origin)));
    assert_eq!(found, Some((value.to_owned(), origin.to_owned())), "{key}");
}

#[test]
fn each_key_has_its_value_and_origin() {
    let folder = Folder::new(&[(
        "a.toml",
        "[routes.a]\npath = \"/a\"\ntimeout = 1500\nmethods = [\"GET\"]\nredirect = {to=\"/\", status=302}\ncache = {ttl = \"5m\"}\n",
    )]);
    let layers = Layers::new()
        .profile("development", "log_format = \"json\"")
        .file(folder.path("a.toml"))
        .then(variables(&[("PORT", "7"), ("DB_PASSWORD", "p")]));
    let in_force = load(&layers).unwrap().in_force();
    check(&in_force, &folder, "port", "7", "variable PORT");
    check(
        &in_force,
        &folder,
        "log_format",
        "\"json\"",
        "profile development",
    );
    check(
        &in_force,
        &folder,
        "database.host",
        "\"localhost\"",
        "default",
    );
    check(
        &in_force,
        &folder,
        "database.password",
        "\"***\"",
        "variable DB_PASSWORD",
    );
    check(
        &in_force,
        &folder,
        "database.connection_timeout",
        "\"30s\"",
        "default",
    );
    check(
        &in_force,
        &folder,
        "routes.a.timeout",
        "\"1500ms\"",
        "a.toml:3:11",
    );
    check(
        &in_force,
        &folder,
        "routes.a.methods",
        "[\"GET\"]",
        "a.toml:4:11",
    );
    check(
        &in_force,
        &folder,
        "routes.a.cache.ttl",
        "\"5m\"",
        "a.toml:6:16",
    );
    assert!(
        !in_force
            .iter()
            .any(|found| found.key == "routes.a.rewrite" || found.key == "upstreams")
    );
    assert!(in_force.is_sorted_by(|a, b| a.key < b.key));
}

#[test]
fn the_version_follows_the_settings_and_not_the_way_they_came() {
    let version = |layers: Layers| load(&layers).unwrap().version();
    let folder = Folder::new(&[
        ("a.toml", "port = 7\n"),
        ("b.yaml", "# spelt otherwise\nport: 7\n"),
    ]);
    let seven = version(variables(&[("PORT", "7")]));
    assert_eq!(seven.len(), 16);
    assert_eq!(seven, version(Layers::new().file(folder.path("a.toml"))));
    assert_eq!(seven, version(Layers::new().file(folder.path("b.yaml"))));
    assert_ne!(seven, version(variables(&[("PORT", "8")])));
    assert_ne!(
        seven,
        version(variables(&[
            ("PORT", "7"),
            ("URM__FLAGS__X__ENABLED", "true")
        ]))
    );
    // An empty table is not an absent one.
    let off = version(Layers::new());
    assert_ne!(
        off,
        version(variables(&[("URM__ROUTE_DEFAULTS__CACHE__TTL", "0s")]))
    );
}

#[test]
fn a_secret_is_not_in_the_version_but_in_the_comparison() {
    let one = load(&variables(&[("DB_PASSWORD", "a")])).unwrap();
    let other = load(&variables(&[("DB_PASSWORD", "b")])).unwrap();
    assert_eq!(one.version(), other.version());
    assert_ne!(one.settings, other.settings);
}

#[test]
fn what_was_loaded_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Loaded<Settings>>();
    shared::<config_flags::Problems>();
    shared::<Layers>();
}
