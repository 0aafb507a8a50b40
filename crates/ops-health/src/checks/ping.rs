//! A check made of a closure: for a program's own connections.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::check::{Cause, CheckResult, Criticality, HealthCheck, Status};

/// Asks something and waits for the answer: an error is unhealthy, a slow answer degraded.
///
/// ```
/// use std::io;
/// use std::time::Duration;
///
/// use ops_health::{HealthCheck, PingCheck, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ping = || async { Err::<(), _>(io::Error::other("no route to host")) };
/// let check = PingCheck::new("search", ping, Duration::from_millis(50)).critical();
///
/// let result = check.execute().await;
/// assert_eq!(result.status, Status::Unhealthy);
/// assert_eq!(result.details["error"], "no route to host");
/// # }
/// ```
pub struct PingCheck<F> {
    name: String,
    ping: F,
    degraded_over: Duration,
    criticality: Criticality,
    gates_readiness: bool,
}

impl<F> PingCheck<F> {
    /// A check that calls `ping` and is degraded where the answer takes longer than `degraded_over`. It is not critical, and
    /// takes no readiness away.
    pub fn new(name: impl Into<String>, ping: F, degraded_over: Duration) -> Self {
        Self {
            name: name.into(),
            ping,
            degraded_over,
            criticality: Criticality::Minor,
            gates_readiness: false,
        }
    }

    /// Makes the whole unhealthy where the check is.
    pub fn critical(self) -> Self {
        Self {
            criticality: Criticality::Critical,
            ..self
        }
    }

    /// Lets a failure take this server's readiness away. Only for what fails on this server alone: see [`Cause`].
    pub fn gating_readiness(self) -> Self {
        Self {
            gates_readiness: true,
            ..self
        }
    }
}

#[async_trait]
impl<F, Fut, E> HealthCheck for PingCheck<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send,
    E: fmt::Display + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    async fn execute(&self) -> CheckResult {
        let began = Instant::now();
        match (self.ping)().await {
            Ok(()) if began.elapsed() > self.degraded_over => {
                CheckResult::degraded(&self.name).with("slow", "answered late")
            }
            Ok(()) => CheckResult::new(&self.name, Status::Healthy),
            Err(error) => CheckResult::unhealthy(&self.name).with("error", error),
        }
    }

    fn criticality(&self) -> Criticality {
        self.criticality
    }

    fn gates_readiness(&self) -> bool {
        self.gates_readiness
    }

    fn cause(&self) -> Cause {
        if self.gates_readiness {
            Cause::Local
        } else {
            Cause::Shared
        }
    }
}

impl<F> fmt::Debug for PingCheck<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PingCheck")
            .field("name", &self.name)
            .field("degraded_over", &self.degraded_over)
            .field("criticality", &self.criticality)
            .field("gates_readiness", &self.gates_readiness)
            .finish_non_exhaustive()
    }
}
