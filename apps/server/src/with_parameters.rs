//! A text of the configuration in which `{name}` stands for a parameter of the route's path.

use route_core::Template;
use thiserror::Error;

/// Such a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithParameters(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Parameter(String),
}

/// What may be wrong with one.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ParameterError {
    /// A brace without its partner.
    #[error("a brace without its partner in {0:?}")]
    Brace(String),
    /// The route's path has no such parameter.
    #[error("the route's path has no parameter {{{0}}}")]
    Unknown(String),
}

impl WithParameters {
    /// Reads a text whose `{name}`s are parameters of `template`.
    pub fn compile(text: &str, template: &Template) -> Result<Self, ParameterError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find(['{', '}']) {
            let (before, tail) = rest.split_at(open);
            let close = tail.find('}').filter(|_| tail.starts_with('{'));
            let close = close.ok_or_else(|| ParameterError::Brace(text.to_owned()))?;
            let name = &tail[1..close];
            if !template.params().any(|known| known == name) {
                return Err(ParameterError::Unknown(name.to_owned()));
            }
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(Piece::Parameter(name.to_owned()));
            rest = &tail[close + 1..];
        }
        pieces.push(Piece::Text(rest.to_owned()));
        Ok(Self(pieces))
    }

    /// The text for one request; `None` where a parameter is missing.
    pub fn fill<'a>(&self, captured: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(piece) => text.push_str(piece),
                Piece::Parameter(name) => text.push_str(captured(name)?),
            }
        }
        Some(text)
    }

    /// The text before the first parameter.
    pub fn beginning(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_and_faults_told() {
        let template = "/p/{id}/{*rest}".parse().unwrap();
        let compile = |text| WithParameters::compile(text, &template);
        let captured = |name: &str| (name == "id").then_some("7");
        let text = compile("product-{id}!").unwrap();
        assert_eq!(text.fill(captured).as_deref(), Some("product-7!"));
        assert_eq!(text.beginning(), "product-");
        assert_eq!(compile("{rest}").unwrap().fill(captured), None);
        assert_eq!(compile("a{b"), Err(ParameterError::Brace("a{b".to_owned())));
        assert_eq!(compile("a}"), Err(ParameterError::Brace("a}".to_owned())));
        assert_eq!(compile("{b}"), Err(ParameterError::Unknown("b".to_owned())));
    }
}
