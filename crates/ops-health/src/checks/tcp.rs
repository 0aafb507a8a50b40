//! Can several equal targets be reached at all? For a program that does not watch them otherwise.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::targets::{TargetState, judge};
use crate::check::{CheckResult, HealthCheck};

/// How many connections are tried at the same time.
const SIDE_BY_SIDE: usize = 64;

/// Connects to each of several addresses by TCP and hangs up: some unreachable is degraded, all unhealthy. Not critical.
pub struct ReachCheck {
    name: String,
    addresses: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    timeout: Duration,
}

impl ReachCheck {
    /// A check of what `addresses` tells on each run, `host:port` each. Connecting to one may take `timeout`, which should
    /// be less than the monitor's own: 1 s say.
    pub fn new(
        name: impl Into<String>,
        addresses: impl Fn() -> Vec<String> + Send + Sync + 'static,
        timeout: Duration,
    ) -> Self {
        Self {
            name: name.into(),
            addresses: Box::new(addresses),
            timeout,
        }
    }
}

#[async_trait]
impl HealthCheck for ReachCheck {
    fn name(&self) -> &str {
        &self.name
    }

    async fn execute(&self) -> CheckResult {
        let mut waiting = (self.addresses)().into_iter();
        let mut tries = JoinSet::new();
        let mut states = Vec::new();
        loop {
            while tries.len() < SIDE_BY_SIDE
                && let Some(address) = waiting.next()
            {
                tries.spawn(reach(address, self.timeout));
            }
            match tries.join_next().await {
                Some(Ok(state)) => states.push(state),
                Some(Err(_)) => {}
                None => break,
            }
        }
        judge(&self.name, &states)
    }
}

async fn reach(address: String, within: Duration) -> TargetState {
    let out = match timeout(within, TcpStream::connect(&address)).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("timed out".into()),
    };
    TargetState { address, out }
}

impl fmt::Debug for ReachCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReachCheck")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
