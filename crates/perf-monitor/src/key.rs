//! What tells series of a route apart, and the words for what failed.

use std::sync::OnceLock;

use crate::method::Method;
use crate::sample::{Outcome, Sample};

/// What tells series of a route apart, in 32 bits; never zero.
///
/// From the lowest bit: 16 of the status, 4 of the method, 1 of the scheme, 6 of what failed; then
/// what `/metrics` does not tell apart, 2 of the outcome and 1 of whether it has no response time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(pub(crate) u32);

const METHOD: u32 = 16;
const SECURE: u32 = 20;
const ERROR: u32 = 21;
const OUTCOME: u32 = 27;
const UNTIMED: u32 = 29;
const IN_USE: u32 = 1 << 31;
const PAIR: u32 = (1 << SECURE) - 1;
const SHOWN: u32 = (1 << OUTCOME) - 1;

impl Key {
    /// The key of a sample that has a response time.
    #[inline]
    pub(crate) fn of(sample: &Sample, errors: &ErrorTypes) -> Self {
        let error = match sample.error_type {
            Some(word) => errors.number(word),
            None if sample.status >= 500 => ErrorTypes::STATUS,
            None => ErrorTypes::NONE,
        };
        let key = Self::of_outcome(sample.outcome).0
            | u32::from(error) << ERROR
            | u32::from(sample.secure) << SECURE
            | (sample.method as u32) << METHOD
            | u32::from(sample.status);
        Self(key)
    }

    /// The key of samples of which only the outcome counts.
    #[inline]
    pub(crate) fn of_outcome(outcome: Outcome) -> Self {
        Self(IN_USE | (outcome as u32) << OUTCOME)
    }

    /// The key of samples that have no response time; `/metrics` does not show it.
    pub(crate) fn untimed(outcome: Outcome) -> Self {
        Self(Self::of_outcome(outcome).0 | 1 << UNTIMED)
    }

    pub(crate) fn pair(self) -> u32 {
        self.0 & PAIR
    }

    /// The status, or its class when it is below ten.
    #[expect(clippy::cast_possible_truncation, reason = "the field has this width")]
    pub(crate) fn status(self) -> u16 {
        self.0 as u16
    }

    pub(crate) fn method(self) -> Method {
        Method::from_number((self.0 >> METHOD & 0xf) as u8)
    }

    pub(crate) fn secure(self) -> bool {
        self.0 >> SECURE & 1 == 1
    }

    pub(crate) fn error(self) -> u8 {
        (self.0 >> ERROR & 0x3f) as u8
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self.0 >> OUTCOME & 0b11 {
            0 => Outcome::Success,
            1 => Outcome::ClientError,
            2 => Outcome::ServerError,
            _ => Outcome::Aborted,
        }
    }

    /// Whether what it counts has a response time.
    pub(crate) fn is_timed(self) -> bool {
        self.0 >> UNTIMED & 1 == 0
    }

    /// What of it `/metrics` tells apart: the same for all outcomes.
    pub(crate) fn shown(self) -> Self {
        Self(self.0 & SHOWN)
    }

    /// The same with method `_OTHER` and the status's class.
    pub(crate) fn folded(self) -> Self {
        let class = match self.status() {
            class @ ..10 => class,
            status => (status / 100).clamp(1, 5),
        };
        Self(self.0 & !PAIR | (Method::Other as u32) << METHOD | u32::from(class))
    }

    /// The last resort: folded, and the error folded too.
    pub(crate) fn lost(self) -> Self {
        let key = self.folded();
        match self.error() {
            ErrorTypes::NONE => key,
            _ => Self(key.0 & !(0x3f << ERROR) | u32::from(ErrorTypes::OTHER) << ERROR),
        }
    }
}

/// The words for what failed, numbered in the order in which they came; programs have few.
#[derive(Debug)]
pub(crate) struct ErrorTypes([OnceLock<&'static str>; 61]);

impl Default for ErrorTypes {
    fn default() -> Self {
        Self([const { OnceLock::new() }; 61])
    }
}

impl ErrorTypes {
    const NONE: u8 = 0;
    /// The status stands for the error.
    const STATUS: u8 = 1;
    const OTHER: u8 = 2;
    const FIRST: u8 = 3;

    #[inline(never)]
    fn number(&self, word: &'static str) -> u8 {
        let numbered = (Self::FIRST..).zip(&self.0);
        for (number, known) in numbered {
            if *known.get_or_init(|| word) == word {
                return number;
            }
        }
        Self::OTHER
    }

    /// The label's value; empty where there was no error.
    pub(crate) fn word(&self, number: u8, status: &str) -> String {
        match number {
            Self::NONE => String::new(),
            Self::STATUS => status.to_owned(),
            Self::OTHER => "_OTHER".to_owned(),
            _ => {
                let word = self.0.get(usize::from(number - Self::FIRST));
                word.and_then(OnceLock::get)
                    .map_or_else(String::new, |word| (*word).to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sample::SlotIndex;

    fn sample(status: u16) -> Sample {
        Sample::new(SlotIndex::NONE, status, Duration::ZERO, Instant::now())
    }

    #[test]
    fn a_key_keeps_its_parts() {
        let errors = ErrorTypes::default();
        let outcomes = [
            Outcome::Success,
            Outcome::ClientError,
            Outcome::ServerError,
            Outcome::Aborted,
        ];
        for (status, method) in [
            (100, Method::Get),
            (503, Method::Query),
            (999, Method::Other),
        ] {
            for (outcome, secure) in outcomes.into_iter().zip([false, true, true, false]) {
                let mut of = sample(status);
                (of.method, of.outcome, of.secure) = (method, outcome, secure);
                let key = Key::of(&of, &errors);
                assert_eq!((key.status(), key.method()), (status, method));
                assert_eq!((key.secure(), key.outcome()), (secure, outcome));
                assert_eq!(key.error() == ErrorTypes::STATUS, status >= 500);
                assert!(key.is_timed() && !Key::untimed(outcome).is_timed());
                (of.outcome, of.error_type) = (Outcome::Success, None);
                assert_eq!(key.shown(), Key::of(&of, &errors).shown());
            }
        }
    }

    #[test]
    fn errors_have_a_word_or_their_status() {
        let errors = ErrorTypes::default();
        let mut failed = sample(503);
        assert_eq!(errors.word(Key::of(&failed, &errors).error(), "503"), "503");
        failed.error_type = Some("timeout");
        assert_eq!(
            errors.word(Key::of(&failed, &errors).error(), "503"),
            "timeout"
        );
        let fine = sample(404);
        assert_eq!(errors.word(Key::of(&fine, &errors).error(), "404"), "");
    }
}
