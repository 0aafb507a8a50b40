//! `urm check` and `urm schema`.
use std::process::ExitCode;

use super::Arguments;
use super::report::{print, tell};
use crate::config;
use crate::settings::Settings;

/// Loads and validates everything; prints what is in force and where each value came from.
pub(super) fn check(arguments: &Arguments) -> ExitCode {
    let loaded = match config::load(arguments) {
        Ok(loaded) => loaded,
        Err(problems) => {
            tell(&problems.to_string());
            return ExitCode::FAILURE;
        }
    };
    for warning in loaded.warnings() {
        tell(&format!("warning: {warning}"));
    }
    for warning in config::shadowed_probes(&loaded.settings) {
        tell(&format!("warning: {warning}"));
    }
    let rows = loaded.in_force();
    let key = rows
        .iter()
        .map(|row| row.key.len() + row.value.len() + 3)
        .max()
        .unwrap_or(0)
        .min(64);
    for row in &rows {
        let setting = format!("{} = {}", row.key, row.value);
        print(&format!("{setting:key$}  # {}", row.origin));
    }
    print(&format!(
        "configuration {} is sound: {} routes",
        loaded.version(),
        loaded.settings.routes.len()
    ));
    ExitCode::SUCCESS
}

/// Prints the configuration's JSON Schema.
pub(super) fn schema() -> ExitCode {
    print(&config_flags::published_schema::<Settings>());
    ExitCode::SUCCESS
}
