//! A route's `compress` key: a switch, or a list of codings.
use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::compress::{self, Coding, Codings};

/// `compress`: `true`, `false`, or the codings that the gateway makes, the preferred first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum CompressSettings {
    /// `true`: all codings; `false`: none.
    Switch(bool),
    /// These.
    Codings(Vec<Coding>),
}

impl Default for CompressSettings {
    fn default() -> Self {
        Self::Switch(false)
    }
}

impl CompressSettings {
    /// Whether there is any compression.
    pub fn is_on(&self) -> bool {
        *self != Self::Switch(false)
    }

    /// The codings, if there are any; or why that cannot be.
    pub fn codings(&self) -> Result<Option<Codings>, &'static str> {
        let codings = match self {
            Self::Switch(false) => return Ok(None),
            Self::Switch(true) => &Coding::ALL[..],
            Self::Codings(codings) => codings,
        };
        if !compress::AVAILABLE {
            return Err("this program was built without the feature `compression`");
        }
        let again = |(at, coding)| codings[..at].contains(coding);
        if codings.iter().enumerate().any(again) {
            return Err("names a coding twice");
        }
        let codings = Codings::new(codings).ok_or("lists no coding; `false` turns it off")?;
        Ok(Some(codings))
    }
}

impl<'de> Deserialize<'de> for CompressSettings {
    /// By hand and not `untagged`: a wrong coding is told in its place, with those that there are.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SwitchOrList;

        impl<'de> de::Visitor<'de> for SwitchOrList {
            type Value = CompressSettings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, or a list of \"zstd\", \"br\" and \"gzip\"")
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<CompressSettings, E> {
                Ok(CompressSettings::Switch(on))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(CompressSettings::Codings)
            }
        }

        deserializer.deserialize_any(SwitchOrList)
    }
}

impl JsonSchema for CompressSettings {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CompressSettings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let coding = generator.subschema_for::<Coding>();
        json_schema!({ "anyOf": [
            { "type": "boolean" },
            { "type": "array", "items": coding, "minItems": 1, "uniqueItems": true },
        ]})
    }
}
