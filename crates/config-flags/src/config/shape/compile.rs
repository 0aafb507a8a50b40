//! From JSON Schema to forms.
//!
//! Only what schemars, and `#[validate]` through it, writes has to be understood: a word that is not known here is
//! checked by deserialising, later and with a plainer message.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Entries, Form, Id, Property, Shape, Span, Type, Unit};
use crate::config::tree::normal;

type Object = Map<String, Value>;

pub(super) fn compile(schema: &Value) -> Shape {
    let empty = Object::new();
    let defs = schema.get("$defs").and_then(Value::as_object);
    let mut compiler = Compiler {
        defs: defs.unwrap_or(&empty),
        known: HashMap::new(),
        forms: Vec::new(),
    };
    let root = compiler.compile(schema);
    Shape {
        forms: compiler.forms,
        root,
    }
}

/// Whether a schema is the one that schemars gives std's `Duration`.
pub(crate) fn is_std_duration(schema: &Object) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.is_some_and(|p| p.len() == 2 && p.contains_key("secs") && p.contains_key("nanos"))
}

struct Compiler<'s> {
    defs: &'s Object,
    /// Forms of named types, by the name and whether nothing may stand there too. Without it a type that holds itself
    /// would have no end.
    known: HashMap<(&'s str, bool), Id>,
    forms: Vec<Form>,
}

impl<'s> Compiler<'s> {
    fn compile(&mut self, schema: &'s Value) -> Id {
        let name = reference(schema);
        if let Some(id) = name.and_then(|name| self.known.get(&name)) {
            return *id;
        }
        let id = self.forms.len();
        self.forms.push(Form::default());
        if let Some(name) = name {
            self.known.insert(name, id);
        }
        let mut form = Form::default();
        self.fill(&mut form, schema);
        self.spread_reference(&mut form);
        self.forms[id] = form;
        id
    }

    fn fill(&mut self, form: &mut Form, schema: &'s Value) {
        let Some(object) = schema.as_object() else {
            form.open = schema == &Value::Bool(true);
            return;
        };
        let target = object
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(def_name);
        if let Some(target) = target.and_then(|name| self.defs.get(name)) {
            self.fill(form, target);
        }
        annotations(form, object);
        if is_std_duration(object) {
            form.unit = Some(Unit::Duration);
            return;
        }
        self.types(form, object);
        bounds(form, object);
        self.keys(form, object);
        self.alternatives(form, object);
        let only_words = |key: &String| {
            let says_nothing = [
                "description",
                "title",
                "default",
                "$schema",
                "$defs",
                "writeOnly",
            ];
            says_nothing.contains(&key.as_str())
        };
        form.open |= object.keys().all(only_words);
    }

    fn types(&mut self, form: &mut Form, object: &'s Object) {
        let listed = match object.get("type") {
            Some(Value::Array(types)) => types.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        let mut is_list = false;
        for name in listed.iter().filter_map(Value::as_str) {
            match name {
                "null" => form.types.insert(Type::Null),
                "boolean" => form.types.insert(Type::Boolean),
                "integer" => form.types.insert(Type::Integer),
                "number" => form.types.insert(Type::Number),
                "string" => form.types.insert(Type::Text),
                "object" => form.types.insert(Type::Table),
                "array" => is_list = true,
                _ => {}
            }
        }
        if is_list {
            let items = object.get("items").unwrap_or(&Value::Bool(true));
            form.list = Some(self.compile(items));
        }
        let constants = object.get("enum").and_then(Value::as_array);
        for value in constants.into_iter().flatten().chain(object.get("const")) {
            match value {
                Value::String(word) => form.words.push(word.clone()),
                Value::Bool(constant) => form.constants.push(*constant),
                Value::Null => form.types.insert(Type::Null),
                _ => {}
            }
        }
        if !form.words.is_empty() {
            form.types.remove(Type::Text);
        }
        if !form.constants.is_empty() {
            form.types.remove(Type::Boolean);
        }
    }

    fn keys(&mut self, form: &mut Form, object: &'s Object) {
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            form.types.insert(Type::Table);
            let required = object.get("required").and_then(Value::as_array);
            let required: Vec<&str> = required
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            for (name, schema) in properties {
                let property = Property {
                    name: name.clone(),
                    form: self.compile(schema),
                    required: required.contains(&name.as_str()),
                };
                let at = form.properties.len();
                form.index.insert(normal(name).into_owned(), at);
                form.index.insert(name.clone(), at);
                form.properties.push(property);
            }
        }
        let patterns = object.get("patternProperties").and_then(Value::as_object);
        let more = object.get("additionalProperties");
        let is_bare = !object.contains_key("properties") && form.properties.is_empty();
        let entries = match (patterns.and_then(|p| p.values().next()), more) {
            (Some(schema), _) => Some((schema, true)),
            (None, Some(Value::Bool(false))) => None,
            (None, Some(schema)) => Some((schema, false)),
            (None, None) if is_bare && form.takes(Type::Table) => Some((&Value::Bool(true), false)),
            (None, None) => None,
        };
        if let Some((schema, names)) = entries {
            form.types.insert(Type::Table);
            let form_of_entries = self.compile(schema);
            form.entries = Some(Entries {
                form: form_of_entries,
                names,
            });
        }
    }

