//! Later layers win, key by key.

use config_flags::Layers;

use super::settings::{LogFormat, load};
use super::{Folder, variables};

#[test]
fn layers_merge_by_key_and_the_winner_is_named() {
    let folder = Folder::new(&[
        (
            "low.toml",
            "port = 1\n[routes.a-b]\npath = \"/a\"\nredirect = {to=\"/\", status=302}\n",
        ),
        ("high.yaml", "routes: {a_b: {path: /b}}\n"),
    ]);
    let layers = Layers::new()
        .file(folder.path("low.toml"))
        .file(folder.path("high.yaml"))
        .then(variables(&[("URM__ROUTES__A_B__MAX_BODY", "1KiB")]))
        .flag("--port", "port", "9");
    let loaded = load(&layers).unwrap();
    let origin = |key: &str| loaded.origin(key).map(|origin| folder.short(&origin));
    assert_eq!(loaded.settings.port, 9);
    assert_eq!(origin("port").as_deref(), Some("--port"));
    assert_eq!(origin("routes.a-b.path").as_deref(), Some("high.yaml:1:22"));
    assert_eq!(
        origin("routes.a-b.redirect.to").as_deref(),
        Some("low.toml:4:16")
    );
    assert_eq!(
        origin("routes.a-b.max_body").as_deref(),
        Some("variable URM__ROUTES__A_B__MAX_BODY")
    );
    assert_eq!(origin("routes.a-b.timeout"), None);
    assert!(loaded.is_set("routes.a-b.max_body") && !loaded.is_set("routes.a-b.timeout"));
    let files: Vec<_> = loaded.files().collect();
    assert_eq!(files, [folder.path("low.toml"), folder.path("high.yaml")]);
}

#[test]
fn a_list_is_replaced_whole() {
    let folder = Folder::new(&[
        ("low.toml", "[security]\ncors_origins = [\"a\", \"b\"]\n"),
        ("high.toml", "[security]\ncors_origins = [\"c\"]\n"),
    ]);
    let layers = Layers::new()
        .file(folder.path("low.toml"))
        .file(folder.path("high.toml"));
    assert_eq!(load(&layers).unwrap().settings.security.cors_origins, ["c"]);
}

#[test]
fn a_folder_has_three_files_each_optional() {
    let folder = Folder::new(&[
        (
            "default.toml",
            "port = 1\nlog_format = \"json\"\n[database]\nport = 1\nmax_connections = 1\n",
        ),
        (
            "production.toml",
            "[database]\nport = 2\nmax_connections = 2\n",
        ),
        ("local.toml", "[database]\nmax_connections = 3\n"),
        ("staging.toml", "nonsense"),
    ]);
    let loaded = load(&Layers::new().folder(folder.path(""), "production")).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.port, 1);
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(
        (settings.database.port, settings.database.max_connections),
        (2, 3)
    );
    assert_eq!(loaded.files().count(), 3);
    let empty = Folder::new(&[]);
    assert!(load(&Layers::new().folder(empty.path(""), "production")).is_ok());
}

#[test]
fn an_environment_does_not_lead_out_of_the_folder() {
    let layers = Layers::new().folder_if_there("config", "../etc/passwd");
    let files: Vec<_> = layers.files().collect();
    assert_eq!(
        files,
        ["config/default.toml", "config/local.toml"].map(std::path::Path::new)
    );
}

#[test]
fn what_was_asked_for_must_be_there() {
    let folder = Folder::new(&[]);
    let layers = Layers::new()
        .folder(folder.path("gone"), "production")
        .file(folder.path("gone.toml"));
    let problems = load(&layers).unwrap_err().to_string();
    let told = folder.short(&problems);
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[0], "there is no such folder (gone)");
    assert!(
        told[1].starts_with("cannot be read: ") && told[1].ends_with("(gone.toml)"),
        "{told:?}"
    );
    assert!(load(&Layers::new().folder_if_there(folder.path("gone"), "production")).is_ok());
    assert!(load(&Layers::new().file_if_there(folder.path("gone.toml"))).is_ok());
}

#[test]
fn a_profile_is_no_person() {
    let layers = Layers::new().profile(
        "production",
        "log_format = \"json\"\n[database]\nport = 1\n",
    );
    let loaded = load(&layers).unwrap();
    assert_eq!(loaded.settings.log_format, LogFormat::Json);
    assert_eq!(loaded.origin("log_format").unwrap(), "profile production");
    assert!(!loaded.is_set("log_format") && !loaded.is_set("database"));
    let loaded = load(&layers.then(variables(&[("DB_HOST", "x")]))).unwrap();
    assert!(loaded.is_set("database") && loaded.is_set("database.host"));
    assert!(!loaded.is_set("database.port") && !loaded.is_set("security"));
}

#[track_caller]
fn check_environment(above: &Layers, folder: Option<&std::path::Path>, expected: Option<&str>) {
    assert_eq!(
        above.environment_of("environment", folder).as_deref(),
        expected
    );
}

#[test]
fn the_environment_is_known_before_the_layers_are() {
    let folder = Folder::new(&[
        ("default.toml", "environment = \"staging\"\n"),
        ("extra.toml", "environment = \"production\"\n"),
        ("broken.toml", "environment = \n"),
    ]);
    let config = folder.path("");
    check_environment(&Layers::new(), None, None);
    check_environment(&Layers::new(), Some(&config), Some("staging"));
    check_environment(
        &Layers::new().file(folder.path("extra.toml")),
        Some(&config),
        Some("production"),
    );
    check_environment(
        &Layers::new().file(folder.path("broken.toml")),
        Some(&config),
        Some("staging"),
    );
    check_environment(
        &variables(&[("NODE_ENV", "production")]),
        Some(&config),
        Some("production"),
    );
    check_environment(
        &variables(&[("NODE_ENV", "x"), ("APP_ENV", "production")]),
        Some(&config),
        Some("production"),
    );
    check_environment(
        &variables(&[("URM__ENVIRONMENT", "production")]),
        Some(&config),
        Some("production"),
    );
    check_environment(
        &variables(&[("APP_ENV", "x")]).flag("--env", "environment", "production"),
        None,
        Some("production"),
    );
}

#[test]
fn a_template_lies_beneath_every_entry() {
    let text = "[route_defaults]\ntimeout = \"9s\"\nmax-body = 7\ncache = { ttl = \"1s\", tags = [\"t\"] }\n[routes.a]\npath = \"/a\"\nredirect = {to=\"/\", status=302}\n[routes.b]\npath = \"/b\"\ntimeout = \"1s\"\nredirect = {to=\"/\", status=302}\ncache = false\n[routes.c]\npath = \"/c\"\nredirect = {to=\"/\", status=302}\ncache = { ttl = \"2s\" }\n";
    let folder = Folder::new(&[("a.toml", text)]);
    let layers = Layers::new()
        .file(folder.path("a.toml"))
        .beneath("route_defaults", "routes");
    let loaded = load(&layers).unwrap();
    let routes = &loaded.settings.routes;
    assert_eq!(routes["a"].timeout.unwrap().as_secs(), 9);
    assert_eq!(routes["a"].max_body, Some(7));
    assert_eq!(routes["b"].timeout.unwrap().as_secs(), 1);
    let shown = |name: &str| serde_json::to_value(&routes[name].cache).unwrap();
    assert_eq!(shown("b"), false);
    assert_eq!(shown("c")["ttl"]["secs"], 2);
    assert_eq!(shown("c")["tags"][0], "t");
    assert!(
        loaded
            .origin("routes.a.timeout")
            .unwrap()
            .ends_with("a.toml:2:11")
    );
}
