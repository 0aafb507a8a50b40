//! From text to tree, each value with its line and column.
//!
//! Each format keeps what the person wrote: nothing is converted, and no error quotes the text, which may hold a secret.

#[cfg(feature = "foreign")]
pub(crate) mod foreign;
#[cfg(feature = "json")]
mod json;
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

use std::path::Path;

use super::origin::{Origin, Sources};
use super::problem::Report;
use super::tree::{Kind, Node};

/// How deep values may lie within each other. The TOML parser has a limit of its own.
#[cfg(any(feature = "json", feature = "yaml"))]
const DEPTH_MAX: usize = 64;

/// Reads `text` by the ending of `path`; `None` where it has a syntax error, which is told.
pub(crate) fn parse(
    path: &Path,
    text: &str,
    file: Origin,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    let node = match ending {
        "toml" => toml::parse(text, file, report),
        #[cfg(feature = "yaml")]
        "yaml" | "yml" => yaml::parse(text, file, report),
        #[cfg(feature = "json")]
        "json" => json::parse(text, file, report),
        #[cfg(feature = "foreign")]
        "ini" | "ron" | "json5" => foreign::parse(ending, text, file, sources, report),
        _ => {
            let known = endings().join(", ");
            report.broken(file, format!("the ending is not one of {known}"));
            None
        }
    };
    // Only a foreign source has origins of its own to add.
    let _ = sources;
    let mut node = node?;
    match &mut node.kind {
        // Where editors look for the schema.
        Kind::Table(table) => drop(table.remove("$schema")),
        Kind::Null => node = Node::table(file),
        other => {
            let found = other.found();
            report.broken(file, format!("expected a table, found {found}"));
            return None;
        }
    }
    Some(node)
}

fn endings() -> Vec<&'static str> {
    let mut known = vec![".toml"];
    if cfg!(feature = "yaml") {
        known.extend([".yaml", ".yml"]);
    }
    if cfg!(feature = "json") {
        known.push(".json");
    }
    if cfg!(feature = "foreign") {
        known.extend([".ini", ".ron", ".json5"]);
    }
    known
}

/// Line starts, for turning byte offsets into places.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    file: Origin,
}

impl<'t> Lines<'t> {
    fn new(text: &'t str, file: Origin) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(after_breaks).collect(),
            file,
        }
    }

    /// The place of a byte; columns count characters.
    fn place(&self, offset: usize) -> Origin {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts[line - 1];
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |t| t.chars().count());
        self.file.at(line, column + 1)
    }
}
