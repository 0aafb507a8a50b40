//! How do two layers become one?
//!
//! Tables merge by key, anything else is replaced. A name takes the spelling of the schema, or that of the entry that is
//! there already, so that `max-body` in one file and `MAX_BODY` in a variable are one key.

use std::collections::{HashMap, HashSet};

use super::path::Step;
use super::problem::Report;
use super::shape::{Form, Id, Shape, Type};
use super::tree::{Kind, Node, Table, normal};

pub(crate) struct Merge<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) report: &'a mut Report,
    /// Whether the layer is a variable or a flag, which has no case of its own to give to a new name.
    pub(crate) words: bool,
}

impl Merge<'_> {
    /// Puts the tree `from` on top of `into`.
    pub(crate) fn root(&mut self, into: &mut Node, from: Node) {
        self.node(into, from, self.shape.root());
    }

    /// Puts `from` on top of `into`; both stand where `id` is asked for.
    pub(crate) fn node(&mut self, into: &mut Node, from: Node, id: Id) {
        if !self.keeps_table(into, &from, self.shape.form(id)) {
            return;
        }
        let Kind::Table(entries) = from.kind else {
            *into = from;
            self.list(into, id);
            return;
        };
        if !into.is_table() {
            *into = Node::table(from.at);
        }
        // A table is best told by its line: a variable that adds a key to it does not take it over.
        if from.at.line > 0 || into.at.line == 0 {
            (into.at, into.key_at) = (from.at, from.key_at);
        }
        if let Kind::Table(table) = &mut into.kind {
            self.entries(table, entries, id);
        }
    }

    /// Tells a value where only a table may stand, and the other way round, and answers whether to go on.
    ///
    /// It is told here, because what is replaced in the merge is never walked.
    fn keeps_table(&mut self, into: &Node, from: &Node, form: &Form) -> bool {
        let only_table = form.takes(Type::Table) && form.any.is_empty() && !form.open;
        let (is, was) = (from.is_table(), into.is_table());
        if !only_table || is == was {
            return true;
        }
        let scalar = if is { into } else { from };
        if !matches!(scalar.kind, Kind::Null) {
            let found = scalar.kind.found();
            self.report
                .add(scalar.at, format!("expected a table, found {found}"));
        }
        is
    }

    /// The tables in a list have names to spell too.
    fn list(&mut self, into: &mut Node, id: Id) {
        let (Kind::List(list), Some(items)) = (&mut into.kind, self.shape.items(id)) else {
            return;
        };
        for (index, item) in list.iter_mut().enumerate() {
            self.report.path.push(Step::Index(index));
            self.adopt(item, items);
            self.report.path.pop();
        }
    }

    /// Takes over a value beneath which there is none, in place as far as its names are spelt already: most values of
    /// most configurations come this way, and building each table anew is what merging would cost.
    fn adopt(&mut self, node: &mut Node, id: Id) {
        if !self.is_spelt(node, id) {
            let own = std::mem::replace(node, Node::table(node.at));
            self.node(node, own, id);
            return;
        }
        self.list(node, id);
        let Kind::Table(table) = &mut node.kind else {
            return;
        };
        table.retain(|key, value| {
            let form = self.shape.table(id, key);
            let Some(below) = form.and_then(|form| form.below(key)) else {
                return true;
            };
            if self.is_empty_section(value, below) {
                return false;
            }
            self.report.path.push(Step::Key(key.clone()));
            self.adopt(value, below);
            self.report.path.pop();
            true
        });
    }

    /// Whether every name in a table is spelt as it will be.
    fn is_spelt(&self, node: &Node, id: Id) -> bool {
        let Kind::Table(table) = &node.kind else {
            return true;
        };
        let mut names = HashSet::new();
        table.keys().all(|key| {
            let form = self.shape.table(id, key);
            if let Some(property) = form.and_then(|form| form.property(key)) {
                return property.name == *key;
            }
            let entries = form.and_then(|form| form.entries);
            match entries {
                Some(entries) if entries.names => !self.words && names.insert(normal(key)),
                Some(_) => true,
                None => !self.words,
            }
        })
    }

    /// A section whose keys are all commented out is nothing in YAML, and no fault.
    fn is_empty_section(&self, value: &Node, id: Id) -> bool {
        let form = self.shape.form(id);
        let is_section = form.takes(Type::Table) && !form.takes(Type::Null);
        is_section && matches!(value.kind, Kind::Null)
    }

    fn entries(&mut self, table: &mut Table, entries: Table, id: Id) {
        let mut spelling = Spelling::default();
        for (key, value) in entries {
            let form = self.shape.table(id, &key);
            let name = self.name(table, &mut spelling, form, &key);
            self.report.path.push(Step::Key(name.clone()));
            let is_name = form.is_some_and(|form| {
                form.property(&key).is_some() || form.entries.is_some_and(|entries| entries.names)
            });
            let other = if is_name {
                spelling.given.insert(name.clone(), key.clone())
            } else {
                None
            };
            if let Some(other) = other {
                self.report.add(
                    value.key_at,
                    format!("given twice in this file, as {other} and as {key}"),
                );
            }
            let below = form.and_then(|form| form.below(&key));
            self.entry(table, name, value, below);
            self.report.path.pop();
        }
    }

    fn entry(&mut self, table: &mut Table, name: String, mut value: Node, below: Option<Id>) {
        if let Some(id) = below {
            if let Some(old) = table.get_mut(&name) {
                self.node(old, value, id);
                return;
            }
            if self.is_empty_section(&value, id) {
                return;
            }
            self.adopt(&mut value, id);
        }
        table.insert(name, value);
    }

    /// How `key` is spelt in the merged tree.
    fn name(
        &self,
        table: &Table,
        spelling: &mut Spelling,
        form: Option<&Form>,
        key: &str,
    ) -> String {
        if let Some(property) = form.and_then(|form| form.property(key)) {
            return property.name.clone();
        }
        let as_written = || {
            if self.words {
                key.to_ascii_lowercase()
            } else {
                key.to_owned()
            }
        };
        match form.and_then(|form| form.entries) {
            Some(entries) if entries.names => {
                if table.contains_key(key) {
                    return key.to_owned();
                }
                let spelt = spelling.there.get_or_insert_with(|| {
                    let keys = table.keys();
                    keys.map(|k| (normal(k).into_owned(), k.clone())).collect()
                });
                spelt
                    .entry(normal(key).into_owned())
                    .or_insert_with(as_written)
                    .clone()
            }
            // The names of headers and queries are as they are written.
            Some(_) => key.to_owned(),
            None => as_written(),
        }
    }
}

/// The names of one table while a layer is put on it.
#[derive(Default)]
struct Spelling {
    /// How the layer wrote a name, by what it came to.
    given: HashMap<String, String>,
    /// How the table wrote a name, by its normal form. Made only where the layer has a name that the table has not.
    there: Option<HashMap<String, String>>,
}
