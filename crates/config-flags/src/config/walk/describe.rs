//! How does a message say what was expected?

use crate::config::shape::{Form, Range, Shape, Span, Type, Unit};

/// Everything that may stand at a form: `false or a table`.
pub(super) fn form(shape: &Shape, form: &Form) -> String {
    let mut parts = Vec::new();
    collect(shape, form, &mut parts);
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".into(),
    }
}

fn collect(shape: &Shape, form: &Form, parts: &mut Vec<String>) {
    for id in &form.any {
        collect(shape, shape.form(*id), parts);
    }
    let number = match form.unit {
        Some(Unit::Duration) => Some("a duration (milliseconds, or such as 30s)"),
        Some(Unit::Bytes) => Some("a size (bytes, or such as 10MiB)"),
        None if form.takes(Type::Integer) => Some("a whole number"),
        None if form.takes(Type::Number) => Some("a number"),
        None => None,
    };
    let boolean = form.takes(Type::Boolean).then_some("true or false");
    let text = form.takes(Type::Text).then_some("a text");
    let list = form.list.map(|_| "a list");
    let table = form.takes(Type::Table).then_some("a table");
    let own = number.into_iter().chain(boolean).map(str::to_owned);
    let own = own.chain(form.constants.iter().map(bool::to_string));
    let own = own.chain(form.words.iter().cloned());
    let own = own.chain([text, list, table].into_iter().flatten().map(str::to_owned));
    for part in own {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
}

/// What a number outside of its range should have been.
pub(super) fn out_of_range(range: Range, n: f64) -> Option<String> {
    let Range {
        min,
        max,
        above,
        below,
    } = range;
    let inside = min.is_none_or(|bound| n >= bound)
        && max.is_none_or(|bound| n <= bound)
        && above.is_none_or(|bound| n > bound)
        && below.is_none_or(|bound| n < bound);
    if inside {
        return None;
    }
    if let (Some(min), Some(max)) = (min, max) {
        return Some(format!("expected {min} to {max}"));
    }
    let at_least = min.map(|bound| format!("at least {bound}"));
    let at_most = max.map(|bound| format!("at most {bound}"));
    let low = at_least.or_else(|| above.map(|bound| format!("more than {bound}")));
    let high = at_most.or_else(|| below.map(|bound| format!("less than {bound}")));
    let both: Vec<String> = low.into_iter().chain(high).collect();
    Some(format!("expected {}", both.join(" and ")))
}

/// What a count outside of its bounds should have been; `what` is one of the counted.
pub(super) fn out_of_span(span: Span, count: u64, what: &str) -> Option<String> {
    let (bound, limit) = match (span.min, span.max) {
        (Some(min), _) if count < min => ("at least", min),
        (_, Some(max)) if count > max => ("at most", max),
        _ => return None,
    };
    let plural = if limit == 1 { "" } else { "s" };
    Some(format!(
        "expected {bound} {limit} {what}{plural}, found {count}"
    ))
}
