//! What can be configured.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

/// How the parts are looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct HealthSettings {
    /// Time from one round of checks to the next, at least 100 ms.
    #[validate(custom(function = "not_hasty"))]
    pub interval: Duration,
    /// The longest that one check may take; past it, its part counts as unhealthy.
    #[validate(custom(function = "some_time"))]
    pub timeout: Duration,
}

impl Default for HealthSettings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
        }
    }
}

/// How the server stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "delay_within_timeout"))]
pub struct ShutdownSettings {
    /// How long requests are still accepted after readiness has turned away: a load balancer's time to notice. By default 5 s,
    /// and none in development.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
    /// The longest that the whole may take, the delay included; what is not done by then is cut.
    #[validate(custom(function = "some_time"))]
    pub timeout: Duration,
}

impl ShutdownSettings {
    /// The delay where none is configured.
    pub const DEFAULT_DELAY: Duration = Duration::from_secs(5);

    /// The delay in force.
    pub fn delay(&self) -> Duration {
        self.delay.unwrap_or(Self::DEFAULT_DELAY)
    }
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            delay: None,
            timeout: Duration::from_secs(30),
        }
    }
}

fn not_hasty(interval: &Duration) -> Result<(), ValidationError> {
    fault(
        *interval < Duration::from_millis(100),
        "must be at least 100 ms",
    )
}

fn some_time(time: &Duration) -> Result<(), ValidationError> {
    fault(time.is_zero(), "must be longer than nothing")
}

fn delay_within_timeout(settings: &ShutdownSettings) -> Result<(), ValidationError> {
    let configured = settings.delay.unwrap_or_default();
    fault(
        configured >= settings.timeout,
        "delay must be shorter than timeout, which includes it",
    )
}

fn fault(faulty: bool, text: &'static str) -> Result<(), ValidationError> {
    if faulty {
        Err(ValidationError::new("time").with_message(text.into()))
    } else {
        Ok(())
    }
}
