//! From layers to one tree.

use std::io::ErrorKind;
use std::path::Path;

use super::{Layer, Layers};
use crate::config::merge::Merge;
use crate::config::origin::{Origin, Source, Sources};
use crate::config::path::Step;
use crate::config::problem::Report;
use crate::config::shape::Shape;
use crate::config::source;
use crate::config::tree::{Kind, Node, normal};

/// Reads every layer and merges them, then puts the templates beneath their entries.
pub(crate) fn read(
    layers: &Layers,
    shape: &Shape,
    sources: &mut Sources,
    report: &mut Report,
) -> Node {
    let mut tree = Node::table(Origin::default());
    for layer in &layers.list {
        for (node, words) in layer.nodes(shape, sources, report) {
            let mut merge = Merge {
                shape,
                report,
                words,
            };
            merge.root(&mut tree, node);
        }
    }
    for template in &layers.templates {
        beneath(&mut tree, template.key, template.entries, shape, report);
    }
    tree
}

impl Layer {
    /// What the layer says, each tree with whether it is made of words (of a variable or a flag).
    fn nodes(
        &self,
        shape: &Shape,
        sources: &mut Sources,
        report: &mut Report,
    ) -> Vec<(Node, bool)> {
        match self {
            Self::Profile(name, text) => {
                let at = sources.add(Source::Profile(name.clone()));
                let node = source::parse(Path::new("profile.toml"), text, at, sources, report);
                node.map(|node| (node, false)).into_iter().collect()
            }
            Self::Folder(path) => {
                if !path.is_dir() {
                    let at = sources.add(Source::File(path.clone()));
                    report.broken(at, "there is no such folder");
                }
                Vec::new()
            }
            Self::File { path, optional } => {
                let node = file(path, *optional, sources, report);
                node.map(|node| (node, false)).into_iter().collect()
            }
            Self::Environment(environment) => {
                let is_key = |keys: &[String]| shape.at(keys.iter().map(String::as_str)).is_some();
                let assignments = environment.assignments(&is_key, sources, report);
                let node = |a: crate::config::environment::Assignment| {
                    Node::nested(a.keys.iter().map(String::as_str), a.text, a.at)
                };
                assignments.into_iter().map(|a| (node(a), true)).collect()
            }
            Self::Flag { flag, key, text } => {
                let at = sources.add(Source::Flag(flag.clone()));
                vec![(Node::nested(key.split('.'), text.clone(), at), true)]
            }
            #[cfg(feature = "foreign")]
            Self::Source(source) => {
                let node = source::foreign::collect(source.as_ref(), sources, report);
                node.map(|node| (node, false)).into_iter().collect()
            }
        }
    }

    /// What the layer says of a key of the root, read for that alone.
    pub(super) fn text_of(&self, key: &str) -> Option<String> {
        let (sources, report) = (&mut Sources::default(), &mut Report::default());
        match self {
            Self::File { path, .. } => text_at(&file(path, true, sources, report)?, key),
            Self::Profile(_, text) => {
                let at = Origin::default();
                let node = source::parse(Path::new("profile.toml"), text, at, sources, report);
                text_at(&node?, key)
            }
            Self::Environment(environment) => {
                let is_key = |keys: &[String]| matches!(keys, [one] if normal(one) == normal(key));
                let assignments = environment.assignments(&is_key, sources, report);
                let mut of_key = assignments.into_iter().filter(|a| is_key(&a.keys));
                of_key.next_back().map(|a| a.text)
            }
            Self::Flag { key: own, text, .. } => (normal(own) == normal(key)).then(|| text.clone()),
            Self::Folder(_) => None,
            #[cfg(feature = "foreign")]
            Self::Source(source) => text_at(
                &source::foreign::collect(source.as_ref(), sources, report)?,
                key,
            ),
        }
    }
}

fn text_at(node: &Node, key: &str) -> Option<String> {
    let Kind::Table(table) = &node.kind else {
        return None;
    };
    let (_, value) = table.iter().find(|(name, _)| normal(name) == normal(key))?;
    match &value.kind {
        Kind::Text(text) | Kind::Words(text) => Some(text.clone()),
        _ => None,
    }
}

fn file(path: &Path, optional: bool, sources: &mut Sources, report: &mut Report) -> Option<Node> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let at = sources.add(Source::File(path.to_owned()));
            source::parse(path, &text, at, sources, report)
        }
        Err(e) if optional && e.kind() == ErrorKind::NotFound => None,
        Err(e) => {
            let at = sources.add(Source::File(path.to_owned()));
            report.broken(at, format!("cannot be read: {e}"));
            None
        }
    }
}

fn beneath(tree: &mut Node, template: &str, entries: &str, shape: &Shape, report: &mut Report) {
    let Kind::Table(root) = &mut tree.kind else {
        return;
    };
    let Some(base) = root.get(template).filter(|base| base.is_table()).cloned() else {
        return;
    };
    let form = shape.at([entries]);
    let form = form
        .and_then(|id| shape.table(id, ""))
        .and_then(|table| table.entries);
    let (Some(form), Some(table)) = (form, root.get_mut(entries)) else {
        return;
    };
    let Kind::Table(table) = &mut table.kind else {
        return;
    };
    let mut merge = Merge {
        shape,
        report,
        words: false,
    };
    for (name, entry) in table.iter_mut().filter(|(_, entry)| entry.is_table()) {
        let mut whole = base.clone();
        (whole.at, whole.key_at) = (entry.at, entry.key_at);
        let own = std::mem::replace(entry, Node::table(base.at));
        merge.report.path = vec![Step::Key(entries.into()), Step::Key(name.clone())];
        merge.node(&mut whole, own, form.form);
        *entry = whole;
    }
    report.path.clear();
}
