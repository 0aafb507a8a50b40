//! A route's `cors` key: a switch, or a table.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};
use validator::{Validate, ValidationErrors};

use super::origin::AllowedOrigin;
use crate::names::{FieldName, MethodName};

/// What a route says about other origins.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CorsSettings {
    /// `true`: the default origins may read; `false`: the gateway leaves the matter alone.
    Switch(bool),
    /// The rules in full.
    Table(CorsTable),
}

/// The rules of one route.
#[derive(Clone, Debug, PartialEq, Serialize, DeriveDeserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct CorsTable {
    /// The origins that may read answers: exact ones, `https://*.example.com`, or `*`. Left out: those of
    /// `security.cors_origins`.
    pub origins: Option<Vec<AllowedOrigin>>,
    /// The methods that a page may use. Left out: those that the path answers.
    pub methods: Option<Vec<MethodName>>,
    /// The header fields that a page may send. Left out: any.
    pub headers: Option<Vec<FieldName>>,
    /// The header fields of an answer that a page may read, beyond the few that it always may; `*` for all.
    pub expose: Vec<FieldName>,
    /// Whether a page may send cookies and other credentials. Never with `*`.
    pub credentials: bool,
    /// How long a browser may keep the answer to a preflight, in whole seconds.
    pub max_age: Duration,
}

impl Default for CorsTable {
    fn default() -> Self {
        Self {
            origins: None,
            methods: None,
            headers: None,
            expose: Vec::new(),
            credentials: false,
            max_age: Duration::from_mins(10),
        }
    }
}

impl Default for CorsSettings {
    fn default() -> Self {
        Self::Switch(false)
    }
}

impl Validate for CorsSettings {
    fn validate(&self) -> Result<(), ValidationErrors> {
        match self {
            Self::Switch(_) => Ok(()),
            Self::Table(table) => table.validate(),
        }
    }
}

impl<'de> Deserialize<'de> for CorsSettings {
    /// By hand and not `untagged`: a fault inside the table is told in its place, with the reason.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchOrTable;

        impl<'de> Visitor<'de> for SwitchOrTable {
            type Value = CorsSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a table")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<CorsSettings, E> {
                Ok(CorsSettings::Switch(on))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CorsSettings, A::Error> {
                CorsTable::deserialize(MapAccessDeserializer::new(map)).map(CorsSettings::Table)
            }
        }

        deserializer.deserialize_any(SwitchOrTable)
    }
}

impl JsonSchema for CorsSettings {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CorsSettings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<CorsTable>();
        json_schema!({"anyOf": [{"type": "boolean"}, table]})
    }
}
