//! Variables and flags.

use std::fs;

use config_flags::Layers;

use super::settings::{Stage, load};
use super::{Folder, variables};

#[track_caller]
fn check_problem(set: &[(&str, &str)], expected: &str) {
    let problems = load(&variables(set)).expect_err("sound");
    assert_eq!(problems.to_string(), expected);
}

#[test]
fn texts_stay_what_they_are() {
    let texts = [
        "007", "1e3", "true", "a,b", "\"q\"", "a=b", "ä€", " x ", "[1]", "null", "tcp://x",
    ];
    for text in texts {
        let loaded = load(&variables(&[("DB_PASSWORD", text), ("DB_HOST", text)])).unwrap();
        let database = &loaded.settings.database;
        assert_eq!(database.password.as_ref().unwrap().expose(), text);
        assert_eq!(database.host, text);
    }
}

#[test]
fn others_take_the_type_that_is_asked_for() {
    let loaded = load(&variables(&[
        ("PORT", "8080"),
        ("DB_SSL", "1"),
        ("CORS_ORIGINS", "http://a, http://b,"),
        ("URM__DATABASE__CONNECTION_TIMEOUT", "1500"),
        ("URM__CACHE__MEMORY", "2MiB"),
        ("URM__FLAGS__X__CONDITIONS__PERCENTAGE", "12.5"),
        ("URM__UPSTREAMS__U__ENDPOINTS", "http://a,http://b"),
        ("URM__ROUTE_DEFAULTS__CACHE", "false"),
        ("URM__CACHE__POLICY", "lru"),
    ]))
    .unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.port, 8080);
    assert!(settings.database.ssl);
    assert_eq!(settings.security.cors_origins, ["http://a", "http://b"]);
    assert_eq!(settings.database.connection_timeout.as_millis(), 1500);
    assert_eq!(settings.cache.memory, Some(2 << 20));
    assert_eq!(settings.flags["x"].conditions.percentage, Some(12.5));
    assert_eq!(settings.upstreams["u"].endpoints.len(), 2);
}

#[test]
fn one_that_does_not_parse_is_a_problem() {
    check_problem(
        &[("PORT", "http")],
        "port: \"http\" is not a whole number (variable PORT)",
    );
    check_problem(
        &[("DB_SSL", "maybe")],
        "database.ssl: \"maybe\" is not true or false (variable DB_SSL)",
    );
    check_problem(
        &[("URM__CACHE", "x")],
        "cache: expected a table; name the key below it (variable URM__CACHE)",
    );
    check_problem(
        &[("URM__DATABSE__HOST", "x")],
        "databse: unknown key, did you mean database? (variable URM__DATABSE__HOST)",
    );
}

#[test]
fn an_empty_one_is_unset() {
    let loaded = load(&variables(&[
        ("PORT", ""),
        ("URM__DATABASE__PORT", ""),
        ("NODE_ENV", ""),
    ]))
    .unwrap();
    assert!(!loaded.is_set("port") && !loaded.is_set("database.port"));
}

#[test]
fn of_two_for_one_key_the_earlier_in_the_table_wins_and_the_prefix_over_both() {
    let set = [("NODE_ENV", "staging"), ("APP_ENV", "production")];
    assert_eq!(
        load(&variables(&set)).unwrap().settings.environment,
        Stage::Production
    );
    let set = [("NODE_ENV", "staging"), ("URM__ENVIRONMENT", "production")];
    let loaded = load(&variables(&set)).unwrap();
    assert_eq!(loaded.settings.environment, Stage::Production);
    assert_eq!(
        loaded.origin("environment").unwrap(),
        "variable URM__ENVIRONMENT"
    );
}

#[test]
fn a_file_may_hold_the_value() {
    let folder = Folder::new(&[("secret", "hunter2\n"), ("two", "hunter2\r\n\n")]);
    let path = |name: &str| folder.path(name).display().to_string();
    let password = |name: &str, file: &str| {
        let loaded = load(&variables(&[(name, &path(file))])).unwrap();
        loaded
            .settings
            .database
            .password
            .unwrap()
            .expose()
            .to_owned()
    };
    assert_eq!(password("DB_PASSWORD_FILE", "secret"), "hunter2");
    assert_eq!(
        password("URM__DATABASE__PASSWORD_FILE", "secret"),
        "hunter2"
    );
    assert_eq!(password("DB_PASSWORD_FILE", "two"), "hunter2\r\n");

    let loaded = load(&variables(&[("DB_PASSWORD_FILE", &path("secret"))])).unwrap();
    let origin = loaded.origin("database.password").unwrap();
    assert_eq!(
        folder.short(&origin),
        "variable DB_PASSWORD_FILE, file secret"
    );

    let problems = load(&variables(&[("DB_PASSWORD_FILE", &path("gone"))])).unwrap_err();
    let told = folder.short(&problems.to_string());
    assert!(
        told.starts_with("database.password: cannot be read: "),
        "{told}"
    );
    assert!(
        told.ends_with("(variable DB_PASSWORD_FILE, file gone)"),
        "{told}"
    );
}

