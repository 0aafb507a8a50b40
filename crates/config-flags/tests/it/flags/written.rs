//! Flags as people write them: parsing, validation, schema.

use std::collections::BTreeMap;

use config_flags::{FlagDefinition, FlagName, FlagSettings};
use validator::Validate;

use super::share;

fn flag(toml: &str) -> FlagDefinition {
    toml::from_str(toml).unwrap()
}

#[test]
fn a_flag_is_read() {
    let read = flag(
        r#"
        enabled = true
        description = "New checkout"
        [conditions]
        environments = ["staging", "production"]
        segments = "beta"
        percentage = 12.5
        "#,
    );
    assert!(read.enabled);
    assert_eq!(read.description, "New checkout");
    let conditions = &read.conditions;
    assert_eq!(
        conditions.environments().unwrap().words(),
        ["staging", "production"]
    );
    assert_eq!(conditions.segments().unwrap().words(), ["beta"]);
    assert_eq!(conditions.percentage, Some(12.5));
    assert!(read.validate().is_ok());
}

#[test]
fn what_is_left_out_is_off_and_open() {
    let read = flag("");
    assert!(!read.enabled && read.conditions.is_empty());
}

#[test]
fn a_flag_survives_being_written() {
    let written =
        flag("enabled = true\n[conditions]\nuser_segments = ['a', 'b']\npercentage = 0.001");
    let json = serde_json::to_string(&written).unwrap();
    assert_eq!(
        json,
        r#"{"enabled":true,"conditions":{"user_segments":["a","b"],"percentage":0.001}}"#,
    );
    assert_eq!(
        serde_json::from_str::<FlagDefinition>(&json).unwrap(),
        written
    );
}

#[test]
fn a_percentage_is_a_share_in_steps() {
    #[track_caller]
    fn check(percentage: f64, sound: bool) {
        let flag = FlagDefinition::when(share(percentage));
        assert_eq!(flag.validate().is_ok(), sound);
    }
    for sound in [0.0, 0.001, 12.5, 33.333, 66.667, 99.999, 100.0] {
        check(sound, true);
    }
    for fault in [-0.001, 100.001, 0.0005, 12.3456, f64::NAN, f64::INFINITY] {
        check(fault, false);
    }
}

#[test]
fn every_step_is_a_sound_percentage() {
    for steps in 0..=100_000_u32 {
        let text = format!("{}.{:03}", steps / 1000, steps % 1000);
        let percentage: f64 = text.parse().unwrap();
        assert!(
            FlagDefinition::when(share(percentage)).validate().is_ok(),
            "{text}"
        );
    }
}

#[test]
fn one_condition_has_one_spelling() {
    for twice in [
        "[conditions]\nenvironment = 'a'\nenvironments = ['a']",
        "[conditions]\nsegments = ['a']\nuser_segments = ['a']",
    ] {
        let problem = flag(twice).validate().unwrap_err().to_string();
        assert!(problem.contains("are one condition"), "{problem}");
    }
}

#[test]
fn names_keep_to_their_pattern() {
    for sound in ["a", "checkout-v2", "new_ui", "2fa", &"a".repeat(100)] {
        assert_eq!(FlagName::new(sound).unwrap().as_str(), sound);
    }
    for fault in [
        "",
        "-a",
        "_a",
        "A",
        "a b",
        "a__b",
        "a.b",
        "ä",
        &"a".repeat(101),
    ] {
        assert!(FlagName::new(fault).is_err(), "{fault}");
    }
    assert!(toml::from_str::<BTreeMap<FlagName, FlagDefinition>>("[Bad]").is_err());
}

#[test]
fn the_schema_names_what_can_be_written() {
    let schema = schemars::schema_for!(BTreeMap<FlagName, FlagDefinition>).to_value();
    let text = schema.to_string();
    assert!(text.contains("patternProperties"), "{text}");
    for key in [
        "environments",
        "environment",
        "segments",
        "user_segments",
        "percentage",
    ] {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
    let conditions = &schema["$defs"]["Conditions"]["properties"];
    assert_eq!(conditions["percentage"]["maximum"], 100.0);
    assert!(
        conditions["environments"]["anyOf"].is_array(),
        "{conditions}"
    );
}

#[test]
fn settings_are_read() {
    let settings: FlagSettings = toml::from_str("sticky = { cookie = 'sid' }").unwrap();
    assert!(settings.validate().is_ok());
    assert_eq!(settings.sticky.unwrap().cookie.as_deref(), Some("sid"));
}
