//! The conditions of a flag, as they are written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de};
use validator::{Validate, ValidationError};

/// When an enabled flag is on.
///
/// A condition that is present must hold, and one that cannot be decided, because the context lacks what it needs, does
/// not. A list that is present and empty holds for nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "one_spelling", skip_on_field_errors = false))]
pub struct Conditions {
    /// The environments in which the flag may be on, such as `staging`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<Listing>,
    /// Another word for `environments`; only one of the two may be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<Listing>,
    /// The caller must be in one of these segments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segments: Option<Listing>,
    /// Another word for `segments`; only one of the two may be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_segments: Option<Listing>,
    /// The share of callers for whom the flag is on, in percent, in steps of 0.001. Who they are is decided by a stable
    /// hash of the flag's name and the caller's key; raising the share only ever adds callers. A caller without a key
    /// is never among them, at 100 neither.
    #[validate(range(min = 0.0, max = 100.0), custom(function = "thousandths"))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentage: Option<f64>,
}

impl Conditions {
    /// Returns whether there is no condition at all.
    pub fn is_empty(&self) -> bool {
        self.environments().is_none() && self.segments().is_none() && self.percentage.is_none()
    }

    /// The environments condition, in whichever of its two spellings it was given.
    pub fn environments(&self) -> Option<&Listing> {
        self.environments.as_ref().or(self.environment.as_ref())
    }

    /// The segments condition, in whichever of its two spellings it was given.
    pub fn segments(&self) -> Option<&Listing> {
        self.segments.as_ref().or(self.user_segments.as_ref())
    }
}

/// Refuses a condition that is given under both of its names: which of them counts would be a guess.
fn one_spelling(conditions: &Conditions) -> Result<(), ValidationError> {
    let twice = |text: &'static str| Err(ValidationError::new("twice").with_message(text.into()));
    if conditions.environments.is_some() && conditions.environment.is_some() {
        return twice("environments and environment are one condition, give one of them");
    }
    if conditions.segments.is_some() && conditions.user_segments.is_some() {
        return twice("segments and user_segments are one condition, give one of them");
    }
    Ok(())
}

/// Refuses a share that falls between two buckets, and what is no number at all.
fn thousandths(percentage: f64) -> Result<(), ValidationError> {
    let steps = percentage * 1000.0;
    if (steps - steps.round()).abs() < 1e-6 {
        Ok(())
    } else {
        Err(ValidationError::new("steps").with_message("goes in steps of 0.001".into()))
    }
}

/// Some words: a list of texts, where a single text stands for a list of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Listing(Vec<String>);

impl Listing {
    /// The words, in the order in which they were written.
    pub fn words(&self) -> &[String] {
        &self.0
    }
}

impl<T: Into<String>> FromIterator<T> for Listing {
    fn from_iter<I: IntoIterator<Item = T>>(words: I) -> Self {
        Self(words.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<String>, const N: usize> From<[T; N]> for Listing {
    fn from(words: [T; N]) -> Self {
        words.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for Listing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListingVisitor)
    }
}

struct ListingVisitor;

impl<'de> de::Visitor<'de> for ListingVisitor {
    type Value = Listing;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Listing, E> {
        Ok(Listing::from([word]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, words: A) -> Result<Listing, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(words)).map(Listing)
    }
}

impl JsonSchema for Listing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Listing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "array", "items": { "type": "string" } },
                { "type": "string" },
            ],
        })
    }
}
