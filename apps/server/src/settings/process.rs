//! Settings of the process itself: its logs and its admin listener.
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use admin::{Access, AccessFault, TokenSettings};
use config_flags::Secret;
use route_core::RouteId;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use validator::Validate;

/// The name of an admin token, as that of a route: lower-case letters, digits, `-` and `_`, without `__`.
pub type TokenName = RouteId;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: a JSON object a line.
    Json,
}

/// What is logged: a level, or a tracing filter (which has a `=`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct LogLevel(String);

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl LogLevel {
    /// The level or filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if matches!(text, "trace" | "debug" | "info" | "warn" | "error") {
            return Ok(Self(text.to_owned()));
        }
        if !text.contains('=') {
            return Err(format!(
                "{text:?} is no level: debug, info, warn or error, or a filter such as \"server=debug,info\""
            ));
        }
        match tracing_subscriber::EnvFilter::try_new(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("no valid tracing filter: {error}")),
        }
    }
}

impl<'de> Deserialize<'de> for LogLevel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// Which requests the access log has.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that ended in a server error, or whose client left.
    #[default]
    Errors,
    /// All.
    All,
    /// A share of all, over 0 and under 1, and the errors.
    Share(f64),
}

impl Serialize for AccessLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::Errors => serializer.serialize_str("errors"),
            Self::All => serializer.serialize_str("all"),
            Self::Share(share) => serializer.serialize_f64(*share),
        }
    }
}

impl<'de> Deserialize<'de> for AccessLog {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = AccessLog;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"off\", \"errors\", \"all\", or a share between 0 and 1")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AccessLog, E> {
                match text {
                    "off" => Ok(AccessLog::Off),
                    "errors" => Ok(AccessLog::Errors),
                    "all" => Ok(AccessLog::All),
                    _ => text.parse().map_or_else(
                        |_| {
                            Err(E::custom(
                                "expected off, errors, all, or a share between 0 and 1",
                            ))
                        },
                        |share| self.visit_f64(share),
                    ),
                }
            }

            fn visit_f64<E: de::Error>(self, share: f64) -> Result<AccessLog, E> {
                if share > 0.0 && share < 1.0 {
                    return Ok(AccessLog::Share(share));
                }
                Err(E::custom(
                    "a share is over 0 and under 1; for all or none say \"all\" or \"off\"",
                ))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for AccessLog {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AccessLog".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
            { "type": "string", "enum": ["off", "errors", "all"] },
        ]})
    }
}

/// The admin listener's port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminPort {
    /// There is no admin listener.
    Off,
    /// This port; 0 lets the system choose.
    Port(u16),
}

impl fmt::Display for AdminPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Port(port) => port.fmt(f),
        }
    }
}

impl Serialize for AdminPort {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::Port(port) => serializer.serialize_u16(*port),
        }
    }
}

impl<'de> Deserialize<'de> for AdminPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = AdminPort;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port from 0 to 65535, or \"off\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AdminPort, E> {
                if text == "off" {
                    return Ok(AdminPort::Off);
                }
                let port = text
                    .parse()
                    .map_err(|_| E::custom("expected a port from 0 to 65535, or \"off\""))?;
                Ok(AdminPort::Port(port))
            }

            fn visit_u64<E: de::Error>(self, port: u64) -> Result<AdminPort, E> {
                let port = u16::try_from(port).map_err(|_| E::custom("a port is 0 to 65535"))?;
                Ok(AdminPort::Port(port))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for AdminPort {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AdminPort".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": 65535 },
            { "type": "string", "enum": ["off"] },
        ]})
    }
}

/// `[admin]`: the listener for probes, metrics and the admin API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct AdminSettings {
    /// The address that the admin listener binds.
    #[validate(length(min = 1))]
    pub host: String,
    /// Its port; `"off"` for no admin listener, 0 for one that the system chooses.
    pub port: AdminPort,
    /// The token that may do everything; 32 characters or more. Without any token the admin API is there only on
    /// loopback, and not in production.
    #[validate(length(min = 32))]
    pub token: Option<Secret>,
    /// Tokens of persons and programs, by name.
    #[validate(nested)]
    pub tokens: BTreeMap<TokenName, TokenSettings>,
}

impl Default for AdminSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: AdminPort::Port(3001),
            token: None,
            tokens: BTreeMap::new(),
        }
    }
}

impl AdminSettings {
    /// Who may ask the admin API.
    pub fn access(&self) -> Result<Access, Vec<AccessFault>> {
        let tokens = self.tokens.iter();
        let tokens = tokens.map(|(name, settings)| (name.as_str(), settings));
        Access::compile(self.token.as_ref(), tokens)
    }
}
