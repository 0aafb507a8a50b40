//! What each environment presets, under every file.
use super::Stage;

const DEVELOPMENT: &str = r#"
[shutdown]
delay = "0s"
"#;

const STAGING: &str = r#"
log_format = "json"
"#;

const PRODUCTION: &str = r#"
log_format = "json"
"#;

/// The built-in profile of an environment, as TOML.
pub fn profile(stage: Stage) -> &'static str {
    match stage {
        Stage::Development => DEVELOPMENT,
        Stage::Staging => STAGING,
        Stage::Production => PRODUCTION,
    }
}
