//! What is an editor told about the settings?

use std::time::Duration;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::shape::{generated, is_std_duration};
use super::unit;

/// The JSON Schema (2020-12) of a settings type, for editors and for whoever checks files elsewhere; indented.
///
/// Durations and sizes have both their writings, a table has no keys but its own, and `$schema` may stand at the root, where
/// editors look for it.
pub fn published_schema<T: JsonSchema>() -> String {
    let mut schema = generated::<T>();
    publish(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("$schema".into(), json!({ "type": "string" }));
    }
    format!("{schema:#}")
}

fn publish(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(publish),
        Value::Object(object) => {
            if let Some(default) = default_duration(object) {
                *value = unit::show(default).into();
                return;
            }
            if is_std_duration(object) {
                duration(object);
                return;
            }
            if object.get("x-unit") == Some(&json!("bytes")) {
                size(object);
            }
            let has = |word: &str| object.contains_key(word);
            if has("properties") && !has("additionalProperties") && !has("patternProperties") {
                object.insert("additionalProperties".into(), false.into());
            }
            object.values_mut().for_each(publish);
        }
        _ => {}
    }
}

fn duration(object: &mut Map<String, Value>) {
    let description = object.remove("description");
    let description = description.unwrap_or_else(|| {
        json!("Milliseconds, or a text such as `250ms`, `30s`, `5m`, `1h`, `1d`.")
    });
    object.clear();
    object.insert("description".into(), description);
    object.insert("type".into(), json!(["integer", "string"]));
    object.insert("minimum".into(), 0.into());
    object.insert("pattern".into(), json!(r"^\d+(\.\d+)?(ms|s|m|h|d)$"));
}

fn size(object: &mut Map<String, Value>) {
    let nullable = object.get("type").and_then(Value::as_array);
    let nullable = nullable.is_some_and(|types| types.contains(&json!("null")));
    let mut types = vec!["integer", "string"];
    if nullable {
        types.push("null");
    }
    object.insert("type".into(), json!(types));
    let pattern = r"^\d+(\.\d+)?(B|KiB|MiB|GiB|TiB|kB|MB|GB|TB)$";
    object.insert("pattern".into(), json!(pattern));
}

/// The default of a duration, as serde writes it.
fn default_duration(object: &Map<String, Value>) -> Option<Duration> {
    if object.len() != 2 {
        return None;
    }
    let seconds = object.get("secs")?.as_u64()?;
    let nanos = object.get("nanos")?.as_u64()?;
    Some(Duration::new(seconds, u32::try_from(nanos).ok()?))
}
