//! Which variables of the process set which keys?
//!
//! - A well-known variable has a name of its own (`JWT_SECRET`); of two that mean one key, the earlier in the table wins.
//! - Any other key is written with the prefix and `__` for each dot: `APP__ROUTES__PRODUCT__CACHE__TTL`.
//! - `{NAME}_FILE` reads the value from a file, as containers mount secrets; one newline at its end is cut off.
//! - An empty variable is an unset one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::origin::{Source, Sources};
use super::problem::Report;

/// A variable with a name of its own, and the key that it sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WellKnown {
    variable: &'static str,
    key: &'static str,
    lacking: Option<&'static str>,
}

impl WellKnown {
    /// `variable` sets `key`.
    pub const fn new(variable: &'static str, key: &'static str) -> Self {
        Self {
            variable,
            key,
            lacking: None,
        }
    }

    /// The variable belongs to a capability that this build lacks: it is passed over, with a warning that names both.
    pub const fn lacking(self, capability: &'static str) -> Self {
        Self {
            lacking: Some(capability),
            ..self
        }
    }

    /// The variable's name.
    pub const fn variable(&self) -> &'static str {
        self.variable
    }

    /// The key that it sets.
    pub const fn key(&self) -> &'static str {
        self.key
    }
}

/// The variables of a process as a layer of settings.
#[derive(Clone)]
pub struct Environment {
    prefix: String,
    well_known: &'static [WellKnown],
    variables: BTreeMap<OsString, OsString>,
}

/// Names only: any value may be a secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("prefix", &self.prefix)
            .field("variables", &self.variables.keys())
            .finish_non_exhaustive()
    }
}

/// A variable's text, and the key that it sets.
pub(crate) struct Assignment {
    /// From the root down, as it is written in the variable.
    pub(crate) keys: Vec<String>,
    pub(crate) text: String,
    pub(crate) at: super::origin::Origin,
}

impl Environment {
    /// `variables` are usually [`std::env::vars_os`]. Those that are neither in `well_known` nor begin with `prefix` and `__` are not looked
    /// at.
    pub fn new<N, V>(
        prefix: &str,
        well_known: &'static [WellKnown],
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self
    where
        N: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables.into_iter();
        Self {
            prefix: format!("{prefix}__"),
            well_known,
            variables: variables
                .map(|(name, value)| (name.into(), value.into()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        }
    }

    /// What the variables set, the lowest first: those with the prefix win over the well-known ones.
    ///
    /// `is_key` says whether a written key exists, which decides whether `…_FILE` is a key of that name or another's file.
    pub(crate) fn assignments(
        &self,
        is_key: &dyn Fn(&[String]) -> bool,
        sources: &mut Sources,
        report: &mut Report,
    ) -> Vec<Assignment> {
        let mut found = Vec::new();
        for known in self.well_known.iter().rev() {
            self.well_known(*known, &mut found, sources, report);
        }
        self.prefixed(is_key, &mut found, sources, report);
        found
    }

    fn well_known(
        &self,
        known: WellKnown,
        found: &mut Vec<Assignment>,
        sources: &mut Sources,
        report: &mut Report,
    ) {
        let file = format!("{}_FILE", known.variable);
        let plain = self.variables.get(OsStr::new(known.variable));
        let from_file = self.variables.get(OsStr::new(&file));
        let (name, value) = match (plain, from_file) {
            (None, None) => return,
            (Some(value), _) => (known.variable, value),
            (None, Some(value)) => (file.as_str(), value),
        };
        if let Some(capability) = known.lacking {
            let at = sources.add(Source::Variable(name.into()));
            report.warn(
                known.key,
                at,
                format!("{name} is passed over: this build has no {capability}"),
            );
            return;
        }
        if plain.is_some() && is_service_link(known.variable, value) {
            let at = sources.add(Source::Variable(name.into()));
            let why = "it is the address that the platform gives a service of that name";
            report.warn(known.key, at, format!("{name} is passed over: {why}"));
            return;
        }
        let keys: Vec<String> = known.key.split('.').map(str::to_owned).collect();
        if plain.is_some() && from_file.is_some() {
            both_set(&keys, known.variable, &file, sources, report);
            return;
        }
        found.extend(read(keys, name, value, plain.is_none(), sources, report));
    }

    fn prefixed(
        &self,
        is_key: &dyn Fn(&[String]) -> bool,
        found: &mut Vec<Assignment>,
        sources: &mut Sources,
        report: &mut Report,
    ) {
        // By the key as it is compared, so that two variables of one key meet.
        let mut taken: BTreeMap<String, &str> = BTreeMap::new();
        for (name, value) in &self.variables {
            let Some(name) = name.to_str() else { continue };
            let Some(written) = self.after_prefix(name) else {
                continue;
            };
            let split = |written: &str| written.split("__").map(str::to_owned).collect::<Vec<_>>();
            let own = split(written);
            let stem = written
                .len()
                .checked_sub("_FILE".len())
                .filter(|at| written.is_char_boundary(*at))
                .filter(|at| written[*at..].eq_ignore_ascii_case("_FILE"))
                .map(|at| split(&written[..at]));
            let (keys, is_file) = match stem {
                Some(stem) if !is_key(&own) && is_key(&stem) => (stem, true),
                _ => (own, false),
            };
            let compared = super::tree::normal(&keys.join("__")).into_owned();
            if let Some(other) = taken.insert(compared, name) {
                both_set(&keys, other, name, sources, report);
                continue;
            }
            found.extend(read(keys, name, value, is_file, sources, report));
        }
    }

    fn after_prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (start, rest) = name.split_at_checked(self.prefix.len())?;
        start.eq_ignore_ascii_case(&self.prefix).then_some(rest)
    }
}

/// Kubernetes gives every pod `REDIS_PORT=tcp://10.0.0.1:6379` where a service is called `redis`; nobody wrote it.
fn is_service_link(variable: &str, value: &OsStr) -> bool {
    let value = value.to_str().unwrap_or_default();
    let schemes = ["tcp://", "udp://", "sctp://"];
    variable.ends_with("_PORT") && schemes.iter().any(|scheme| value.starts_with(scheme))
}

fn key_text(keys: &[String]) -> String {
    super::tree::normal(&keys.join(".")).into_owned()
}

fn both_set(keys: &[String], one: &str, other: &str, sources: &mut Sources, report: &mut Report) {
    let at = sources.add(Source::Variable(other.into()));
    report.add_to(
        key_text(keys),
        at,
        format!("{one} and {other} are both set"),
        false,
    );
}

fn read(
    keys: Vec<String>,
    name: &str,
    value: &OsStr,
    is_file: bool,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Assignment> {
    let (at, text) = if is_file {
        let path = PathBuf::from(value);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("cannot be read: {e}"));
        (sources.add(Source::VariableFile(name.into(), path)), text)
    } else {
        let text = value.to_str().map(str::to_owned);
        let text = text.ok_or_else(|| String::from("is not valid UTF-8"));
        (sources.add(Source::Variable(name.into())), text)
    };
    match text {
        Ok(mut text) => {
            if is_file && text.ends_with('\n') {
                text.pop();
                if text.ends_with('\r') {
                    text.pop();
                }
            }
            Some(Assignment { keys, text, at })
        }
        Err(message) => {
            report.add_to(key_text(&keys), at, message, false);
            None
        }
    }
}
