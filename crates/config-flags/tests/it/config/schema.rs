//! The published schema agrees with what is loaded.

use config_flags::{Layers, published_schema};

use super::Folder;
use super::settings::{Settings, load};

/// A file must be sound, or not, to an editor as it is to the program.
#[track_caller]
fn check(json: &str, sound: bool) {
    let schema = serde_json::from_str(&published_schema::<Settings>()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let instance = serde_json::from_str(json).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(&instance)
        .map(|e| e.to_string())
        .collect();
    assert_eq!(errors.is_empty(), sound, "editor: {json} {errors:?}");
    let folder = Folder::new(&[("a.json", json)]);
    let loaded = load(&Layers::new().file(folder.path("a.json")));
    assert_eq!(loaded.is_ok(), sound, "program: {json} {loaded:?}");
}

#[test]
fn sound_files_are_sound_to_both() {
    check(r#"{"$schema": "x"}"#, true);
    check(
        r#"{"port": 80, "environment": "production", "log_format": "json"}"#,
        true,
    );
    check(
        r#"{"database": {"connection_timeout": 1500, "password": "x"}}"#,
        true,
    );
    check(r#"{"database": {"connection_timeout": "1.5s"}}"#, true);
    check(
        r#"{"cache": {"memory": "64MiB", "policy": "s3-fifo"}}"#,
        true,
    );
    check(r#"{"cache": {"memory": null}}"#, true);
    check(
        r#"{"upstreams": {"u-1": {"endpoints": ["x", {"url": "y", "weight": 1}]}},
            "routes": {"a": {"path": "/", "upstream": "u-1", "cache": false, "timeout": "5s", "max_body": "1KiB"}}}"#,
        true,
    );
}

#[test]
fn faults_are_faults_to_both() {
    check(r#"{"prot": 80}"#, false);
    check(r#"{"port": "80"}"#, false);
    check(r#"{"port": 70000}"#, false);
    check(r#"{"environment": "prod"}"#, false);
    check(r#"{"log_format": "xml"}"#, false);
    check(
        r#"{"database": {"connection_timeout": "5 parsecs"}}"#,
        false,
    );
    check(r#"{"database": {"connection_timeout": -1}}"#, false);
    check(
        r#"{"database": {"connection_timeout": {"secs": 1, "nanos": 0}}}"#,
        false,
    );
    check(r#"{"database": {"max_connections": 0}}"#, false);
    check(r#"{"security": {"jwt_secret": "short"}}"#, false);
    check(r#"{"cache": {"memory": "64 mb"}}"#, false);
    check(r#"{"upstreams": {"u": {}}}"#, false);
    check(r#"{"upstreams": {"u": {"endpoints": []}}}"#, false);
    check(
        r#"{"upstreams": {"Not A Name": {"endpoints": ["x"]}}}"#,
        false,
    );
}

#[test]
fn defaults_and_descriptions_are_there_for_people() {
    let schema: serde_json::Value = serde_json::from_str(&published_schema::<Settings>()).unwrap();
    let database = &schema["$defs"]["Database"]["properties"];
    assert_eq!(database["connection_timeout"]["default"], "30s");
    assert_eq!(database["password"]["writeOnly"], true);
    assert_eq!(schema["$defs"]["Database"]["additionalProperties"], false);
}
