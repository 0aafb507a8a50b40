//! How does the whole do?
//!
//! The whole is unhealthy where a critical check is, degraded where anything else is amiss, and healthy else. A check that has
//! not run yet says nothing either way.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Serialize;

use crate::check::{CheckResult, Criticality, Status};
use crate::timestamp;

/// The last results of all checks, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HealthReport {
    /// How well the whole does.
    pub status: Status,
    /// When the report was made; each check has a time of its own.
    pub timestamp: SystemTime,
    /// How long the monitor has been there.
    pub uptime: Duration,
    /// All checks, in the order of their names.
    pub checks: Vec<CheckReport>,
}

/// A check's part in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// The check's name.
    pub name: String,
    /// What its failure means for the whole.
    pub criticality: Criticality,
    /// What it found last; `None` before its first run.
    pub last: Option<LastResult>,
}

/// What a check found last, and how long ago.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LastResult {
    /// What it found.
    pub result: CheckResult,
    /// Time since it ended.
    pub age: Duration,
}

/// How much of a report a caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Detail {
    /// The status of each check.
    #[default]
    Bare,
    /// Also latencies, ages, figures and error texts, which may tell addresses.
    Full,
}

impl HealthReport {
    pub(crate) fn new(checks: Vec<CheckReport>, uptime: Duration) -> Self {
        Self {
            status: overall(&checks),
            timestamp: SystemTime::now(),
            uptime,
            checks,
        }
    }

    /// The report as JSON: `status`, `timestamp` (RFC 3339), `uptime` (seconds) and `checks` by name.
    pub fn to_json(&self, detail: Detail) -> Bytes {
        let checks = self
            .checks
            .iter()
            .map(|check| (check.name.as_str(), CheckJson::new(check, detail)));
        to_json(&ReportJson {
            status: self.status,
            timestamp: timestamp::rfc3339(self.timestamp),
            uptime: seconds(self.uptime),
            checks: checks.collect(),
        })
    }
}

fn overall(checks: &[CheckReport]) -> Status {
    checks
        .iter()
        .filter_map(|check| {
            let status = check.last.as_ref()?.result.status;
            Some(match check.criticality {
                Criticality::Critical => status,
                Criticality::Minor => status.min(Status::Degraded),
            })
        })
        .max()
        .unwrap_or(Status::Healthy)
}

#[derive(Serialize)]
struct ReportJson<'a> {
    status: Status,
    timestamp: String,
    uptime: f64,
    checks: BTreeMap<&'a str, CheckJson<'a>>,
}

#[derive(Serialize)]
struct CheckJson<'a> {
    status: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    full: Option<FullJson<'a>>,
}

#[derive(Serialize)]
struct FullJson<'a> {
    criticality: Criticality,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    last: Option<LastJson<'a>>,
}

#[derive(Serialize)]
struct LastJson<'a> {
    latency: f64,
    age: f64,
    timestamp: String,
    details: &'a BTreeMap<String, String>,
}

impl<'a> CheckJson<'a> {
    fn new(check: &'a CheckReport, detail: Detail) -> Self {
        let last = check.last.as_ref();
        Self {
            status: last.map_or("pending", |last| last.result.status.as_str()),
            full: (detail == Detail::Full).then(|| FullJson {
                criticality: check.criticality,
                last: last.map(|last| LastJson {
                    latency: milliseconds(last.result.latency),
                    age: milliseconds(last.age),
                    timestamp: timestamp::rfc3339(last.result.timestamp),
                    details: &last.result.details,
                }),
            }),
        }
    }
}

/// `value` as JSON. What is written here are own structs with texts as keys, which always succeeds.
pub(crate) fn to_json(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// A time in seconds, to the millisecond.
pub(crate) fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

/// A time in milliseconds, to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(results: &[(Criticality, Option<Status>)]) -> Vec<CheckReport> {
        results
            .iter()
            .map(|&(criticality, status)| CheckReport {
                name: "check".into(),
                criticality,
                last: status.map(|status| LastResult {
                    result: CheckResult::new("check", status),
                    age: Duration::ZERO,
                }),
            })
            .collect()
    }

    #[test]
    fn the_whole_is_what_its_parts_come_to() {
        use Criticality::{Critical, Minor};
        use Status::{Degraded, Healthy, Unhealthy};
        #[track_caller]
        fn check(results: &[(Criticality, Option<Status>)], whole: Status) {
            assert_eq!(overall(&checks(results)), whole);
        }
        check(&[], Healthy);
        check(&[(Critical, None)], Healthy);
        check(
            &[(Critical, Some(Healthy)), (Minor, Some(Healthy))],
            Healthy,
        );
        check(&[(Critical, Some(Degraded))], Degraded);
        check(
            &[(Critical, Some(Unhealthy)), (Minor, Some(Healthy))],
            Unhealthy,
        );
        check(
            &[(Critical, Some(Healthy)), (Minor, Some(Degraded))],
            Degraded,
        );
        check(
            &[(Critical, Some(Healthy)), (Minor, Some(Unhealthy))],
            Degraded,
        );
        check(
            &[(Critical, Some(Unhealthy)), (Minor, Some(Unhealthy))],
            Unhealthy,
        );
    }
}
