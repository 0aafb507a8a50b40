//! What is wrong, and how is it told?

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use serde::Serialize;

use super::origin::{Origin, Sources};
use super::path::{self, Step};

/// One thing that is wrong, or, among the warnings, worth knowing.
///
/// `Display` gives the line that people read:
/// `routes.product.cache.ttl: invalid duration "5 parsecs" (config/production.toml:14:9)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The key's full path; empty where the fault is a whole file's, such as its syntax.
    pub key: String,
    /// What is wrong with it. Never a secret's value, nor a text of the wrong type.
    pub message: String,
    /// Where it was written: `file:line:column`, `variable NAME`, the flag, or `default` where nobody wrote it.
    pub place: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{} ({})", self.message, self.place)
    }
}

/// Every problem of one load, in the order of the layers and their lines; `Display` gives one a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Problems {
    /// The problems, in the order of the layers and their lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// How many there are; never none.
    #[expect(
        clippy::len_without_is_empty,
        reason = "no problem is a success, and that is another type"
    )]
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// What would have been warned of, had there been no problem.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }
}

impl<'p> IntoIterator for &'p Problems {
    type Item = &'p Problem;
    type IntoIter = std::slice::Iter<'p, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A problem while its place is still a number.
#[derive(Clone, Debug)]
struct Finding {
    key: String,
    message: String,
    at: Origin,
    /// Whether it may be a consequence of a file that could not be read.
    doubtful: bool,
}

/// Where the findings of one load gather.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The way to the value that is being looked at.
    pub(crate) path: Vec<Step>,
    findings: Vec<Finding>,
    /// The keys of the findings. Ordered, so that asking for what lies below a key costs as little with many.
    told: BTreeSet<String>,
    /// Sources of which nothing could be read.
    broken: HashSet<u32>,
    warnings: Vec<Finding>,
}

impl Report {
    /// Tells what is wrong with the value at the path.
    pub(crate) fn add(&mut self, at: Origin, message: impl Into<String>) {
        self.add_to(path::write(&self.path), at, message.into(), false);
    }

    /// As [`add`](Self::add), for what other layers could have put right: with a file unread, it is not told.
    pub(crate) fn add_doubtful(&mut self, at: Origin, message: impl Into<String>) {
        self.add_to(path::write(&self.path), at, message.into(), true);
    }

    /// Tells what is wrong with `key`.
    pub(crate) fn add_to(&mut self, key: String, at: Origin, message: String, doubtful: bool) {
        self.told.insert(key.clone());
        self.findings.push(Finding {
            key,
            message,
            at,
            doubtful,
        });
    }

    /// Tells that a source could not be read; nothing else is told of it.
    pub(crate) fn broken(&mut self, at: Origin, message: impl Into<String>) {
        self.broken.insert(at.source);
        self.add_to(String::new(), at, message.into(), false);
    }

    pub(crate) fn warn(&mut self, key: &str, at: Origin, message: String) {
        self.warnings.push(Finding {
            key: key.to_owned(),
            message,
            at,
            doubtful: false,
        });
    }

    pub(crate) fn count(&self) -> usize {
        self.findings.len()
    }

    pub(crate) fn is_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Whether something at `key`, or below or above it, was told already.
    pub(crate) fn is_told(&self, key: &str) -> bool {
        let below = |mark: char| {
            let start = format!("{key}{mark}");
            let next = self.told.range(start.clone()..).next();
            next.is_some_and(|told| told.starts_with(&start))
        };
        self.told.contains(key)
            || path::above(key).any(|above| self.told.contains(above))
            || below('.')
            || below('[')
    }

    /// Everything that was told, each fault once.
    ///
    /// The value of a template (one of `templates`) stands below many entries; its fault is told at the template.
    pub(crate) fn finish(
        self,
        sources: &Sources,
        templates: &[&str],
    ) -> (Vec<Problem>, Vec<Problem>) {
        let broken = self.broken;
        let mut findings = self.findings;
        findings.retain(|finding| {
            let unread = broken.contains(&finding.at.source) && !finding.key.is_empty();
            !unread && (broken.is_empty() || !finding.doubtful)
        });
        let of_template = |finding: &Finding| {
            templates.iter().any(|template| {
                let rest = finding.key.strip_prefix(template);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            })
        };
        // Templates first, so that theirs is the copy that stays; the sort is stable.
        findings.sort_by_cached_key(|finding| !of_template(finding));
        let mut told = HashSet::new();
        findings.retain(|f| !sources.is_exact(f.at) || told.insert((f.at, f.message.clone())));
        findings.sort_by_key(|finding| finding.at);
        let problem = |finding: Finding| Problem {
            place: sources.describe(finding.at),
            key: finding.key,
            message: finding.message,
        };
        let warnings = self.warnings.into_iter().map(problem).collect();
        (findings.into_iter().map(problem).collect(), warnings)
    }
}

impl Problems {
    pub(crate) fn new(problems: Vec<Problem>, warnings: Vec<Problem>) -> Self {
        Self { problems, warnings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(told: &[&str], key: &str, expected: bool) {
        let mut report = Report::default();
        for told in told {
            report.add_to((*told).into(), Origin::default(), String::new(), false);
        }
        assert_eq!(report.is_told(key), expected, "{key} of {told:?}");
    }

    #[test]
    fn a_key_is_told_with_what_is_above_and_below_it() {
        check(&["a.b"], "a.b", true);
        check(&["a.b"], "a", true);
        check(&["a.b"], "a.b.c", true);
        check(&["a.b"], "a.b[0]", true);
        check(&["a[3].b"], "a", true);
        check(&["a-b", "a-b.c"], "a", false);
        check(&["a.b"], "a.bc", false);
        check(&["a.bc"], "a.b", false);
        check(&[""], "a", false); // A file's syntax is not a key's fault.
    }
}
