//! YAML 1.2, from the parser's events, which have places and keep the writing of a scalar.
//!
//! One document, keys that are texts, anchors and aliases; no tags but `!!str`, no merge keys (`<<`, YAML 1.1).

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput};

use super::DEPTH_MAX;
use crate::config::origin::Origin;
use crate::config::path::Step;
use crate::config::problem::Report;
use crate::config::tree::{Kind, Node, Table};

/// Values of one file, those that aliases repeat counted each time: aliases of aliases grow without bound.
const NODES_MAX: usize = 1_000_000;

pub(super) fn parse(text: &str, file: Origin, report: &mut Report) -> Option<Node> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        file,
        report,
        anchors: HashMap::new(),
        nodes: 0,
    };
    let document = reader.document();
    report.path.clear();
    match document {
        Ok(node) => Some(node),
        Err((at, message)) => {
            report.broken(at, format!("not YAML: {message}"));
            None
        }
    }
}

struct Reader<'t, 'r> {
    parser: Parser<'t, StrInput<'t>>,
    file: Origin,
    report: &'r mut Report,
    /// What each anchor stands for, and of how many values it consists.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

type Fail = (Origin, String);

impl<'t> Reader<'t, '_> {
    fn place(&self, marker: &Marker) -> Origin {
        self.file.at(marker.line(), marker.col() + 1)
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Fail> {
        loop {
            match self.parser.next_event() {
                Some(Ok((
                    Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd,
                    _,
                ))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => {
                    return Err((self.place(error.marker()), error.kind().to_string()));
                }
                None => return Ok((Event::StreamEnd, Span::default())),
            }
        }
    }

    fn document(&mut self) -> Result<Node, Fail> {
        let (event, span) = self.next()?;
        if matches!(event, Event::StreamEnd) {
            return Ok(Node::table(self.file));
        }
        let node = self.node(event, span, 0)?;
        match self.next()? {
            (Event::StreamEnd, _) => Ok(node),
            (_, span) => Err((self.place(&span.start), "one document is expected".into())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Fail> {
        let at = self.place(&span.start);
        let before = self.nodes;
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return Err((at, "values lie too deep within each other".into()));
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
                let kind = if style == ScalarStyle::Plain && !is_text {
                    plain(&text)
                } else {
                    Kind::Text(text.into_owned())
                };
                (kind, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Kind::List(self.list(depth)?), anchor),
            Event::MappingStart(_, anchor, _) => (Kind::Table(self.table(depth)?), anchor),
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id) else {
                    return Err((at, "an alias inside its own anchor".into()));
                };
                self.nodes += size;
                self.bound(at)?;
                return Ok(node.clone());
            }
            _ => return Err((at, "a value is expected here".into())),
        };
        self.bound(at)?;
        let node = Node::new(kind, at);
        if anchor > 0 {
            self.anchors
                .insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn bound(&self, at: Origin) -> Result<(), Fail> {
        if self.nodes > NODES_MAX {
            return Err((at, "too many values".into()));
        }
        Ok(())
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Fail> {
        let mut list = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(list),
                (event, span) => {
                    self.report.path.push(Step::Index(list.len()));
                    list.push(self.node(event, span, depth + 1)?);
                    self.report.path.pop();
                }
            }
        }
    }

    fn table(&mut self, depth: usize) -> Result<Table, Fail> {
        let mut table = Table::new();
        loop {
            let (key, key_at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(table),
                (Event::Scalar(key, ..), span) => (key.into_owned(), self.place(&span.start)),
                (_, span) => {
                    return Err((self.place(&span.start), "a key must be a text".into()));
                }
            };
            let (event, span) = self.next()?;
            self.report.path.push(Step::Key(key.clone()));
            let mut node = self.node(event, span, depth + 1)?;
            node.key_at = key_at;
            if node.is_table() {
                node.at = key_at;
            }
            if table.contains_key(&key) {
                self.report.add(key_at, "given twice in this file");
            }
            self.report.path.pop();
            table.insert(key, node);
        }
    }
}

/// YAML 1.2's core schema: the writing decides the type; the writing itself is kept for where a text is wanted.
fn plain(text: &str) -> Kind {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let kind = match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ if is_whole => text
            .parse()
            .map_or(Kind::Float(f64::INFINITY), Kind::Integer),
        _ if is_number => match text.parse() {
            Ok(number) => Kind::Float(number),
            Err(_) => return Kind::Text(text.into()),
        },
        _ => return Kind::Text(text.into()),
    };
    Kind::Plain(text.into(), Box::new(kind))
}
