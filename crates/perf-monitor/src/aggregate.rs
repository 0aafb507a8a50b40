//! What can be read of a route: figures over a window.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::histogram::Dense;
use crate::totals::Counts;

/// The figures of one route, one arm or all routes over a window. Rates and shares are fractions
/// from 0 to 1, and zero when nothing was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Aggregate {
    /// Requests that ended, aborted ones and streams among them.
    pub count: u64,
    /// Requests a second.
    pub rate: f64,
    /// The mean response time.
    pub avg: Duration,
    /// The least response time.
    pub min: Duration,
    /// The greatest response time.
    pub max: Duration,
    /// The median response time; like the other quantiles the nearest rank, within 1 %.
    pub p50: Duration,
    /// The response time that 95 % of the requests kept.
    pub p95: Duration,
    /// The response time that 99 % of the requests kept.
    pub p99: Duration,
    /// The response time that 99.9 % of the requests kept.
    pub p99_9: Duration,
    /// Requests that have a response time: all but tunnels and event streams.
    pub timed: u64,
    /// The share of client and server errors in what was not aborted.
    pub error_rate: f64,
    /// The share of server errors in what was not aborted.
    pub server_error_rate: f64,
    /// Requests that failed by the client's mistake.
    pub client_errors: u64,
    /// Requests that failed by ours or the upstream's.
    pub server_errors: u64,
    /// Requests whose client went away.
    pub aborted: u64,
    /// Bytes of content that clients sent.
    pub bytes_in: u64,
    /// Bytes of content that were sent to clients.
    pub bytes_out: u64,
    /// The share of fresh and stale hits in what the cache did not stand aside for.
    pub hit_rate: f64,
    /// Requests that the cache did not stand aside for.
    pub cache_lookups: u64,
    /// Requests that are being served now, whatever the window.
    pub in_flight: u64,
    /// When a request was last counted, whatever the window; to the interval of folding.
    pub last_updated: Option<SystemTime>,
}

/// A route and its figures.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RouteMetrics {
    /// The route's id.
    pub id: Arc<str>,
    /// Its path template.
    pub template: Arc<str>,
    /// Its figures.
    pub aggregate: Aggregate,
}

/// The figures of every route that was asked for at least once.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AllMetrics {
    /// All routes together.
    pub total: Aggregate,
    /// Each route, in the order of the ids.
    pub routes: Vec<RouteMetrics>,
}

/// The two sides of a change on one route.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ArmMetrics {
    /// Requests that had the old.
    pub control: Aggregate,
    /// Requests that had the new.
    pub treated: Aggregate,
}

/// Sums from which figures are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) counts: Counts,
    pub(crate) times: Dense,
    pub(crate) in_flight: u64,
    /// When a request was last counted, after the monitor's start.
    pub(crate) updated: Option<Duration>,
}

impl Sum {
    pub(crate) fn clear(&mut self) {
        self.counts = Counts::default();
        self.times.clear();
        (self.in_flight, self.updated) = (0, None);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.times.add_all(&other.times);
        self.in_flight += other.in_flight;
        self.updated = self.updated.max(other.updated);
    }

    /// The figures of what came within `span`.
    pub(crate) fn aggregate(&self, span: Duration, last_updated: Option<SystemTime>) -> Aggregate {
        let counts = &self.counts;
        let timed = self.times.total();
        // A bucket's middle may lie outside what was seen.
        let (min, max) = if timed == 0 {
            (0, 0)
        } else {
            (counts.min, counts.max)
        };
        let [p50, p95, p99, p99_9] = self
            .times
            .quantiles([0.5, 0.95, 0.99, 0.999])
            .map(|nanos| Duration::from_nanos(nanos.max(min).min(max)));
        let answered = counts.count.saturating_sub(counts.aborted);
        Aggregate {
            count: counts.count,
            rate: per_second(counts.count, span),
            avg: Duration::from_nanos(counts.nanos.checked_div(timed).unwrap_or(0)),
            min: Duration::from_nanos(min),
            max: Duration::from_nanos(max),
            p50,
            p95,
            p99,
            p99_9,
            timed,
            error_rate: share(counts.client_errors + counts.server_errors, answered),
            server_error_rate: share(counts.server_errors, answered),
            client_errors: counts.client_errors,
            server_errors: counts.server_errors,
            aborted: counts.aborted,
            bytes_in: counts.bytes_in,
            bytes_out: counts.bytes_out,
            hit_rate: share(counts.hits, counts.lookups),
            cache_lookups: counts.lookups,
            in_flight: self.in_flight,
            last_updated,
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 / whole as f64).min(1.0)
}

fn per_second(count: u64, span: Duration) -> f64 {
    // In the first second after the start a rate would be anything; count it as one.
    count as f64 / span.as_secs_f64().max(1.0)
}
