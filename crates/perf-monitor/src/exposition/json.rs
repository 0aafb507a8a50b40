//! Figures as JSON: camelCase, durations in milliseconds, shares from 0 to 1, times in RFC 3339.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::rfc3339::rfc3339;
use crate::aggregate::{Aggregate, AllMetrics};
use crate::monitor::{Monitor, PerformanceMonitor};
use crate::process::Process;
use crate::window::Window;

/// What [`Monitor::document`] tells; a program adds its own fields beside these.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricsDocument {
    /// Every route that had a request.
    pub performance: Vec<Performance>,
    /// All of them together.
    pub total: Performance,
    /// The last reading of the process, if there was one.
    pub process: Option<ProcessUsage>,
    /// When this was read.
    pub timestamp: String,
}

/// An [`Aggregate`] as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields of `Aggregate`, which says what they are"
)]
pub struct Performance {
    /// The route's id; left out for several routes together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_id: Option<String>,
    /// The route's path template; left out for several routes together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_route: Option<String>,
    pub count: u64,
    pub rate: f64,
    pub avg_response_time: f64,
    pub min_response_time: f64,
    pub max_response_time: f64,
    pub p50_response_time: f64,
    pub p95_response_time: f64,
    pub p99_response_time: f64,
    pub p999_response_time: f64,
    pub error_rate: f64,
    pub server_error_rate: f64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub aborted: u64,
    pub request_bytes: u64,
    pub response_bytes: u64,
    pub cache_hit_rate: f64,
    pub in_flight: u64,
    pub last_updated: Option<String>,
}

impl Performance {
    /// The figures of a route.
    pub fn of_route(id: &str, template: &str, aggregate: &Aggregate) -> Self {
        Self {
            route_id: Some(id.to_owned()),
            http_route: Some(template.to_owned()),
            ..Self::from(aggregate)
        }
    }
}

impl From<&Aggregate> for Performance {
    fn from(aggregate: &Aggregate) -> Self {
        Self {
            route_id: None,
            http_route: None,
            count: aggregate.count,
            rate: aggregate.rate,
            avg_response_time: millis(aggregate.avg),
            min_response_time: millis(aggregate.min),
            max_response_time: millis(aggregate.max),
            p50_response_time: millis(aggregate.p50),
            p95_response_time: millis(aggregate.p95),
            p99_response_time: millis(aggregate.p99),
            p999_response_time: millis(aggregate.p99_9),
            error_rate: aggregate.error_rate,
            server_error_rate: aggregate.server_error_rate,
            client_errors: aggregate.client_errors,
            server_errors: aggregate.server_errors,
            aborted: aggregate.aborted,
            request_bytes: aggregate.bytes_in,
            response_bytes: aggregate.bytes_out,
            cache_hit_rate: aggregate.hit_rate,
            in_flight: aggregate.in_flight,
            last_updated: aggregate.last_updated.map(rfc3339),
        }
    }
}

/// A [`Process`] as JSON: memory in bytes, `cpuTime` in milliseconds, `uptime` in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
#[expect(
    missing_docs,
    reason = "the fields of `Process`, which says what they are"
)]
pub struct ProcessUsage {
    pub resident_memory: u64,
    pub virtual_memory: u64,
    pub cpu_time: f64,
    pub open_fds: u64,
    pub max_fds: Option<u64>,
    pub threads: u64,
    pub started: String,
    pub uptime: f64,
}

impl From<&Process> for ProcessUsage {
    fn from(process: &Process) -> Self {
        let uptime = SystemTime::now().duration_since(process.started);
        Self {
            resident_memory: process.resident_bytes,
            virtual_memory: process.virtual_bytes,
            cpu_time: millis(process.cpu),
            open_fds: process.open_fds,
            max_fds: process.max_fds,
            threads: process.threads,
            started: rfc3339(process.started),
            uptime: uptime.unwrap_or_default().as_secs_f64(),
        }
    }
}

impl Monitor {
    /// The figures of all routes over `window`, and the process, as a document for JSON.
    pub fn document(&self, window: Window) -> MetricsDocument {
        let AllMetrics { total, routes } = self.all_metrics(window);
        let performance = routes
            .iter()
            .map(|route| Performance::of_route(&route.id, &route.template, &route.aggregate));
        MetricsDocument {
            performance: performance.collect(),
            total: Performance::from(&total),
            process: self.process().as_ref().map(ProcessUsage::from),
            timestamp: rfc3339(SystemTime::now()),
        }
    }
}

/// Milliseconds to the microsecond: what is finer is below what is measured.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
