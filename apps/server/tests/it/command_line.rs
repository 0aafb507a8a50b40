//! The commands that do not serve.
use crate::origin::nobody;
use crate::program::{Program, say};

#[test]
fn check_shows_what_is_in_force_and_where_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config")).unwrap();
    let file = folder.path().join("config/default.toml");
    std::fs::write(
        file,
        "port = 4000\n[routes.hello]\npath = \"/hello\"\nrespond = { body = \"hi\" }\n",
    )
    .unwrap();
    let said = say(
        folder.path(),
        &["check"],
        &[("HOST", "127.0.0.1"), ("REDIS_HOST", "db")],
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    let row = |key: &str| {
        said.out
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))
            .unwrap_or_else(|| panic!("{key}: {}", said.out))
    };
    assert!(
        row("port").contains("4000") && row("port").contains("config/default.toml:1:8"),
        "{}",
        row("port")
    );
    assert!(row("host").contains("variable HOST"), "{}", row("host"));
    assert!(
        said.err.contains("REDIS_HOST"),
        "a capability that is not there is told: {}",
        said.err
    );
}

#[test]
fn routes_are_a_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let toml = "[routes.hello]\npath = \"/hello/{name}\"\nmethods = [\"GET\"]\nrespond = { body = \"hi\" }\n[routes.away]\npath = \"/away\"\nredirect = { to = \"/hello/x\" }\n";
    std::fs::write(folder.path().join("r.toml"), toml).unwrap();
    let said = say(folder.path(), &["routes", "--config", "r.toml"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", said.out);
    assert!(
        lines[1].contains("hello")
            && lines[1].contains("GET")
            && lines[1].contains("/hello/{name}"),
        "{}",
        said.out
    );
}

#[test]
fn the_schema_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let said = say(folder.path(), &["schema"], &[]);
    assert_eq!(said.code, Some(0));
    let schema: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert!(schema["properties"]["routes"].is_object());
}

#[test]
fn a_starter_configuration_is_sound_and_never_overwrites() {
    let folder = tempfile::tempdir().unwrap();
    let said = say(folder.path(), &["init"], &[]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for stage in ["development", "production"] {
        let said = say(folder.path(), &["check"], &[("APP_ENV", stage)]);
        assert_eq!(said.code, Some(0), "{stage}: {}", said.err);
    }
    let said = say(folder.path(), &["init"], &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("overwrites nothing"), "{}", said.err);
}

#[test]
fn wrong_usage_is_2() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["--nonsense"][..],
        &["--ttl", "5s"],
        &["--upstream", "not an address"],
        &["--upstream", "http://a", "--ttl", "5"],
    ] {
        assert_eq!(
            say(folder.path(), arguments, &[]).code,
            Some(2),
            "{arguments:?}"
        );
    }
    for arguments in [["--help"], ["--version"]] {
        assert_eq!(say(folder.path(), &arguments, &[]).code, Some(0));
    }
}

#[test]
fn health_asks_a_running_server() {
    let program = Program::start("", &[], &[]);
    let folder = tempfile::tempdir().unwrap();
    let url = format!("http://{}/health/ready", program.admin);
    assert_eq!(
        say(folder.path(), &["health", "--url", &url], &[]).code,
        Some(0)
    );
    let port = program.admin.port().to_string();
    assert_eq!(
        say(folder.path(), &["health"], &[("ADMIN_PORT", &port)]).code,
        Some(0)
    );
    let said = say(
        folder.path(),
        &["health", "--url", &format!("http://{}/", nobody())],
        &[],
    );
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cannot reach"), "{}", said.err);
}
