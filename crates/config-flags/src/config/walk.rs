//! Is what was written what the settings type asks for?
//!
//! The merged tree is walked along the shape: names, types, ranges, lengths, units, words, references. It goes on after
//! each finding; what is not sound becomes a hole, which readers pass over. On the way each value takes its type:
//! durations and sizes their unit, the words of variables what is asked for, references the spelling of what they name.

mod alternatives;
mod describe;
mod scalar;
mod words;

use std::collections::{BTreeMap, HashMap};

use super::hint::Guesses;
use super::origin::{Origin, Sources};
use super::path::{self, Step};
use super::problem::Report;
use super::shape::{Form, Id, Shape, Type};
use super::tree::{Kind, Node, Table, normal};

/// Checks `tree`, telling what is wrong.
pub(crate) fn walk(tree: &mut Node, shape: &Shape, sources: &Sources, report: &mut Report) {
    let declared = Declared::of(tree, shape);
    let mut walk = Walk {
        shape,
        sources,
        declared: &declared,
        report,
        guesses: &mut Guesses::default(),
    };
    walk.node(tree, shape.root(), false);
}

struct Walk<'a> {
    shape: &'a Shape,
    sources: &'a Sources,
    declared: &'a Declared,
    report: &'a mut Report,
    guesses: &'a mut Guesses,
}

/// Why a value is not sound.
struct Fault {
    message: String,
    /// Whether a file that could not be read might have put it right.
    doubtful: bool,
}

impl<T: Into<String>> From<T> for Fault {
    fn from(message: T) -> Self {
        Self {
            message: message.into(),
            doubtful: false,
        }
    }
}

impl Walk<'_> {
    /// Returns whether `node` may be read; where not, it becomes a hole.
    fn node(&mut self, node: &mut Node, id: Id, secret: bool) -> bool {
        // The shape outlives the borrow of `self`.
        let shape = self.shape;
        let form = shape.form(id);
        node.secret = secret || form.secret;
        let sound = self.check(node, form);
        if !sound {
            node.hole.set(true);
        }
        sound
    }

    fn check(&mut self, node: &mut Node, form: &Form) -> bool {
        if let Err(message) = self.take_type(node, form) {
            return self.tell(node, message);
        }
        if form.open {
            settle(node);
            return true;
        }
        if !form.any.is_empty() {
            return self.alternatives(node, form);
        }
        let (at, secret) = (node.at, node.secret);
        match (&mut node.kind, form.list) {
            (Kind::Null, _) if form.takes(Type::Null) => true,
            (Kind::Table(table), _) if form.takes(Type::Table) => {
                self.table(table, form, at, secret)
            }
            (Kind::List(list), Some(items)) => {
                for (index, item) in list.iter_mut().enumerate() {
                    self.report.path.push(Step::Index(index));
                    self.node(item, items, secret);
                    self.report.path.pop();
                }
                let count = u64::try_from(list.len()).unwrap_or(u64::MAX);
                match describe::out_of_span(form.items, count, "value") {
                    Some(message) => self.tell(node, message),
                    None => true,
                }
            }
            _ => match self.scalar(node, form) {
                Ok(()) => true,
                Err(fault) => self.tell(node, fault),
            },
        }
    }

    fn tell(&mut self, node: &Node, fault: impl Into<Fault>) -> bool {
        let fault = fault.into();
        if fault.doubtful {
            self.report.add_doubtful(node.at, fault.message);
        } else {
            self.report.add(node.at, fault.message);
        }
        false
    }

    /// Gives a value that has its writing only the type that `form` asks for.
    fn take_type(&mut self, node: &mut Node, form: &Form) -> Result<(), String> {
        match &mut node.kind {
            Kind::Words(_) => node.kind = self.words(node, form)?,
            Kind::Plain(raw, inner) => {
                let is_text = form.takes(Type::Text) || !form.words.is_empty();
                let wanted = match **inner {
                    Kind::Bool(b) => form.takes(Type::Boolean) || form.constants.contains(&b),
                    Kind::Integer(_) => {
                        form.takes(Type::Integer) || form.takes(Type::Number) || form.unit.is_some()
                    }
                    Kind::Float(_) => form.takes(Type::Number),
                    _ => false,
                };
                let has_choice = !form.any.is_empty();
                if wanted || form.open || (!is_text && form.unit.is_none() && !has_choice) {
                    node.kind = std::mem::replace(inner, Kind::Null);
                } else if !has_choice {
                    node.kind = Kind::Text(std::mem::take(raw));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn table(&mut self, table: &mut Table, form: &Form, at: Origin, secret: bool) -> bool {
        let mut sound = true;
        // Keys that were probably meant by unknown ones: that they are not set is told with that.
        let mut meant: Vec<&str> = Vec::new();
        for (key, node) in table.iter_mut() {
            self.report.path.push(Step::Key(key.clone()));
            if let Some(property) = form.property(key) {
                sound &= self.node(node, property.form, secret) || !property.required;
            } else if let Some(entries) = form.entries {
                self.node(node, entries.form, secret);
            } else {
                meant.extend(self.unknown_key(key, node.key_at, form));
                node.hole.set(true);
            }
            self.report.path.pop();
        }
        for property in form.properties() {
            if !property.required || table.contains_key(&property.name) {
                continue;
            }
            sound = false;
            if !meant.contains(&property.name.as_str()) {
                self.report.path.push(Step::Key(property.name.clone()));
                self.report.add_doubtful(at, "required, but not set");
                self.report.path.pop();
            }
        }
        sound
    }

    fn unknown_key<'f>(&mut self, key: &str, at: Origin, form: &'f Form) -> Option<&'f str> {
        const LISTED_MAX: usize = 8;
        let known = || form.properties().iter().map(|p| p.name.as_str());
        let meant = self.guesses.nearest(key, known());
        let more = match meant {
            Some(near) => format!(", did you mean {near}?"),
            None if known().count() <= LISTED_MAX => {
                let known: Vec<&str> = known().collect();
                format!("; known here: {}", known.join(", "))
            }
            None => String::new(),
        };
        self.report.add(at, format!("unknown key{more}"));
        meant
    }
}

/// What a value without a type of its own is where anything may stand.
fn settle(node: &mut Node) {
    match &mut node.kind {
        Kind::Plain(_, inner) => node.kind = std::mem::replace(inner, Kind::Null),
        Kind::Words(text) => node.kind = Kind::Text(std::mem::take(text)),
        Kind::List(list) => list.iter_mut().for_each(settle),
        Kind::Table(table) => table.values_mut().for_each(settle),
        _ => {}
    }
}

/// The entries of every table that something refers to, as they are spelt, by their normal form.
struct Declared(HashMap<String, BTreeMap<String, String>>);

impl Declared {
    fn of(tree: &Node, shape: &Shape) -> Self {
        let referred = shape.forms().iter().filter_map(|form| form.refers.clone());
        let mut declared = HashMap::new();
        for table in referred {
            declared.entry(table).or_insert_with_key(|table| {
                match tree.deepest(&path::read(table)) {
                    (node, true) => names(node),
                    _ => BTreeMap::new(),
                }
            });
        }
        Self(declared)
    }

    fn entries(&self, table: &str) -> Option<&BTreeMap<String, String>> {
        self.0.get(table)
    }
}

fn names(node: &Node) -> BTreeMap<String, String> {
    let Kind::Table(table) = &node.kind else {
        return BTreeMap::new();
    };
    let spelt = |key: &String| (normal(key).into_owned(), key.clone());
    table.keys().map(spelt).collect()
}
