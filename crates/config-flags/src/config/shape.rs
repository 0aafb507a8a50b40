//! What does the settings type accept, at every key?
//!
//! A [`Shape`] is the type's JSON Schema, compiled once a load into [`Form`]s that the merge and the walk ask without
//! following references or comparing texts.

mod compile;

use std::collections::HashMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::tree::normal;

pub(crate) use compile::is_std_duration;

/// The number of a form.
pub(crate) type Id = usize;

/// Every form of a settings type.
#[derive(Debug)]
pub(crate) struct Shape {
    forms: Vec<Form>,
    root: Id,
}

/// What may stand at one key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) types: Types,
    /// Anything may stand here.
    pub(crate) open: bool,
    /// `writeOnly`: no message shows it.
    pub(crate) secret: bool,
    pub(crate) unit: Option<Unit>,
    pub(crate) range: Range,
    pub(crate) length: Span,
    pub(crate) items: Span,
    /// The texts that may stand here, where not any may.
    pub(crate) words: Vec<String>,
    /// `false` alone, or `true` alone.
    pub(crate) constants: Vec<bool>,
    properties: Vec<Property>,
    /// Positions in `properties`, by the name as it is written and as it is compared.
    index: HashMap<String, usize, foldhash::fast::RandomState>,
    pub(crate) entries: Option<Entries>,
    pub(crate) list: Option<Id>,
    /// The key of the table whose entries may be named here.
    pub(crate) refers: Option<String>,
    pub(crate) any: Vec<Id>,
}

/// A key that a table has by its type.
#[derive(Clone, Debug)]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) form: Id,
    pub(crate) required: bool,
}

/// The keys of a table that a configuration makes up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entries {
    pub(crate) form: Id,
    /// Whether they are names, of which case and `-` or `_` make no difference.
    pub(crate) names: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null = 1,
    Boolean = 2,
    Integer = 4,
    Number = 8,
    Text = 16,
    Table = 32,
}

/// A set of [`Type`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Types(u8);

impl Types {
    pub(crate) fn has(self, kind: Type) -> bool {
        self.0 & kind as u8 != 0
    }

    fn insert(&mut self, kind: Type) {
        self.0 |= kind as u8;
    }

    fn remove(&mut self, kind: Type) {
        self.0 &= !(kind as u8);
    }
}

/// How a number may be written beside its plain form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Duration,
    Bytes,
}

/// The bounds of a number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) above: Option<f64>,
    pub(crate) below: Option<f64>,
}

/// The bounds of a length.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) min: Option<u64>,
    pub(crate) max: Option<u64>,
}

impl Form {
    pub(crate) fn takes(&self, kind: Type) -> bool {
        self.types.has(kind)
    }

    /// The key of the type that `name` means.
    pub(crate) fn property(&self, name: &str) -> Option<&Property> {
        let at = self.index.get(name);
        let at = at.or_else(|| self.index.get(normal(name).as_ref()));
        at.map(|at| &self.properties[*at])
    }

    pub(crate) fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The form of the value at `key`, be it a property or an entry.
    pub(crate) fn below(&self, key: &str) -> Option<Id> {
        let property = self.property(key).map(|property| property.form);
        property.or_else(|| self.entries.map(|entries| entries.form))
    }
}

impl Shape {
    pub(crate) fn of<T: JsonSchema>() -> Self {
        compile::compile(&generated::<T>())
    }

    pub(crate) fn root(&self) -> Id {
        self.root
    }

    pub(crate) fn form(&self, id: Id) -> &Form {
        &self.forms[id]
    }

    pub(crate) fn forms(&self) -> &[Form] {
        &self.forms
    }

    /// The form that a table at `id` has; of several, the one that knows `key`.
    pub(crate) fn table(&self, id: Id, key: &str) -> Option<&Form> {
        let form = self.form(id);
        if form.takes(Type::Table) {
            return Some(form);
        }
        let mut tables = form.any.iter().filter_map(|id| self.table(*id, key));
        let first = tables.next()?;
        if first.property(key).is_some() {
            return Some(first);
        }
        let knowing = tables.find(|table| table.property(key).is_some());
        Some(knowing.unwrap_or(first))
    }

    /// The form that the items of a list at `id` have.
    pub(crate) fn items(&self, id: Id) -> Option<Id> {
        let form = self.form(id);
        let below = || form.any.iter().find_map(|id| self.items(*id));
        form.list.or_else(below)
    }

    /// The form at the end of a written path, if the type has such a key.
    pub(crate) fn at<'k>(&self, keys: impl IntoIterator<Item = &'k str>) -> Option<Id> {
        keys.into_iter().try_fold(self.root, |id, key| {
            self.table(id, key).and_then(|table| table.below(key))
        })
    }
}

/// The type's JSON Schema as schemars writes it.
pub(crate) fn generated<T: JsonSchema>() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<T>().to_value()
}
