//! JSON, through `serde_json`. It knows no places, but a `&RawValue` is a slice of the text: where it lies is where the
//! value stands.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DEPTH_MAX, Lines};
use crate::config::origin::Origin;
use crate::config::path::Step;
use crate::config::problem::Report;
use crate::config::tree::{Kind, Node, Table};

pub(super) fn parse(text: &str, file: Origin, report: &mut Report) -> Option<Node> {
    let lines = Lines::new(text, file);
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => {
            let mut reader = Reader { lines, report };
            let node = reader.node(raw, 0);
            reader.report.path.clear();
            if let Err(at) = node {
                reader
                    .report
                    .broken(at, "values lie too deep within each other");
            }
            node.ok()
        }
        Err(error) => {
            // "expected `,` or `}` at line 3 column 5": the place is told by the origin.
            let full = error.to_string();
            let message = full
                .rsplit_once(" at line")
                .map_or(full.as_str(), |(m, _)| m);
            let at = file.at(error.line(), error.column());
            report.broken(at, format!("not JSON: {message}"));
            None
        }
    }
}

struct Reader<'t, 'r> {
    lines: Lines<'t>,
    report: &'r mut Report,
}

impl Reader<'_, '_> {
    /// Fails with the place of a value that lies too deep.
    fn node(&mut self, raw: &RawValue, depth: usize) -> Result<Node, Origin> {
        let text = raw.get();
        let at = text.as_ptr() as usize - self.lines.text.as_ptr() as usize;
        let at = self.lines.place(at);
        if depth > DEPTH_MAX {
            return Err(at);
        }
        // The whole text was read once, so no part of it fails now.
        let kind = match text.as_bytes().first() {
            Some(b'{') => Kind::Table(self.table(text, depth)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    self.report.path.push(Step::Index(index));
                    list.push(self.node(item, depth + 1)?);
                    self.report.path.pop();
                }
                Kind::List(list)
            }
            Some(b'"') => Kind::Text(serde_json::from_str(text).unwrap_or_default()),
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') | None => Kind::Null,
            Some(_) => text.parse::<i128>().map_or_else(
                |_| Kind::Float(text.parse().unwrap_or(f64::NAN)),
                Kind::Integer,
            ),
        };
        Ok(Node::new(kind, at))
    }

    fn table(&mut self, text: &str, depth: usize) -> Result<Table, Origin> {
        let mut table = Table::new();
        let pairs = serde_json::Deserializer::from_str(text).deserialize_map(Pairs);
        for (key, value) in pairs.unwrap_or_default() {
            self.report.path.push(Step::Key(key.clone()));
            let node = self.node(value, depth + 1)?;
            if table.contains_key(&key) {
                self.report.add(node.at, "given twice in this file");
            }
            self.report.path.pop();
            table.insert(key, node);
        }
        Ok(table)
    }
}

/// Reads an object as pairs: a map would hide a key that is given twice.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
