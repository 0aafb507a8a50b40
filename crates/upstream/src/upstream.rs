//! A named set of endpoints and what all workers share about it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::balance::{Balancer, PowerOfTwo, RoundRobin};
use crate::budget::Budget;
use crate::connect;
use crate::endpoint::Endpoint;
use crate::permits::Permits;
use crate::settings::{Balance, UpstreamSettings};
use crate::tunnels::Tunnels;

/// An upstream: its settings, its endpoints, and the counts that bound it.
///
/// One value for the whole process, shared by all workers; it holds no connection (those are in
/// [`WorkerPools`](crate::WorkerPools)). Get it from [`Upstreams`](crate::Upstreams) where settings
/// may change, so that the figures outlive the change.
#[derive(Debug)]
pub struct Upstream {
    name: Box<str>,
    settings: UpstreamSettings,
    endpoints: Vec<Arc<Endpoint>>,
    balancer: Box<dyn Balancer>,
    counts: Arc<Counts>,
}

/// What outlives a change of the settings.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) in_flight: Permits,
    pub(crate) streams: Permits,
    pub(crate) budget: Budget,
    pub(crate) tunnels: Arc<Tunnels>,
}

impl Counts {
    fn new(tunnels: Arc<Tunnels>) -> Arc<Self> {
        Arc::new(Self {
            in_flight: Permits::default(),
            streams: Permits::default(),
            budget: Budget::new(Instant::now()),
            tunnels,
        })
    }
}

impl Upstream {
    /// Makes an upstream that stands alone.
    pub fn new(name: &str, settings: &UpstreamSettings) -> Arc<Self> {
        Self::with_tunnels(name, settings, Arc::default())
    }

    pub(crate) fn with_tunnels(
        name: &str,
        settings: &UpstreamSettings,
        tunnels: Arc<Tunnels>,
    ) -> Arc<Self> {
        let balancer = balancer_of(settings.balance);
        Self::build(name, settings, balancer, Counts::new(tunnels), |_| None)
    }

    /// Makes an upstream that stands alone and picks its endpoints by a program's own rule, whatever
    /// [`UpstreamSettings::balance`] says.
    pub fn with_balancer(
        name: &str,
        settings: &UpstreamSettings,
        balancer: Box<dyn Balancer>,
    ) -> Arc<Self> {
        let counts = Counts::new(Arc::default());
        Self::build(name, settings, balancer, counts, |_| None)
    }

    /// The same upstream with new settings: counts are kept, and what belongs to an endpoint whose
    /// address stays.
    pub(crate) fn changed(&self, settings: &UpstreamSettings) -> Arc<Self> {
        let balancer = balancer_of(settings.balance);
        let counts = Arc::clone(&self.counts);
        Self::build(&self.name, settings, balancer, counts, |wanted| {
            self.endpoints
                .iter()
                .find(|known| known.url() == wanted && known.is_http2() == settings.http2)
                .map(Arc::clone)
        })
    }

    fn build(
        name: &str,
        settings: &UpstreamSettings,
        balancer: Box<dyn Balancer>,
        counts: Arc<Counts>,
        known: impl Fn(&crate::EndpointUrl) -> Option<Arc<Endpoint>>,
    ) -> Arc<Self> {
        let endpoints = settings
            .endpoints
            .iter()
            .map(|url| known(url).unwrap_or_else(|| Endpoint::new(url.clone(), settings.http2)))
            .collect();
        Arc::new(Self {
            name: name.into(),
            settings: settings.clone(),
            endpoints,
            balancer,
            counts,
        })
    }

    /// Returns the configured name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the settings it was made of.
    pub fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// Returns the endpoints with their figures.
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// Returns how many requests are under way, until the end of their answer's body.
    pub fn in_flight(&self) -> usize {
        self.counts.in_flight.held()
    }

    /// Returns how many tunnels and event streams are open.
    pub fn open_tunnels(&self) -> usize {
        self.counts.streams.held()
    }

    /// Returns the tunnels of all upstreams that were made together with this one.
    pub fn tunnels(&self) -> &Arc<Tunnels> {
        &self.counts.tunnels
    }

    /// Opens a connection to `endpoint`, closes it and says how long it took to come about.
    ///
    /// The look-up of the endpoint's name is part of it. Must be called inside a tokio runtime.
    pub fn probe(
        endpoint: &Endpoint,
        timeout: Duration,
    ) -> Pin<Box<dyn Future<Output = io::Result<Duration>> + Send>> {
        let url = endpoint.url().clone();
        Box::pin(async move {
            let start = tokio::time::Instant::now();
            match tokio::time::timeout(timeout, connect::tcp(&url)).await {
                Ok(connected) => connected.map(|_| start.elapsed()).map_err(io::Error::from),
                Err(_) => Err(io::ErrorKind::TimedOut.into()),
            }
        })
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn endpoint(&self, place: usize) -> &Arc<Endpoint> {
        &self.endpoints[place]
    }

    /// The place of the endpoint for the next try; `None` where there is none at all.
    pub(crate) fn pick(&self, not: Option<usize>, random: u64, now: Instant) -> Option<usize> {
        match self.endpoints.len() {
            0 => None,
            1 => Some(0),
            count => {
                let picked = self.balancer.pick(&self.endpoints, not, random, now);
                // A balancer is anyone's code: a wrong place must not end the process.
                Some(if picked < count { picked } else { 0 })
            }
        }
    }
}

fn balancer_of(balance: Balance) -> Box<dyn Balancer> {
    match balance {
        Balance::P2c => Box::new(PowerOfTwo),
        Balance::RoundRobin => Box::new(RoundRobin::default()),
    }
}
