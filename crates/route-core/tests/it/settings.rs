//! Names and patterns as settings: what they accept, and that their schemas say the same.

use std::collections::BTreeMap;

use route_core::{Condition, HostPattern, MethodToken, RouteId, Template};
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{from_str, json, to_value};

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Settings {
    path: Template,
    methods: Vec<MethodToken>,
    hosts: Vec<HostPattern>,
    headers: BTreeMap<String, Condition>,
}

#[test]
fn settings_come_back_as_they_went() {
    let text = r#"{"one": {"path": "/é/{id}", "methods": ["GET", "PURGE"], "hosts": ["*.A.com"],
        "headers": {"x-a": true, "x-b": "1"}}}"#;
    let read: BTreeMap<RouteId, Settings> = from_str(text).unwrap();
    let written = to_value(&read).unwrap();
    let expected = json!({"one": {"path": "/%C3%A9/{id}", "methods": ["GET", "PURGE"],
        "hosts": ["*.a.com"], "headers": {"x-a": true, "x-b": "1"}}});
    assert_eq!(written, expected);
    assert_eq!(
        from_str::<BTreeMap<RouteId, Settings>>(&written.to_string()).unwrap(),
        read
    );
    assert!(read.contains_key("one"));
}

#[test]
fn errors_say_what_to_write() {
    let error = from_str::<Template>("\"a\"").unwrap_err().to_string();
    assert!(error.contains("write \"/a\""), "{error}");
    let error = from_str::<MethodToken>("\"get\"").unwrap_err().to_string();
    assert!(error.contains("write \"GET\""), "{error}");
    let error = from_str::<MethodToken>("\"TRACE\"")
        .unwrap_err()
        .to_string();
    assert!(error.contains("405"), "{error}");
    let error = from_str::<HostPattern>("\"a.com:80\"")
        .unwrap_err()
        .to_string();
    assert!(error.contains("port"), "{error}");
    let error = from_str::<RouteId>("\"A\"").unwrap_err().to_string();
    assert!(error.contains("lower-case"), "{error}");
}

#[test]
fn the_schema_is_inline_and_keys_have_a_pattern() {
    let schema = to_value(schema_for!(BTreeMap<RouteId, Settings>)).unwrap();
    let pattern = "^(_|_?([a-z0-9-]+_)*[a-z0-9-]+_?)$";
    assert_eq!(
        schema["patternProperties"][pattern]["$ref"],
        "#/$defs/Settings"
    );
    assert_eq!(schema["additionalProperties"], false);
    let properties = &schema["$defs"]["Settings"]["properties"];
    assert_eq!(properties["path"]["type"], "string");
    assert_eq!(properties["hosts"]["items"]["type"], "string");
    assert_eq!(properties["methods"]["items"]["type"], "string");
    assert_eq!(
        properties["headers"]["additionalProperties"]["anyOf"][0]["const"],
        true
    );
}
