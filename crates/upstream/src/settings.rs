//! What an operator may set on an upstream and on a route's retries.

mod host;
mod retries;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use crate::endpoint::EndpointUrl;

pub use self::host::{HostHeader, HostHeaderError};
pub use self::retries::{RetryOn, RetryOnError, RetrySettings};

/// An upstream: the endpoints that answer for it and how they are asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct UpstreamSettings {
    /// The `Host` that is sent: `client` (the client's), `upstream` (the endpoint's) or a literal.
    pub host: HostHeader,
    /// Base addresses, `http://host:port`. Names are resolved at each connect.
    #[validate(length(min = 1, message = "an upstream has at least one endpoint"))]
    pub endpoints: Vec<EndpointUrl>,
    /// How the endpoint for a request is picked.
    pub balance: Balance,
    /// Longest time for a connection, the look-up of its name included.
    #[validate(custom(function = above_zero))]
    pub connect_timeout: Duration,
    /// Longest time of one try from its last byte sent to its response head; `15s`, or the route's
    /// `timeout` where that is set longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(custom(function = above_zero))]
    pub response_timeout: Option<Duration>,
    /// Longest silence of the upstream inside a response body.
    #[validate(custom(function = above_zero))]
    pub read_idle: Duration,
    /// Longest silence of event streams, gRPC and tunnels, for tunnels of both directions together.
    #[validate(custom(function = above_zero))]
    pub stream_idle: Duration,
    /// How long a connection is kept without work; an endpoint's `Keep-Alive: timeout` may shorten it.
    pub pool_idle: Duration,
    /// Connections kept for an endpoint by the whole process, each worker having its share.
    #[validate(range(max = 100_000))]
    pub pool_max_idle: usize,
    /// Whether the endpoints are asked over HTTP/2 without asking first (prior knowledge).
    pub http2: bool,
    /// Requests that may be under way at once; one more is refused with 503.
    #[validate(range(min = 1))]
    pub max_in_flight: usize,
    /// Tunnels and event streams that may be open at once; one more is refused with 503.
    pub max_tunnels: usize,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            host: HostHeader::Client,
            endpoints: Vec::new(),
            balance: Balance::P2c,
            connect_timeout: Duration::from_secs(2),
            response_timeout: None,
            read_idle: Duration::from_mins(1),
            stream_idle: Duration::from_hours(1),
            pool_idle: Duration::from_mins(1),
            pool_max_idle: 64,
            http2: false,
            max_in_flight: 1024,
            max_tunnels: 10_000,
        }
    }
}

impl UpstreamSettings {
    /// The settings for `endpoints` with all else at its default.
    pub fn for_endpoints(endpoints: impl IntoIterator<Item = EndpointUrl>) -> Self {
        Self {
            endpoints: endpoints.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// How the endpoint for a request is picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// The less loaded of two picked at random: peak EWMA latency times requests under way.
    #[default]
    P2c,
    /// One after the other.
    RoundRobin,
}

fn above_zero(time: &Duration) -> Result<(), validator::ValidationError> {
    if time.is_zero() {
        return Err(validator::ValidationError::new("above_zero")
            .with_message("a time-out is longer than 0 s".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_lack_only_endpoints() {
        let errors = UpstreamSettings::default().validate().unwrap_err();
        assert_eq!(errors.errors().len(), 1);
        assert!(errors.errors().contains_key("endpoints"));
        let settings = UpstreamSettings::for_endpoints(["http://127.0.0.1:1".parse().unwrap()]);
        assert!(settings.validate().is_ok());
    }

    #[test]
    fn a_time_out_of_zero_is_refused() {
        let settings = UpstreamSettings {
            response_timeout: Some(Duration::ZERO),
            connect_timeout: Duration::ZERO,
            ..UpstreamSettings::for_endpoints(["http://127.0.0.1:1".parse().unwrap()])
        };
        let errors = settings.validate().unwrap_err();
        assert_eq!(errors.errors().len(), 2);
    }

    #[test]
    fn settings_survive_a_round_trip() {
        let text = r#"{"endpoints":["http://a:1"],"balance":"round_robin","host":"upstream"}"#;
        let settings: UpstreamSettings = serde_json::from_str(text).unwrap();
        assert_eq!(settings.balance, Balance::RoundRobin);
        assert_eq!(settings.host, HostHeader::Upstream);
        let written = serde_json::to_string(&settings).unwrap();
        assert_eq!(
            serde_json::from_str::<UpstreamSettings>(&written).unwrap(),
            settings
        );
    }
}