#[test]
fn a_value_and_a_file_are_a_problem() {
    check_problem(
        &[("DB_PASSWORD", "a"), ("DB_PASSWORD_FILE", "/b")],
        "database.password: DB_PASSWORD and DB_PASSWORD_FILE are both set (variable DB_PASSWORD_FILE)",
    );
    check_problem(
        &[
            ("URM__DATABASE__PASSWORD", "a"),
            ("URM__DATABASE__PASSWORD_FILE", "/b"),
        ],
        "database.password: URM__DATABASE__PASSWORD and URM__DATABASE__PASSWORD_FILE are both set (variable URM__DATABASE__PASSWORD_FILE)",
    );
    check_problem(
        &[("URM__PORT", "1"), ("urm__port", "2")],
        "port: URM__PORT and urm__port are both set (variable urm__port)",
    );
}

#[test]
fn the_addresses_of_services_are_passed_over() {
    let loaded = load(&variables(&[("DB_PORT", "tcp://10.0.0.1:5432")])).unwrap();
    assert_eq!(loaded.settings.database.port, 5432);
    let told: Vec<String> = loaded.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "database.port: DB_PORT is passed over: it is the address that the platform gives a service of that name (variable DB_PORT)"
        ]
    );
}

#[test]
fn a_variable_of_a_capability_that_is_lacking_is_passed_over_and_a_key_is_not() {
    let loaded = load(&variables(&[("REDIS_HOST", "cache")])).unwrap();
    let told: Vec<String> = loaded.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["redis.host: REDIS_HOST is passed over: this build has no redis (variable REDIS_HOST)"]
    );

    let problems = load(&variables(&[
        ("REDIS_HOST", "cache"),
        ("URM__REDIS__HOST", "cache"),
    ]))
    .unwrap_err();
    assert_eq!(
        problems.to_string(),
        "redis: unknown key (variable URM__REDIS__HOST)"
    );
    assert_eq!(problems.warnings().len(), 1);
}

#[test]
fn names_in_variables_mean_the_entries_that_are_there() {
    let text = "[routes.a-b]\npath = \"/a\"\nredirect = { to = \"/\", status = 302 }\n[routes.a-b.request_headers]\nX-Foo = \"1\"\n";
    let folder = Folder::new(&[("a.toml", text)]);
    let layers = Layers::new().file(folder.path("a.toml")).then(variables(&[
        ("URM__ROUTES__A_B__TIMEOUT", "5s"),
        ("URM__ROUTES__A_B__REQUEST_HEADERS__X-Foo", "2"),
        ("URM__FLAGS__NEW_ONE__ENABLED", "true"),
    ]));
    let loaded = load(&layers).unwrap();
    let route = &loaded.settings.routes["a-b"];
    assert_eq!(route.timeout.unwrap().as_secs(), 5);
    assert_eq!(route.request_headers["X-Foo"], "2");
    assert!(loaded.settings.flags["new_one"].enabled);
}

#[test]
fn flags_are_on_top_and_a_duration_needs_its_unit_there() {
    let layers = variables(&[("PORT", "1")]).flag("--port", "port", "2");
    let loaded = load(&layers).unwrap();
    assert_eq!(
        (
            loaded.settings.port,
            loaded.origin("port").unwrap().as_str()
        ),
        (2, "--port")
    );

    let layers = Layers::new().flag("--wait", "database.connection_timeout", "5");
    assert_eq!(
        load(&layers).unwrap_err().to_string(),
        "database.connection_timeout: 5 needs a unit here, such as 5ms or 5s (--wait)"
    );
    let layers = Layers::new().flag("--wait", "database.connection_timeout", "5s");
    assert_eq!(
        load(&layers)
            .unwrap()
            .settings
            .database
            .connection_timeout
            .as_secs(),
        5
    );
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_a_problem() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let value = OsString::from_vec(vec![0xff]);
    let set = [("DB_HOST", value.clone()), ("UNRELATED", value)];
    let environment = config_flags::Environment::new("URM", super::WELL_KNOWN, set);
    let problems = load(&Layers::new().environment(environment)).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "database.host: is not valid UTF-8 (variable DB_HOST)"
    );
}

#[test]
fn files_are_read_anew_each_time() {
    let folder = Folder::new(&[("a.toml", "port = 1")]);
    let layers = Layers::new().file(folder.path("a.toml"));
    assert_eq!(load(&layers).unwrap().settings.port, 1);
    fs::write(folder.path("a.toml"), "port = 2").unwrap();
    assert_eq!(load(&layers).unwrap().settings.port, 2);
}
