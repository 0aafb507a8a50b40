//! Where a request goes and under which rules.

use std::sync::Arc;
use std::time::Duration;

use crate::settings::RetrySettings;
use crate::upstream::Upstream;

/// How long a route waits for response heads where nothing was set.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a request goes and under which rules: what a route says about its upstream.
#[derive(Clone, Debug)]
pub struct ForwardPolicy {
    /// Who answers.
    pub upstream: Arc<Upstream>,
    /// From the last byte of the request to the response head, retries included; over it: 504.
    /// `None` is the default of 30 s, from which event streams, gRPC and upgrades are exempt; a time
    /// that is set holds for them too.
    pub timeout: Option<Duration>,
    /// When a request is tried again.
    pub retries: RetrySettings,
    /// Whether WebSocket and other upgrades pass.
    pub upgrade: bool,
}

impl ForwardPolicy {
    /// The defaults, for `upstream`.
    pub fn new(upstream: Arc<Upstream>) -> Self {
        Self {
            upstream,
            timeout: None,
            retries: RetrySettings::default(),
            upgrade: false,
        }
    }

    /// The total limit for a request; `endless`: of those that have none unless it is set.
    pub(crate) fn total(&self, endless: bool) -> Option<Duration> {
        match self.timeout {
            None if endless => None,
            None => Some(TIMEOUT),
            set => set,
        }
    }
}
