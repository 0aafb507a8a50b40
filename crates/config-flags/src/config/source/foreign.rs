//! Any source of the `config` crate as a tree: its INI, RON and JSON5 files, and whatever else a program brings.
//!
//! Its values are read as strictly as ours. Places are what the source gives: the file alone, for files.

use config::{ConfigError, File, FileFormat, Map, Value, ValueKind};

use crate::config::origin::{Origin, Source, Sources};
use crate::config::problem::Report;
use crate::config::tree::{Kind, Node, Table};

/// Reads the text of a file.
pub(super) fn parse(
    ending: &str,
    text: &str,
    file: Origin,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Node> {
    let (format, name) = match ending {
        "ini" => (FileFormat::Ini, "INI"),
        "ron" => (FileFormat::Ron, "RON"),
        _ => (FileFormat::Json5, "JSON5"),
    };
    let values = config::Source::collect(&File::from_str(text, format));
    match values {
        Ok(values) if format == FileFormat::Ini => Some(sections(values, file)),
        Ok(values) => Some(node(Value::new(None, values), file, sources)),
        Err(error) => {
            let at = place_in(&error).map_or(file, |(line, column)| file.at(line, column));
            // Not the error's text, which may quote the file's.
            report.broken(at, format!("not {name}"));
            None
        }
    }
}

/// Reads what a program's own source has.
pub(crate) fn collect(
    source: &(dyn config::Source + Send + Sync),
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Node> {
    let at = sources.add(Source::Foreign("a source of the program".into()));
    if let Ok(values) = source.collect() {
        return Some(node(Value::new(None, values), at, sources));
    }
    report.broken(at, "cannot be read"); // The error's text may quote values.
    None
}

/// INI has texts alone, and sections of one level: a text takes the type that is asked for, and a dot in a section's
/// name is one level more.
fn sections(values: Map<String, Value>, file: Origin) -> Node {
    let mut root = Table::new();
    for (section, value) in values {
        match value.kind {
            ValueKind::Table(entries) => {
                let mut table = &mut root;
                for key in section.split('.') {
                    let below = table.entry(key.to_owned());
                    let below = below.or_insert_with(|| Node::table(file));
                    if !below.is_table() {
                        *below = Node::table(file);
                    }
                    let Kind::Table(inner) = &mut below.kind else {
                        return Node::table(file);
                    };
                    table = inner;
                }
                let words = entries
                    .into_iter()
                    .map(|(key, value)| (key, words(value, file)));
                table.extend(words);
            }
            _ => drop(root.insert(section, words(value, file))),
        }
    }
    Node::new(Kind::Table(root), file)
}

fn words(value: Value, file: Origin) -> Node {
    Node::new(Kind::Words(value.into_string().unwrap_or_default()), file)
}

fn node(value: Value, at: Origin, sources: &mut Sources) -> Node {
    let at = match value.origin() {
        Some(origin) => sources.add(Source::Foreign(origin.to_owned())),
        None => at,
    };
    let kind = match value.kind {
        ValueKind::Nil => Kind::Null,
        ValueKind::Boolean(b) => Kind::Bool(b),
        ValueKind::I64(n) => Kind::Integer(n.into()),
        ValueKind::I128(n) => Kind::Integer(n),
        ValueKind::U64(n) => Kind::Integer(n.into()),
        ValueKind::U128(n) => i128::try_from(n).map_or(Kind::Float(f64::INFINITY), Kind::Integer),
        ValueKind::Float(n) => Kind::Float(n),
        ValueKind::String(text) => Kind::Text(text),
        ValueKind::Array(items) => {
            let items = items.into_iter();
            Kind::List(items.map(|item| node(item, at, sources)).collect())
        }
        ValueKind::Table(entries) => {
            let entries = entries.into_iter();
            Kind::Table(
                entries
                    .map(|(key, value)| (key, node(value, at, sources)))
                    .collect(),
            )
        }
    };
    Node::new(kind, at)
}

/// The line and column that a parser's error begins or ends with: `3:7: …`, `… at line 3 column 7`. Of several the first
/// is the innermost.
fn place_in(error: &ConfigError) -> Option<(usize, usize)> {
    let ConfigError::FileParse { cause, .. } = error else {
        return None;
    };
    let text = cause.to_string();
    let number = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        text[..digits].parse::<usize>().ok()
    };
    if let Some((_, place)) = text.split_once(" at line ") {
        let (_, column) = place.split_once("column ")?;
        return Some((number(place)?, number(column)?));
    }
    let (line, rest) = text.split_once(':')?;
    Some((line.parse().ok()?, number(rest)?))
}
