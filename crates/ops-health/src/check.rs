//! How does one part do?
//!
//! A [`HealthCheck`] looks at one part, the database or memory say, and answers with a [`CheckResult`]. How often it is
//! asked, how long it may take and what becomes of a panic is the [`HealthMonitor`](crate::HealthMonitor)'s matter.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use serde::Serialize;

/// A look at one part of the program or at something it needs.
///
/// Checks run side by side as tasks of the runtime: one that waits must do so with `.await`, never by blocking its thread.
#[async_trait]
pub trait HealthCheck: fmt::Debug + Send + Sync + 'static {
    /// The name under which the result is reported, such as `database`. The monitor reads it once, when the check is added.
    fn name(&self) -> &str;

    /// Looks, and tells. Whoever runs the check adds how long it took.
    async fn execute(&self) -> CheckResult;

    /// What a failure means for the whole report.
    fn criticality(&self) -> Criticality {
        Criticality::Minor
    }

    /// Returns whether a failure takes the readiness of this server away. It is granted only where [`cause`](Self::cause) is
    /// [`Cause::Local`].
    fn gates_readiness(&self) -> bool {
        false
    }

    /// Whose fault a failure is.
    fn cause(&self) -> Cause {
        Cause::Shared
    }
}

/// What a failing check means for the whole report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// The whole is unhealthy where this check is.
    Critical,
    /// The whole is degraded at worst.
    Minor,
}

/// Whose fault a failure is, and so whether sending traffic elsewhere helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// This server's alone; the others are fine.
    Local,
    /// Something that the other servers see too, or soon will. Were such a failure to take readiness away, one outage would
    /// empty the whole fleet.
    Shared,
}

/// How well a part does, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// As it should.
    Healthy,
    /// It works, but worse than it should.
    Degraded,
    /// It does not work.
    Unhealthy,
}

impl Status {
    /// The word for it: `healthy`, `degraded` or `unhealthy`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckResult {
    /// The check's name.
    pub name: String,
    /// How well the part does.
    pub status: Status,
    /// How long the check took; the monitor measures it.
    pub latency: Duration,
    /// Figures and error texts for an operator, by name. They may tell addresses: not for everyone.
    pub details: BTreeMap<String, String>,
    /// When the check ended.
    pub timestamp: SystemTime,
}

impl CheckResult {
    /// The result of the check `name`, as of now.
    pub fn new(name: impl Into<String>, status: Status) -> Self {
        Self {
            name: name.into(),
            status,
            latency: Duration::ZERO,
            details: BTreeMap::new(),
            timestamp: SystemTime::now(),
        }
    }

    /// The result of a check whose part does as it should.
    pub fn healthy(name: impl Into<String>) -> Self {
        Self::new(name, Status::Healthy)
    }

    /// The result of a check whose part works, but worse than it should.
    pub fn degraded(name: impl Into<String>) -> Self {
        Self::new(name, Status::Degraded)
    }

    /// The result of a check whose part does not work.
    pub fn unhealthy(name: impl Into<String>) -> Self {
        Self::new(name, Status::Unhealthy)
    }

    /// Adds the detail `key`.
    pub fn with(mut self, key: impl Into<String>, value: impl fmt::Display) -> Self {
        self.details.insert(key.into(), value.to_string());
        self
    }
}
