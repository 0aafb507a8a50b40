//! A settings type as a gateway's would be.

use std::collections::BTreeMap;
use std::time::Duration;

use config_flags::{Layers, Loaded, Name, Problems, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};
use validator::{Validate, ValidationError};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub(super) struct Settings {
    pub(super) environment: Stage,
    #[validate(range(min = 0, max = 65535))]
    pub(super) port: u16,
    pub(super) log_format: LogFormat,
    #[validate(nested)]
    pub(super) database: Database,
    #[validate(nested)]
    pub(super) security: Security,
    #[validate(nested)]
    pub(super) cache: CacheSettings,
    #[validate(nested)]
    pub(super) upstreams: BTreeMap<Name, Upstream>,
    pub(super) route_defaults: RouteDefaults,
    #[validate(nested)]
    pub(super) routes: BTreeMap<Name, Route>,
    #[validate(nested)]
    pub(super) flags: BTreeMap<Name, Flag>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Stage {
    #[default]
    Development,
    Staging,
    Production,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Pretty,
    /// For machines.
    Json,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "postgres_needs_a_database"))]
pub(super) struct Database {
    pub(super) kind: DatabaseKind,
    pub(super) host: String,
    pub(super) port: u16,
    #[expect(clippy::struct_field_names, reason = "that is what the key is called")]
    pub(super) database: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) ssl: bool,
    pub(super) connection_timeout: Duration,
    #[validate(range(min = 1, max = 1000))]
    pub(super) max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            kind: DatabaseKind::Embedded,
            host: "localhost".into(),
            port: 5432,
            database: None,
            password: None,
            ssl: false,
            connection_timeout: Duration::from_secs(30),
            max_connections: 10,
        }
    }
}

fn postgres_needs_a_database(database: &Database) -> Result<(), ValidationError> {
    if database.kind == DatabaseKind::Postgres && database.database.is_none() {
        let error = ValidationError::new("database");
        return Err(error.with_message("kind = \"postgres\" needs `database`".into()));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DatabaseKind {
    Embedded,
    Postgres,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub(super) struct Security {
    #[validate(length(min = 32))]
    pub(super) jwt_secret: Option<Secret>,
    pub(super) cors_origins: Vec<String>,
    /// A secret of a type of another crate: the schema alone says so.
    #[schemars(extend("writeOnly" = true))]
    pub(super) webhook_key: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub(super) struct CacheSettings {
    #[schemars(extend("x-unit" = "bytes"))]
    #[validate(range(min = 1_048_576))]
    pub(super) memory: Option<u64>,
    pub(super) policy: Policy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Policy {
    #[default]
    S3Fifo,
    Lru,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub(super) struct Upstream {
    #[validate(length(min = 1))]
    pub(super) endpoints: Vec<Endpoint>,
    #[serde(default)]
    pub(super) connect_timeout: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Endpoint {
    Url(String),
    Weighted { url: String, weight: u32 },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct RouteDefaults {
    pub(super) timeout: Option<Duration>,
    #[schemars(extend("x-unit" = "bytes"))]
    pub(super) max_body: Option<u64>,
    pub(super) cache: Option<RouteCache>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub(super) struct Route {
    pub(super) path: Template,
    #[serde(default)]
    pub(super) rewrite: Option<Template>,
    #[serde(default)]
    pub(super) methods: Vec<Method>,
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "upstreams"))]
    pub(super) upstream: Option<String>,
    #[serde(default)]
    pub(super) redirect: Option<Redirect>,
    #[serde(default)]
    pub(super) timeout: Option<Duration>,
    #[serde(default)]
    #[schemars(extend("x-unit" = "bytes"))]
    pub(super) max_body: Option<u64>,
    #[serde(default)]
    pub(super) cache: Option<RouteCache>,
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "flags"))]
    pub(super) flags: Vec<String>,
    #[serde(default)]
    pub(super) request_headers: BTreeMap<String, String>,
    /// Holds itself.
    #[serde(default)]
    pub(super) otherwise: Option<Box<Otherwise>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Otherwise {
    pub(super) status: u16,
    pub(super) otherwise: Option<Box<Otherwise>>,
}

/// A text with rules that no schema can say.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct Template(String);

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if !text.starts_with('/') {
            let message = format!("a path template starts with /, this is {text:?}");
            return Err(de::Error::custom(message));
        }
        if text.matches('{').count() != text.matches('}').count() {
            let message = format!("a {{ or }} without its partner in {text:?}");
            return Err(de::Error::custom(message));
        }
        Ok(Self(text))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Redirect {
    pub(super) to: String,
    pub(super) status: u16,
}

/// `false`, or a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum RouteCache {
    Off(#[schemars(extend("const" = false))] bool),
    On(CachePolicy),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct CachePolicy {
    pub(super) ttl: Duration,
    pub(super) tags: Vec<String>,
    pub(super) collapse: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub(super) struct Flag {
    pub(super) enabled: bool,
    #[validate(nested)]
    pub(super) conditions: Conditions,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub(super) struct Conditions {
    pub(super) segments: Vec<String>,
    #[validate(range(min = 0.0, max = 100.0), custom(function = "steps"))]
    pub(super) percentage: Option<f64>,
}

fn steps(share: f64) -> Result<(), ValidationError> {
    if (share * 1000.0).fract() == 0.0 {
        return Ok(());
    }
    Err(ValidationError::new("steps").with_message("goes in steps of 0.001".into()))
}

/// Loads with the one rule over all settings that there is here.
pub(super) fn load(layers: &Layers) -> Result<Loaded<Settings>, Problems> {
    config_flags::load_with(layers, |settings: &Settings| {
        let targets =
            |route: &Route| u8::from(route.upstream.is_some()) + u8::from(route.redirect.is_some());
        let wrong = settings
            .routes
            .iter()
            .filter(|(_, route)| targets(route) != 1);
        let message = "exactly one target is required: upstream, redirect";
        wrong
            .map(|(name, _)| (format!("routes.{name}"), message.to_owned()))
            .collect()
    })
}
