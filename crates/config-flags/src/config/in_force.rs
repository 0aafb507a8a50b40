//! What may be shown of the settings, and what is their version?

use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use super::loaded::{Loaded, Place};
use super::origin::Origin;
use super::path::{self, Step};
use super::secret::HIDDEN;
use super::shape::{Form, Id, Shape, Type, Unit};
use super::unit;

/// One key in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct InForce {
    /// The key's full path.
    pub key: String,
    /// Its value as JSON text; a duration as a text with its unit, a secret as `"***"`.
    pub value: String,
    /// Where it was written, or `default`.
    pub origin: String,
}

impl<T: Serialize> Loaded<T> {
    /// Every key that has a value, in the order of the keys.
    pub fn in_force(&self) -> Vec<InForce> {
        let mut found = Vec::new();
        list(
            &self.shown(),
            Some(&self.places),
            "",
            &mut |key, value, place| {
                let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
                if value.is_null() || (is_empty && place.is_none()) {
                    return;
                }
                let origin = place.map_or_else(Origin::default, |place| place.at);
                found.push(InForce {
                    key,
                    value: value.to_string(),
                    origin: self.sources.describe(origin),
                });
            },
        );
        found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        found
    }

    /// The version of these settings: the XXH3 hash of what is in force, as 16 hexadecimal digits.
    ///
    /// Equal settings have equal versions, wherever they were written, in every process and on every machine. Secrets do not
    /// go into it (a hash would let a weak one be guessed), so two configurations of one version may differ in a secret:
    /// compare the settings themselves to know whether anything changed.
    pub fn version(&self) -> String {
        let mut hash = Xxh3::new();
        digest(&self.shown(), &mut hash);
        format!("{:016x}", hash.digest())
    }

    /// The settings with secrets hidden and durations as texts. Nothing for a type that JSON cannot hold.
    fn shown(&self) -> Value {
        let mut value = serde_json::to_value(&self.settings).unwrap_or_default();
        show(&mut value, &self.shape, Some(self.shape.root()));
        value
    }
}

fn show(value: &mut Value, shape: &Shape, id: Option<Id>) {
    let form = id.map(|id| shape.form(id));
    if form.is_some_and(|form| form.secret) && !value.is_null() {
        *value = HIDDEN.into();
        return;
    }
    match value {
        Value::Object(object) => {
            if let (true, Some(duration)) = (may_be_duration(shape, form), duration(object)) {
                *value = unit::show(duration).into();
                return;
            }
            for (key, value) in object {
                let table = id.and_then(|id| shape.table(id, key));
                show(value, shape, table.and_then(|table| table.below(key)));
            }
        }
        Value::Array(items) => {
            let id = id.and_then(|id| shape.items(id));
            for item in items {
                show(item, shape, id);
            }
        }
        _ => {}
    }
}

fn may_be_duration(shape: &Shape, form: Option<&Form>) -> bool {
    form.is_none_or(|form| {
        form.unit == Some(Unit::Duration)
            || form
                .any
                .iter()
                .any(|id| may_be_duration(shape, Some(shape.form(*id))))
            || !form.takes(Type::Table)
    })
}

fn duration(object: &serde_json::Map<String, Value>) -> Option<std::time::Duration> {
    if object.len() != 2 {
        return None;
    }
    let seconds = object.get("secs")?.as_u64()?;
    let nanos = object.get("nanos")?.as_u64()?;
    Some(std::time::Duration::new(
        seconds,
        u32::try_from(nanos).ok()?,
    ))
}

/// Feeds a value to the hash, each part with its kind and, where it has no fixed length, its length.
fn digest(value: &Value, hash: &mut Xxh3) {
    let text = |text: &str, hash: &mut Xxh3| {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    match value {
        Value::Null => hash.update(b"0"),
        Value::Bool(b) => hash.update(if *b { b"t" } else { b"f" }),
        Value::Number(number) => {
            hash.update(b"n");
            text(&number.to_string(), hash);
        }
        Value::String(string) => {
            hash.update(b"s");
            text(string, hash);
        }
        Value::Array(items) => {
            hash.update(b"[");
            for item in items {
                digest(item, hash);
            }
            hash.update(b"]");
        }
        Value::Object(object) => {
            // In an order of its own: that of JSON's objects is a matter of how serde_json was built.
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            hash.update(b"{");
            for (key, value) in entries {
                text(key, hash);
                digest(value, hash);
            }
            hash.update(b"}");
        }
    }
}

/// Calls `found` with every key that has no keys below it; a list is one value.
fn list<'p>(
    value: &Value,
    place: Option<&'p Place>,
    key: &str,
    found: &mut dyn FnMut(String, &Value, Option<&'p Place>),
) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            for (name, value) in object {
                let step = Step::Key(name.clone());
                let mut below = key.to_owned();
                path::push(&mut below, &step);
                let place = place.and_then(|place| place.child(&step));
                list(value, place, &below, found);
            }
        }
        _ => found(key.to_owned(), value, place),
    }
}
