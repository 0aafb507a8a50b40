//! Is one value of the right type, in range, and one of the words?

use std::time::Duration;

use super::{Fault, Walk, describe};
use crate::config::hint::quoted;
use crate::config::shape::{Form, Type, Unit};
use crate::config::tree::{Kind, Node, normal};
use crate::config::unit;

impl Walk<'_> {
    pub(super) fn scalar(&mut self, node: &mut Node, form: &Form) -> Result<(), Fault> {
        let (secret, is_flag) = (node.secret, self.sources.is_flag(node.at));
        let show = |text: String| if secret { "the value".into() } else { text };
        let number = form.takes(Type::Number);
        match &mut node.kind {
            Kind::Bool(b) if form.takes(Type::Boolean) || form.constants.contains(b) => Ok(()),
            Kind::Integer(n) if form.unit == Some(Unit::Duration) => {
                let n = *n;
                if is_flag {
                    return Err(format!("{n} needs a unit here, such as {n}ms or {n}s").into());
                }
                let ms = u64::try_from(n);
                let ms = ms.map_err(|_| format!("invalid duration {}", show(n.to_string())))?;
                node.kind = Kind::Duration(Duration::from_millis(ms));
                Ok(())
            }
            Kind::Text(text) if form.unit == Some(Unit::Duration) => {
                let duration = unit::duration(text);
                let duration =
                    duration.ok_or_else(|| format!("invalid duration {}", show(quoted(text))))?;
                node.kind = Kind::Duration(duration);
                Ok(())
            }
            Kind::Text(text) if form.unit == Some(Unit::Bytes) => {
                let bytes = unit::bytes(text);
                let bytes = bytes.ok_or_else(|| format!("invalid size {}", show(quoted(text))))?;
                node.kind = Kind::Integer(bytes.into());
                self.scalar(node, form)
            }
            Kind::Integer(n) if form.takes(Type::Integer) || number => {
                // Bounds are compared as the schema has them, in floating point.
                in_range(form, *n as f64, || show(n.to_string()))
            }
            Kind::Float(n) if number && n.is_finite() => in_range(form, *n, || show(n.to_string())),
            Kind::Text(text) if !form.words.is_empty() => {
                if form.words.contains(text) {
                    return Ok(());
                }
                let words = form.words.iter().map(String::as_str);
                let hint = self.guesses.did_you_mean(text, words);
                let known = form.words.join(", ");
                Err(format!("{} is not one of {known}{hint}", show(quoted(text))).into())
            }
            Kind::Text(text) if form.takes(Type::Text) => {
                self.reference(text, form)?;
                let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
                match describe::out_of_span(form.length, count, "character") {
                    Some(message) => Err(message.into()),
                    None => Ok(()),
                }
            }
            _ => Err(self.mismatch(node, form).into()),
        }
    }

    /// Checks that what `text` names exists, and gives it the spelling that it has there.
    fn reference(&mut self, text: &mut String, form: &Form) -> Result<(), Fault> {
        let Some(table) = &form.refers else {
            return Ok(());
        };
        let Some(known) = self.declared.entries(table) else {
            return Ok(());
        };
        if let Some(name) = known.get(normal(text).as_ref()) {
            text.clone_from(name);
            return Ok(());
        }
        let names = known.values().map(String::as_str);
        let hint = self.guesses.did_you_mean(text, names);
        let last = table.rsplit('.').next().unwrap_or(table);
        let kind = last.strip_suffix('s').unwrap_or(last);
        Err(Fault {
            message: format!("there is no {kind} {}{hint}", quoted(text)),
            doubtful: true,
        })
    }

    /// Names both types, never the value.
    fn mismatch(&self, node: &Node, form: &Form) -> String {
        let wants_number = form.takes(Type::Integer) || form.takes(Type::Number);
        let hint = match &node.kind {
            Kind::Text(text) if wants_number && !node.secret && text.parse::<f64>().is_ok() => {
                " (write it without quotes)"
            }
            Kind::Integer(_) | Kind::Float(_) | Kind::Bool(_) if form.takes(Type::Text) => {
                " (put it in quotes)"
            }
            _ => "",
        };
        let wanted = describe::form(self.shape, form);
        format!("expected {wanted}, found {}{hint}", node.kind.found())
    }
}

fn in_range(form: &Form, n: f64, shown: impl Fn() -> String) -> Result<(), Fault> {
    match describe::out_of_range(form.range, n) {
        Some(expected) => Err(format!("{} is out of range, {expected}", shown()).into()),
        None => Ok(()),
    }
}
