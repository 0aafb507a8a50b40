//! TOML, through the parser of the `toml` crate, which knows the span of each value.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Lines;
use crate::config::origin::Origin;
use crate::config::problem::Report;
use crate::config::tree::{Kind, Node, Table};

pub(super) fn parse(text: &str, file: Origin, report: &mut Report) -> Option<Node> {
    let lines = Lines::new(text, file);
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let table = table(&lines, root.into_inner());
        return Some(Node::new(Kind::Table(table), file));
    }
    for error in errors {
        let at = error.span().map_or(file, |span| lines.place(span.start));
        // Never `Display`: it quotes the line.
        report.broken(at, format!("not TOML: {}", error.message()));
    }
    None
}

fn table(lines: &Lines<'_>, table: DeTable<'_>) -> Table {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, Spanned<DeValue<'_>>)| {
        let key_at = lines.place(key.span().start);
        let mut node = node(lines, value);
        node.key_at = key_at;
        if node.is_table() {
            node.at = key_at;
        }
        (key.into_inner().into_owned(), node)
    };
    table.into_iter().map(entry).collect()
}

fn node(lines: &Lines<'_>, value: Spanned<DeValue<'_>>) -> Node {
    let at = lines.place(value.span().start);
    let kind = match value.into_inner() {
        DeValue::String(text) => Kind::Text(text.into_owned()),
        // What fits in no integer is a number that no key takes.
        DeValue::Integer(n) => i128::from_str_radix(n.as_str(), n.radix())
            .map_or(Kind::Float(f64::INFINITY), Kind::Integer),
        DeValue::Float(n) => Kind::Float(n.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(b) => Kind::Bool(b),
        DeValue::Datetime(date) => {
            let text = date.to_string();
            Kind::Plain(text.clone(), Box::new(Kind::Text(text)))
        }
        DeValue::Array(items) => {
            Kind::List(items.into_iter().map(|item| node(lines, item)).collect())
        }
        DeValue::Table(entries) => Kind::Table(table(lines, entries)),
    };
    Node::new(kind, at)
}
