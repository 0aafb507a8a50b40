//! Settings: layers, places, problems, what is in force.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod formats;
mod in_force;
mod layers;
mod problems;
mod schema;
mod secrets;
mod settings;
mod variables;

use std::fs;
use std::path::PathBuf;

use config_flags::{Environment, Layers, WellKnown};
use tempfile::TempDir;

use settings::load;

/// A folder with files that goes when the test ends.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.path(name), text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `text` with the folder's own path left out.
    fn short(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

const WELL_KNOWN: &[WellKnown] = &[
    WellKnown::new("APP_ENV", "environment"),
    WellKnown::new("NODE_ENV", "environment"),
    WellKnown::new("PORT", "port"),
    WellKnown::new("DB_HOST", "database.host"),
    WellKnown::new("DB_PORT", "database.port"),
    WellKnown::new("DB_PASSWORD", "database.password"),
    WellKnown::new("DB_SSL", "database.ssl"),
    WellKnown::new("JWT_SECRET", "security.jwt_secret"),
    WellKnown::new("CORS_ORIGINS", "security.cors_origins"),
    WellKnown::new("REDIS_HOST", "redis.host").lacking("redis"),
];

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::new("URM", WELL_KNOWN, variables.iter().copied())
}

fn variables(variables: &[(&str, &str)]) -> Layers {
    Layers::new().environment(environment(variables))
}

/// Checks every line that is told about a file of this name and text.
#[track_caller]
fn check_problems(name: &str, text: &str, expected: &[&str]) {
    let folder = Folder::new(&[(name, text)]);
    let layers = Layers::new()
        .beneath("route_defaults", "routes")
        .file(folder.path(name));
    let problems = load(&layers).expect_err("sound").to_string();
    let told = folder.short(&problems);
    assert_eq!(told.lines().collect::<Vec<_>>(), expected, "{text}");
}
