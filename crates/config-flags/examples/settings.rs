//! Loads settings from every layer and prints what is in force, or everything that is wrong.
//!
//! ```text
//! cargo run -p config-flags --example config-flags-settings -- my.toml --port 9000
//! PORT=8080 DEMO__UPSTREAM__TIMEOUT="5 parsecs" cargo run -p config-flags --example config-flags-settings
//! cargo run -p config-flags --example config-flags-settings -- schema
//! ```

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use config_flags::{Environment, Layers, Secret, WellKnown, load_with, published_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

/// What this program can be told.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
struct Settings {
    /// Where the program runs.
    environment: Stage,
    /// The port to listen on.
    #[validate(range(min = 1))]
    port: u16,
    /// Signs tokens.
    #[validate(length(min = 32))]
    jwt_secret: Option<Secret>,
    /// The service behind this one.
    #[validate(nested)]
    upstream: Upstream,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            environment: Stage::Development,
            port: 3000,
            jwt_secret: None,
            upstream: Upstream::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    Development,
    Production,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
struct Upstream {
    /// Its address.
    #[validate(length(min = 1))]
    url: String,
    /// How long to wait for an answer.
    timeout: Duration,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:4000".into(),
            timeout: Duration::from_secs(30),
        }
    }
}

const WELL_KNOWN: &[WellKnown] = &[
    WellKnown::new("APP_ENV", "environment"),
    WellKnown::new("PORT", "port"),
    WellKnown::new("JWT_SECRET", "jwt_secret"),
];

const PRODUCTION: &str = "[upstream]\ntimeout = \"5s\"\n";

fn layers(arguments: &[String]) -> Layers {
    let mut above = Layers::new();
    let mut arguments = arguments.iter();
    let mut port = None;
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--port" => port = arguments.next(),
            file => above = above.file(file),
        }
    }
    let variables = Environment::new("DEMO", WELL_KNOWN, std::env::vars_os());
    let mut above = above.environment(variables);
    if let Some(port) = port {
        above = above.flag("--port", "port", port);
    }
    // The environment decides which files are read, so it has to be known first.
    let folder = Path::new("config");
    let environment = above.environment_of("environment", Some(folder));
    let environment = environment.as_deref().unwrap_or("development");
    let mut layers = Layers::new();
    if environment == "production" {
        layers = layers.profile(environment, PRODUCTION);
    }
    layers.folder_if_there(folder, environment).then(above)
}

fn rules(settings: &Settings) -> Vec<(String, String)> {
    let mut wrong = Vec::new();
    if settings.environment == Stage::Production && settings.jwt_secret.is_none() {
        wrong.push(("jwt_secret".into(), "required in production".into()));
    }
    wrong
}

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(_) => ExitCode::FAILURE, // Nobody reads the output.
    }
}

fn run() -> std::io::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout();
    if arguments.first().is_some_and(|first| first == "schema") {
        writeln!(out, "{}", published_schema::<Settings>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let loaded = match load_with(&layers(&arguments), rules) {
        Ok(loaded) => loaded,
        Err(problems) => {
            writeln!(std::io::stderr(), "{problems}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    for warning in loaded.warnings() {
        writeln!(out, "# {warning}")?;
    }
    for key in loaded.in_force() {
        writeln!(out, "{} = {}  # {}", key.key, key.value, key.origin)?;
    }
    writeln!(out, "# version {}", loaded.version())?;
    Ok(ExitCode::SUCCESS)
}