    fn alternatives(&mut self, form: &mut Form, object: &'s Object) {
        let mut real = Vec::new();
        for schema in alternatives(object) {
            if is_null(schema) {
                form.types.insert(Type::Null);
            } else {
                real.push(schema);
            }
        }
        match real[..] {
            [] => {}
            [one] => self.fill(form, one),
            _ => {
                form.any = real
                    .into_iter()
                    .map(|schema| self.compile(schema))
                    .collect();
                let all_words = form.any.iter().all(|id| !self.forms[*id].words.is_empty());
                if all_words {
                    // An enum with documented variants comes as many constants: one list of words again.
                    let words = form.any.iter().flat_map(|id| &self.forms[*id].words);
                    form.words = words.cloned().collect();
                    form.any.clear();
                }
            }
        }
    }

    /// `x-refers-to` on a list, or on alternatives, is meant for the texts in it.
    fn spread_reference(&mut self, form: &mut Form) {
        let Some(refers) = form.refers.clone() else {
            return;
        };
        let mut referring = |id: Id| {
            let mut copy = self.forms[id].clone();
            if copy.takes(Type::Text) {
                copy.refers = Some(refers.clone());
            }
            self.forms.push(copy);
            self.forms.len() - 1
        };
        form.list = form.list.map(&mut referring);
        form.any = form.any.iter().map(|id| referring(*id)).collect();
    }
}

fn alternatives(object: &Object) -> impl Iterator<Item = &Value> {
    let words = ["anyOf", "oneOf", "allOf"];
    let lists = words.into_iter().filter_map(|word| object.get(word));
    lists.filter_map(Value::as_array).flatten()
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

fn def_name(reference: &str) -> Option<&str> {
    reference.strip_prefix("#/$defs/")
}

/// The named type that a schema is, alone or with null, unless it says more about it.
fn reference(schema: &Value) -> Option<(&str, bool)> {
    let object = schema.as_object()?;
    let says_more = ["writeOnly", "x-unit", "x-refers-to"];
    if says_more.iter().any(|word| object.contains_key(*word)) {
        return None;
    }
    if let Some(target) = object.get("$ref") {
        return Some((def_name(target.as_str()?)?, false));
    }
    match alternatives(object).collect::<Vec<_>>()[..] {
        [one, null] if is_null(null) => Some((def_name(one.get("$ref")?.as_str()?)?, true)),
        _ => None,
    }
}

fn annotations(form: &mut Form, object: &Object) {
    form.secret |= object.get("writeOnly") == Some(&Value::Bool(true));
    match object.get("x-unit").and_then(Value::as_str) {
        Some("bytes") => form.unit = Some(Unit::Bytes),
        Some("milliseconds") => form.unit = Some(Unit::Duration),
        _ => {}
    }
    if let Some(table) = object.get("x-refers-to").and_then(Value::as_str) {
        form.refers = Some(table.to_owned());
    }
}

fn bounds(form: &mut Form, object: &Object) {
    let number = |word: &str, old: Option<f64>| object.get(word).and_then(Value::as_f64).or(old);
    let count = |word: &str, old: Option<u64>| object.get(word).and_then(Value::as_u64).or(old);
    form.range.min = number("minimum", form.range.min);
    form.range.max = number("maximum", form.range.max);
    form.range.above = number("exclusiveMinimum", form.range.above);
    form.range.below = number("exclusiveMaximum", form.range.below);
    form.length = Span {
        min: count("minLength", form.length.min),
        max: count("maxLength", form.length.max),
    };
    form.items = Span {
        min: count("minItems", form.items.min),
        max: count("maxItems", form.items.max),
    };
    // What the type itself cannot hold, where the schema names only the type.
    if form.range.max.is_none() && form.range.below.is_none() {
        form.range.max = match object.get("format").and_then(Value::as_str) {
            Some("uint8") => Some(f64::from(u8::MAX)),
            Some("uint16") => Some(f64::from(u16::MAX)),
            Some("uint32") => Some(f64::from(u32::MAX)),
            Some("int32") => Some(f64::from(i32::MAX)),
            _ => None,
        };
    }
}
