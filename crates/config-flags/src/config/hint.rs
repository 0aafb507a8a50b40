//! What may a message quote, and what was probably meant?

use super::tree::normal;

/// Characters of a value that a message shows at most.
const SHOWN_MAX: usize = 60;

/// A value as it may stand in a message: quoted, short, on one line.
pub(crate) fn quoted(text: &str) -> String {
    let short: String = text.chars().take(SHOWN_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}

/// How many comparisons one load may still spend on finding what was meant.
///
/// Each is cheap, but ten thousand wrong names against ten thousand known ones would take minutes.
#[derive(Debug)]
pub(crate) struct Guesses(usize);

impl Default for Guesses {
    fn default() -> Self {
        Self(100_000)
    }
}

impl Guesses {
    /// The known name that is nearest to `name`, if one is near: a third of its letters may differ.
    pub(crate) fn nearest<'k>(
        &mut self,
        name: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> Option<&'k str> {
        let wanted = normal(name);
        known
            .take_while(|_| {
                self.0 = self.0.saturating_sub(1);
                self.0 > 0
            })
            .filter_map(|known| {
                let limit = (known.len().max(wanted.len()) / 3).max(1);
                if known.len().abs_diff(wanted.len()) > limit {
                    return None;
                }
                let distance = strsim::damerau_levenshtein(&wanted, &normal(known));
                (distance <= limit).then_some((distance, known))
            })
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, known)| known)
    }

    /// `, did you mean ttl?`, or nothing.
    pub(crate) fn did_you_mean<'k>(
        &mut self,
        name: &str,
        known: impl Iterator<Item = &'k str>,
    ) -> String {
        self.nearest(name, known)
            .map_or_else(String::new, |near| format!(", did you mean {near}?"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["upstream", "timeout", "ttl"];
        let nearest = |name: &str| Guesses::default().nearest(name, known.into_iter());
        assert_eq!(nearest("timout"), Some("timeout"));
        assert_eq!(nearest("UP-STREAM"), Some("upstream"));
        assert_eq!(nearest("tll"), Some("ttl"));
        assert_eq!(nearest("password"), None);
    }

    #[test]
    fn guesses_run_out() {
        let mut guesses = Guesses(3);
        let known = ["x1", "x2", "x3", "near"];
        assert_eq!(guesses.nearest("nead", known.into_iter()), None);
    }

    #[test]
    fn a_long_value_is_cut() {
        assert_eq!(quoted("a\nb"), r#""a\nb""#);
        assert_eq!(quoted(&"x".repeat(99)).chars().count(), SHOWN_MAX + 3);
    }
}
