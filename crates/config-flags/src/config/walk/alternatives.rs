//! Which of several forms is meant, and what is wrong with it?

use super::{Walk, describe};
use crate::config::hint::quoted;
use crate::config::problem::Report;
use crate::config::shape::{Form, Id, Type};
use crate::config::tree::{Kind, Node, Table};

impl Walk<'_> {
    /// Checks a value of which several forms are possible.
    ///
    /// One that fits alone is meant, and its faults are told; of several the first without a fault is taken, or the
    /// one with the fewest faults told.
    pub(super) fn alternatives(&mut self, node: &mut Node, form: &Form) -> bool {
        if matches!(node.kind, Kind::Null) && form.takes(Type::Null) {
            return true;
        }
        let fits = |id: &Id| self.fits(self.shape.form(*id), &node.kind);
        let fitting: Vec<Id> = form.any.iter().copied().filter(fits).collect();
        if let [one] = fitting[..] {
            return self.node(node, one, node.secret);
        }
        let mut fewest: Option<(usize, Id)> = None;
        for id in fitting {
            let (sound, faults, tried) = self.try_form(node, id);
            if sound && faults == 0 {
                *node = tried;
                return true;
            }
            if fewest.is_none_or(|(least, _)| faults < least) {
                fewest = Some((faults, id));
            }
        }
        match (&node.kind, fewest) {
            (Kind::Table(_) | Kind::List(_), Some((_, id))) => self.node(node, id, node.secret),
            (Kind::Text(text), _) if !node.secret => {
                let wanted = describe::form(self.shape, form);
                let message = format!("{} is not {wanted}", quoted(text));
                self.tell(node, message)
            }
            _ => {
                let wanted = describe::form(self.shape, form);
                let message = format!("expected {wanted}, found {}", node.kind.found());
                self.tell(node, message)
            }
        }
    }

    /// Checks a copy of `node` against a form, telling nobody.
    fn try_form(&mut self, node: &Node, id: Id) -> (bool, usize, Node) {
        let mut scratch = Report::default();
        scratch.path.clone_from(&self.report.path);
        let mut copy = node.clone();
        let mut walk = Walk {
            report: &mut scratch,
            guesses: &mut *self.guesses,
            ..*self
        };
        let sound = walk.node(&mut copy, id, node.secret);
        (sound, scratch.count(), copy)
    }

    /// Whether a value is of a form's type, without a look at what is in it.
    fn fits(&self, form: &Form, kind: &Kind) -> bool {
        let is_text = form.takes(Type::Text) || !form.words.is_empty();
        let below = || {
            form.any
                .iter()
                .any(|id| self.fits(self.shape.form(*id), kind))
        };
        form.open
            || below()
            || match kind {
                Kind::Table(table) => form.takes(Type::Table) && self.has_tag(form, table),
                Kind::List(_) => form.list.is_some(),
                Kind::Text(_) => is_text || form.unit.is_some(),
                Kind::Plain(_, inner) => is_text || self.fits(form, inner),
                Kind::Integer(_) => {
                    form.takes(Type::Integer) || form.takes(Type::Number) || form.unit.is_some()
                }
                Kind::Float(_) => form.takes(Type::Number),
                Kind::Bool(b) => form.takes(Type::Boolean) || form.constants.contains(b),
                Kind::Null => form.takes(Type::Null),
                Kind::Words(_) | Kind::Duration(_) => true,
            }
    }

    /// Whether the key that tells a tagged variant from the others, if there is one, names this variant.
    fn has_tag(&self, form: &Form, table: &Table) -> bool {
        let required = form
            .properties()
            .iter()
            .filter(|property| property.required);
        required
            .filter_map(|property| Some((property, table.get(&property.name)?)))
            .all(
                |(property, node)| match (&node.kind, &self.shape.form(property.form).words[..]) {
                    (Kind::Text(word) | Kind::Words(word), [only]) => word == only,
                    _ => true,
                },
            )
    }
}
