//! One place that answers, and how it does.

mod latency;
mod url;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use http::HeaderValue;

use self::latency::PeakEwma;
pub use self::url::{EndpointUrl, EndpointUrlError};

/// Gives each endpoint of the process its own number, so that a worker's pools need no names.
static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// An endpoint of an upstream with its figures, shared by all workers.
///
/// It outlives a change of the settings as long as its address stays.
#[derive(Debug)]
pub struct Endpoint {
    id: u64,
    url: EndpointUrl,
    http2: bool,
    host: HeaderValue,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    failures: AtomicU64,
    latency: PeakEwma,
}

impl Endpoint {
    pub(crate) fn new(url: EndpointUrl, http2: bool) -> Arc<Self> {
        // An authority has only characters that a field may have; the empty value never shows.
        let host =
            HeaderValue::from_str(url.authority()).unwrap_or_else(|_| HeaderValue::from_static(""));
        Arc::new(Self {
            id: NEXT_ID.fetch_add(1, Relaxed),
            url,
            http2,
            host,
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            latency: PeakEwma::new(Instant::now()),
        })
    }

    /// Returns host and port as configured.
    pub fn address(&self) -> &str {
        self.url.authority()
    }

    /// Returns the address as configured.
    pub fn url(&self) -> &EndpointUrl {
        &self.url
    }

    /// Returns whether the endpoint is asked over HTTP/2.
    pub fn is_http2(&self) -> bool {
        self.http2
    }

    /// Returns how many tries it is working on, an answer whose body still flows included.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Returns how many tries it was given.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Returns how many tries failed: no connection, no answer, an answer cut short, or a 502, 503
    /// or 504 of its own.
    pub fn failures(&self) -> u64 {
        self.failures.load(Relaxed)
    }

    /// Returns the peak EWMA of the time to the response head.
    pub fn latency(&self, now: Instant) -> Duration {
        Duration::from_micros(self.latency.micros(now))
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn host(&self) -> &HeaderValue {
        &self.host
    }

    /// Expected wait in microseconds: the latency times those that wait already and the new one.
    pub(crate) fn load(&self, now: Instant) -> u64 {
        let waiting = self.in_flight() as u64;
        self.latency.micros(now).saturating_mul(waiting + 1)
    }

    pub(crate) fn begin(&self) {
        self.requests.fetch_add(1, Relaxed);
        self.in_flight.fetch_add(1, Relaxed);
    }

    pub(crate) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(crate) fn answered(&self, took: Duration, now: Instant) {
        self.latency.observe(took, now);
    }

    pub(crate) fn failed(&self, took: Duration, now: Instant) {
        self.failures.fetch_add(1, Relaxed);
        self.latency.observe_failure(took, now);
    }

    /// An answer that began well and was cut short.
    pub(crate) fn cut_short(&self) {
        self.failures.fetch_add(1, Relaxed);
    }
}
