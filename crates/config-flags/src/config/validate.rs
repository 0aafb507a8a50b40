//! Where does what the settings type's own `Validate` found stand?
//!
//! `validator` names fields as Rust does, and the entries of a map by their position in it, which is that of the sorted keys.

use validator::{ValidationErrors, ValidationErrorsKind};

use super::origin::Origin;
use super::path::{self, Step};
use super::problem::Report;
use super::tree::{Kind, Node, normal};

/// Tells what `Validate` found, but for what was told already or follows from it.
pub(crate) fn tell(errors: &ValidationErrors, tree: &Node, report: &mut Report) {
    let mut place = Place {
        node: Some(tree),
        at: Origin::default(),
    };
    place.at = tree.at;
    all(errors, place, report);
}

/// A value that was found wanting; where only the default stands, the place of the table around it.
#[derive(Clone, Copy)]
struct Place<'n> {
    node: Option<&'n Node>,
    at: Origin,
}

impl<'n> Place<'n> {
    fn below(self, node: Option<&'n Node>) -> Self {
        Self {
            node,
            at: node.map_or(self.at, |node| node.at),
        }
    }
}

fn all(errors: &ValidationErrors, place: Place<'_>, report: &mut Report) {
    for (field, found) in errors.errors() {
        // What a `schema` function says is about the whole table.
        if field == "__all__" {
            one(found, place, report);
            continue;
        }
        let (name, node) = match child(place.node, field) {
            Some((name, node)) => (name, Some(node)),
            None => (field.as_ref(), None),
        };
        report.path.push(Step::Key(name.to_owned()));
        one(found, place.below(node), report);
        report.path.pop();
    }
}

fn one(found: &ValidationErrorsKind, place: Place<'_>, report: &mut Report) {
    match found {
        ValidationErrorsKind::Struct(errors) => all(errors, place, report),
        ValidationErrorsKind::List(items) => {
            for (position, errors) in items {
                let (step, node) = entry(place.node, *position);
                report.path.push(step);
                all(errors, place.below(node), report);
                report.path.pop();
            }
        }
        ValidationErrorsKind::Field(errors) => {
            for error in errors {
                if report.is_told(&path::write(&report.path)) {
                    continue;
                }
                // Never `Display`: it prints the value.
                let message = match &error.message {
                    Some(message) => message.to_string(),
                    None => format!("is not valid ({})", error.code),
                };
                report.add(place.at, message);
            }
        }
    }
}

fn child<'n>(node: Option<&'n Node>, field: &str) -> Option<(&'n str, &'n Node)> {
    let Kind::Table(table) = &node?.kind else {
        return None;
    };
    let as_written = table.get_key_value(field);
    let found = as_written.or_else(|| table.iter().find(|(key, _)| normal(key) == normal(field)));
    found.map(|(key, node)| (key.as_str(), node))
}

/// The n-th value of those that were read; holes were not.
fn entry(node: Option<&Node>, position: usize) -> (Step, Option<&Node>) {
    let found = match node.map(|node| &node.kind) {
        Some(Kind::Table(table)) => {
            let read = table.iter().filter(|(_, node)| !node.is_hole());
            let mut found = read.map(|(key, node)| (Step::Key(key.clone()), node));
            found.nth(position)
        }
        Some(Kind::List(list)) => {
            let read = list.iter().enumerate().filter(|(_, node)| !node.is_hole());
            let mut found = read.map(|(index, node)| (Step::Index(index), node));
            found.nth(position)
        }
        _ => None,
    };
    match found {
        Some((step, node)) => (step, Some(node)),
        None => (Step::Index(position), None),
    }
}
