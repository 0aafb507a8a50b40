//! Which type does the text of a variable or a flag take?

use super::{Walk, describe};
use crate::config::hint::quoted;
use crate::config::shape::{Form, Type};
use crate::config::tree::{Kind, Node};

impl Walk<'_> {
    /// The value that `form` wants of the words in `node`: the narrowest type first, a text last.
    ///
    /// A secret is a text as it stands, and so is any text that only a text may be: `007` and `1e3` stay what they are.
    pub(super) fn words(&self, node: &Node, form: &Form) -> Result<Kind, String> {
        let Kind::Words(text) = &node.kind else {
            return Ok(node.kind.clone());
        };
        let as_text = || Ok(Kind::Text(text.clone()));
        if form.open || node.secret {
            return as_text();
        }
        let forms = self.candidates(form);
        let some = |asked: &dyn Fn(&Form) -> bool| forms.iter().any(|form| asked(form));
        let takes = |kind: Type| some(&|form| form.takes(kind));
        if some(&|form| form.words.contains(text)) {
            return as_text();
        }
        if let Ok(b) = text.to_ascii_lowercase().parse::<bool>()
            && (takes(Type::Boolean) || some(&|form| form.constants.contains(&b)))
        {
            return Ok(Kind::Bool(b));
        }
        let other = takes(Type::Integer) || takes(Type::Number) || takes(Type::Text);
        if takes(Type::Boolean) && !other {
            match text.as_str() {
                "1" => return Ok(Kind::Bool(true)),
                "0" => return Ok(Kind::Bool(false)),
                _ => {}
            }
        }
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let has_unit = some(&|form| form.unit.is_some());
        if is_whole && (takes(Type::Integer) || has_unit) {
            let number = text.parse().map(Kind::Integer);
            return number.map_err(|_| format!("{} is too large", quoted(text)));
        }
        if has_unit {
            return as_text();
        }
        if let Ok(number) = text.parse::<f64>()
            && number.is_finite()
            && takes(Type::Number)
        {
            return Ok(Kind::Float(number));
        }
        if takes(Type::Text) || some(&|form| !form.words.is_empty()) {
            return as_text();
        }
        if some(&|form| form.list.is_some()) {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            let item = |item: &str| Node::new(Kind::Words(item.into()), node.at);
            return Ok(Kind::List(items.map(item).collect()));
        }
        let wanted = describe::form(self.shape, form);
        if takes(Type::Table) {
            return Err(format!("expected {wanted}; name the key below it"));
        }
        Err(format!("{} is not {wanted}", quoted(text)))
    }

    /// The forms without alternatives that `form` stands for.
    fn candidates<'f>(&'f self, form: &'f Form) -> Vec<&'f Form> {
        if form.any.is_empty() {
            return vec![form];
        }
        let below = form.any.iter().map(|id| self.shape.form(*id));
        below.flat_map(|form| self.candidates(form)).collect()
    }
}
