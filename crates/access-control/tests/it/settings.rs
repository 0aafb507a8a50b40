//! Settings as they are written, and what is told where they are wrong.

use access_control::{
    AllowedOrigin, CorsError, CorsPolicy, CorsSettings, ForwardedField, TrustSettings,
    TrustedProxies,
};
use serde_json::{Value, json};
use validator::Validate;

fn trust(value: Value) -> Result<TrustSettings, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn trust_is_nobody_by_default() {
    let settings = trust(json!({})).unwrap();
    assert_eq!(settings, TrustSettings::default());
    assert_eq!(settings.trusted_proxies, TrustedProxies::None);
    assert_eq!(settings.forwarded_field, ForwardedField::XForwardedFor);
}

#[test]
fn trust_is_read_and_written_back() {
    for value in [
        json!({"trusted_proxies": "none", "forwarded_field": "forwarded", "forwarded_trust": ["x-forwarded-host"]}),
        json!({"trusted_proxies": "private", "forwarded_field": "x-forwarded-for", "forwarded_trust": []}),
        json!({"trusted_proxies": ["10.0.0.0/8", "::1"], "forwarded_field": "forwarded", "forwarded_trust": []}),
    ] {
        let settings = trust(value.clone()).unwrap();
        settings.validate().unwrap();
        assert_eq!(serde_json::to_value(settings).unwrap(), value);
    }
}

#[test]
fn a_text_of_commas_is_a_list_too() {
    let listed = |value| {
        trust(json!({"trusted_proxies": value}))
            .unwrap()
            .trusted_proxies
    };
    assert_eq!(
        listed(json!("10.0.0.0/8, ::1,")),
        listed(json!(["10.0.0.0/8", "::1"]))
    );
    assert!(
        trust(json!({"trusted_proxies": ""})).is_err(),
        "nobody is written as none"
    );
}

#[test]
fn a_fault_in_trust_is_told_with_its_reason() {
    for (value, reason) in [
        (
            json!({"trusted_proxies": "public"}),
            "\"public\" is neither none nor private nor a list",
        ),
        (
            json!({"trusted_proxies": true}),
            "expected none, private, or a list",
        ),
        (
            json!({"trusted_proxies": ["10.0.0.1/8"]}),
            "bits beyond its prefix",
        ),
        (
            json!({"trusted_proxies": ["proxy"]}),
            "neither an address nor a range",
        ),
        (json!({"forwarded_field": "x-real-ip"}), "unknown variant"),
        (
            json!({"forwarded_trust": ["x forwarded"]}),
            "no name of a header field",
        ),
    ] {
        let error = trust(value.clone()).unwrap_err();
        assert!(error.contains(reason), "{value}: {error}");
    }
    for (name, reason) in [
        ("x-forwarded-for", "what forwarded_field chooses"),
        ("forwarded", "what forwarded_field chooses"),
        ("x-client", "not one of the X-Forwarded-* fields"),
    ] {
        let settings = trust(json!({"forwarded_trust": [name]})).unwrap();
        let error = settings.validate().unwrap_err().to_string();
        assert!(error.contains(reason), "{name}: {error}");
    }
}

fn cors(value: Value) -> Result<CorsSettings, String> {
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn cors_is_a_switch_or_a_table() {
    assert_eq!(cors(json!(true)).unwrap(), CorsSettings::Switch(true));
    assert_eq!(cors(json!(false)).unwrap(), CorsSettings::default());
    let value = json!({
        "origins": ["https://*.example.com", "http://localhost:3000", "*"],
        "methods": ["GET"],
        "headers": ["content-type"],
        "expose": ["etag"],
        "credentials": false,
        "max_age": {"secs": 600, "nanos": 0},
    });
    let settings = cors(value.clone()).unwrap();
    settings.validate().unwrap();
    assert_eq!(serde_json::to_value(settings).unwrap(), value);
}

#[test]
fn a_fault_in_cors_is_told_with_its_reason() {
    for (value, reason) in [
        (json!("yes"), "expected true, false, or a table"),
        (json!({"origins": ["app.example.com"]}), "it needs a scheme"),
        (
            json!({"origins": ["https://app.example.com/"]}),
            "it has a path",
        ),
        (json!({"methods": ["*"]}), r#""*" is no request method"#),
        (
            json!({"headers": ["a b"]}),
            r#""a b" is no name of a header field"#,
        ),
        (json!({"credentials": "yes"}), "expected a boolean"),
    ] {
        let error = cors(value.clone()).unwrap_err();
        assert!(error.contains(reason), "{value}: {error}");
    }
}

#[test]
fn credentials_never_go_with_a_wildcard() {
    let compile = |table: Value, defaults: &[AllowedOrigin]| {
        let settings = cors(table).unwrap();
        CorsPolicy::compile(&settings, defaults).map(|policy| policy.is_some())
    };
    let any: [AllowedOrigin; 1] = ["*".parse().unwrap()];
    for (table, defaults, key) in [
        (
            json!({"credentials": true, "origins": ["*"]}),
            &[][..],
            "origins",
        ),
        (json!({"credentials": true}), &any[..], "origins"),
        (
            json!({"credentials": true, "headers": ["*"]}),
            &[],
            "headers",
        ),
        (json!({"credentials": true, "expose": ["*"]}), &[], "expose"),
    ] {
        let error = compile(table, defaults).unwrap_err();
        assert_eq!(error, CorsError::CredentialsWithWildcard { key });
        assert!(error.to_string().ends_with(&format!("and {key} has *")));
    }
    assert_eq!(
        compile(
            json!({"credentials": true, "origins": ["https://*.example.com"]}),
            &any
        ),
        Ok(true)
    );
    assert_eq!(
        compile(json!({"origins": ["*"], "headers": ["*"]}), &[]),
        Ok(true)
    );
    assert_eq!(compile(json!(false), &any), Ok(false));
}

#[test]
fn the_schema_says_what_may_be_written() {
    let schema = serde_json::to_value(schemars::schema_for!(TrustSettings)).unwrap();
    let proxies = &schema["properties"]["trusted_proxies"]["anyOf"];
    assert_eq!(proxies[0]["type"], "string");
    assert_eq!(proxies[1]["items"]["type"], "string");
    for key in ["trusted_proxies", "forwarded_field", "forwarded_trust"] {
        assert!(
            schema["properties"][key]["description"].is_string(),
            "{key}"
        );
    }

    let schema = serde_json::to_value(schemars::schema_for!(CorsSettings)).unwrap();
    assert_eq!(schema["anyOf"][0]["type"], "boolean");
    let table = &schema["$defs"]["CorsTable"]["properties"];
    for key in [
        "origins",
        "methods",
        "headers",
        "expose",
        "credentials",
        "max_age",
    ] {
        assert!(table[key]["description"].is_string(), "{key}");
    }
}
