//! The story of one load.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use validator::Validate;

use super::layers::{self, Layers};
use super::loaded::Loaded;
use super::origin::{Origin, Sources};
use super::path;
use super::problem::{Problems, Report};
use super::shape::Shape;
use super::tree::Node;
use super::{reader, validate, walk};

/// Reads all layers, merges, checks, deserialises and validates: the settings, or every problem at once.
pub fn load<T>(layers: &Layers) -> Result<Loaded<T>, Problems>
where
    T: DeserializeOwned + JsonSchema + Validate,
{
    load_with(layers, |_: &T| Vec::new())
}

/// As [`load`], with rules that need all settings: each answer is a key and what is wrong with it.
///
/// Rules are asked although other problems were found, so that all are told at once; an answer about a key that was told
/// already is passed over. They see defaults where something had to be left out.
pub fn load_with<T>(
    layers: &Layers,
    rules: impl FnOnce(&T) -> Vec<(String, String)>,
) -> Result<Loaded<T>, Problems>
where
    T: DeserializeOwned + JsonSchema + Validate,
{
    let shape = Shape::of::<T>();
    let (mut sources, mut report) = (Sources::default(), Report::default());
    let mut tree = layers::read(layers, &shape, &mut sources, &mut report);
    walk::walk(&mut tree, &shape, &sources, &mut report);
    let settings = reader::read::<T>(&tree, &mut report);
    // With a file unread, what these find may be a consequence.
    if let (Some(settings), false) = (&settings, report.is_broken()) {
        if let Err(errors) = settings.validate() {
            validate::tell(&errors, &tree, &mut report);
        }
        for (key, message) in rules(settings) {
            tell_rule(key, message, &tree, &mut report);
        }
    }
    let templates: Vec<&str> = layers.templates().iter().map(|t| t.key).collect();
    let (problems, warnings) = report.finish(&sources, &templates);
    match settings {
        Some(settings) if problems.is_empty() => {
            Ok(Loaded::new(settings, tree, sources, shape, warnings))
        }
        _ => Err(Problems::new(problems, warnings)),
    }
}

fn tell_rule(key: String, message: String, tree: &Node, report: &mut Report) {
    if report.is_told(&key) {
        return;
    }
    // Where only the default stands, the table around it says where a line could be added.
    let (node, _) = tree.deepest(&path::read(&key));
    let at = if std::ptr::eq(node, tree) {
        Origin::default()
    } else {
        node.at
    };
    report.add_to(key, at, message, false);
}
