//! One request's place in the counts of its upstream and its endpoint.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::endpoint::Endpoint;
use crate::refusal::Refusal;
use crate::upstream::Upstream;

/// Counts a request from its admission to the end of its answer's body, or to wherever it is
/// dropped before.
#[derive(Debug)]
pub(crate) struct Admission {
    upstream: Arc<Upstream>,
    /// The endpoint that works on it.
    place: Option<usize>,
    /// Counted as a tunnel or event stream, not as a request under way.
    is_stream: bool,
}

impl Admission {
    pub(crate) fn new(upstream: &Arc<Upstream>) -> Result<Self, Refusal> {
        let max = upstream.settings().max_in_flight;
        if !upstream.counts().in_flight.try_take(max) {
            return Err(Refusal::TooManyRequests);
        }
        Ok(Self {
            upstream: Arc::clone(upstream),
            place: None,
            is_stream: false,
        })
    }

    pub(crate) fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    pub(crate) fn endpoint(&self) -> Option<&Arc<Endpoint>> {
        self.place.map(|place| self.upstream.endpoint(place))
    }

    /// The endpoint at `place` begins to work on it, the one before has ended.
    pub(crate) fn begin(&mut self, place: usize) {
        self.end();
        self.upstream.endpoint(place).begin();
        self.place = Some(place);
    }

    /// The try brought a response head.
    pub(crate) fn answered(&self, took: Duration, now: Instant) {
        if let Some(endpoint) = self.endpoint() {
            endpoint.answered(took, now);
        }
    }

    /// The try failed.
    pub(crate) fn failed(&self, took: Duration, now: Instant) {
        if let Some(endpoint) = self.endpoint() {
            endpoint.failed(took, now);
        }
    }

    /// The answer was cut short.
    pub(crate) fn cut_short(&self) {
        if let Some(endpoint) = self.endpoint() {
            endpoint.cut_short();
        }
    }

    /// From its head on it counts as a tunnel or event stream.
    pub(crate) fn become_stream(&mut self) -> Result<(), Refusal> {
        let counts = self.upstream.counts();
        if !counts
            .streams
            .try_take(self.upstream.settings().max_tunnels)
        {
            return Err(Refusal::TooManyTunnels);
        }
        counts.in_flight.release();
        counts.tunnels.opened();
        self.is_stream = true;
        Ok(())
    }

    fn end(&mut self) {
        if let Some(place) = self.place.take() {
            self.upstream.endpoint(place).end();
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.end();
        let counts = self.upstream.counts();
        if self.is_stream {
            counts.streams.release();
            counts.tunnels.ended();
        } else {
            counts.in_flight.release();
        }
    }
}
