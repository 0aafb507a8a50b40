//! The settings of the client's address, as an operator writes them under `security`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize, Serializer};
use validator::{Validate, ValidationError};

use crate::names::FieldName;
use crate::network::{Network, NetworkError};

/// Who is believed about where a request comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, DeriveDeserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct TrustSettings {
    /// The proxies that are believed: `none`, `private` (loopback and private ranges), or a list of addresses and CIDR
    /// ranges.
    pub trusted_proxies: TrustedProxies,
    /// The one field in which they tell the client's address.
    pub forwarded_field: ForwardedField,
    /// Further fields believed of those proxies, such as `x-forwarded-host`; without it they are removed.
    #[validate(custom(function = "is_forwarded"))]
    pub forwarded_trust: Vec<FieldName>,
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustedProxies {
    /// Nobody: the peer is the client.
    #[default]
    None,
    /// Whoever connects from loopback or a private range (RFC 1918, RFC 4193).
    Private,
    /// Whoever connects from one of these.
    Listed(Vec<Network>),
}

/// The field that tells the client's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedField {
    /// `X-Forwarded-For`, with the scheme in `X-Forwarded-Proto`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239), which has the scheme too.
    Forwarded,
}

/// A name that is removed from nobody needs no trust, and one that `forwarded_field` decides has no second place.
fn is_forwarded(names: &[FieldName]) -> Result<(), ValidationError> {
    let odd = names.iter().map(FieldName::as_str).find(|name| {
        let known = name.starts_with("x-forwarded-") || *name == "x-real-ip";
        !known || *name == "x-forwarded-for"
    });
    let Some(name) = odd else { return Ok(()) };
    let message = match name {
        "x-forwarded-for" | "forwarded" => format!("{name} is what forwarded_field chooses"),
        _ => format!("{name} is not one of the X-Forwarded-* fields or X-Real-IP"),
    };
    Err(ValidationError::new("forwarded_trust").with_message(message.into()))
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Private => serializer.serialize_str("private"),
            Self::Listed(networks) => networks.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    /// By hand and not `untagged`: an entry that is no range is told in its place, with the reason. A text may be a
    /// list too, as a variable of the environment writes it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrList;

        impl<'de> Visitor<'de> for WordOrList {
            type Value = TrustedProxies;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("none, private, or a list of addresses and ranges")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<TrustedProxies, E> {
                let entries = word.split(',').map(str::trim);
                let entries: Vec<&str> = entries.filter(|entry| !entry.is_empty()).collect();
                let parse = |entry: &&str| entry.parse();
                match (word, &entries[..]) {
                    ("none", _) => Ok(TrustedProxies::None),
                    ("private", _) => Ok(TrustedProxies::Private),
                    (_, []) => Err(E::custom("nobody is trusted by the word none")),
                    _ => match entries.iter().map(parse).collect() {
                        Ok(networks) => Ok(TrustedProxies::Listed(networks)),
                        Err(NetworkError::NotARange(entry)) => Err(E::custom(format_args!(
                            "{entry:?} is neither none nor private nor a list of addresses and ranges"
                        ))),
                        Err(error) => Err(E::custom(error)),
                    },
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<TrustedProxies, A::Error> {
                let mut networks = Vec::new();
                while let Some(network) = list.next_element()? {
                    networks.push(network);
                }
                Ok(TrustedProxies::Listed(networks))
            }
        }

        deserializer.deserialize_any(WordOrList)
    }
}

impl JsonSchema for TrustedProxies {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TrustedProxies".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let network = generator.subschema_for::<Network>();
        json_schema!({
            "anyOf": [
                {"type": "string", "examples": ["none", "private", "10.0.0.0/8, 192.0.2.1"]},
                {"type": "array", "items": network}
            ]
        })
    }
}
