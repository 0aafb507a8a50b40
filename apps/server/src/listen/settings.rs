//! The keys under `http`: threads, limits and leniency of the listeners.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

use super::head::Limits;

/// Threads and limits of the listeners.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct HttpSettings {
    /// Threads that serve requests; left out: one a core.
    pub workers: Option<NonZeroUsize>,
    /// Longest time from accepting a connection to its first whole request head, and from the first
    /// byte of each later head to its last; over it the connection is closed.
    #[validate(custom(function = "some_time"))]
    pub head_timeout: Duration,
    /// How long a connection without a request is kept.
    #[validate(custom(function = "some_time"))]
    pub idle_timeout: Duration,
    /// Most bytes of a request's head; over it: 431.
    #[validate(range(min = 1_024, max = 1_048_576))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub max_head: u64,
    /// Most fields of a request's head; over it: 431. Above 100 each HTTP/1 head costs two allocations more.
    #[validate(range(min = 1, max = 1_000))]
    pub max_fields: u32,
    /// Most bytes of a request's target; over it: 414.
    #[validate(range(min = 64, max = 65_534))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub max_target: u64,
    /// Most connections of all workers together; over it the longest idle one goes first, then new ones
    /// are refused.
    #[validate(range(min = 1, max = 1_000_000))]
    pub max_connections: u32,
    /// Most requests under way on one HTTP/2 connection.
    #[validate(range(min = 1, max = 65_535))]
    pub max_streams: u32,
    /// Whether repeated slashes of a path count as one.
    pub merge_slashes: bool,
    /// Whether fields whose name has a `_` are kept; otherwise they are dropped, because some
    /// applications read `x_forwarded_for` as `x-forwarded-for`.
    pub allow_underscores: bool,
}

impl HttpSettings {
    /// How many threads serve requests: as configured, else one a core.
    pub fn worker_count(&self) -> NonZeroUsize {
        self.workers
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }

    /// The limits of a request's head, for [`head::inspect`](super::head::inspect).
    pub fn head_limits(&self) -> Limits {
        Limits {
            head_bytes_max: usize::try_from(self.max_head).unwrap_or(usize::MAX),
            fields_max: self.max_fields as usize,
            target_bytes_max: usize::try_from(self.max_target).unwrap_or(usize::MAX),
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            workers: None,
            head_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(75),
            max_head: 32 * 1024,
            max_fields: 100,
            max_target: 8 * 1024,
            max_connections: 10_000,
            max_streams: 100,
            merge_slashes: true,
            allow_underscores: false,
        }
    }
}

/// Refuses a time in which nothing could ever arrive.
fn some_time(time: &Duration) -> Result<(), ValidationError> {
    if *time < Duration::from_millis(10) {
        return Err(ValidationError::new("range").with_message("must be at least 10 ms".into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        HttpSettings::default().validate().unwrap();
    }

    #[test]
    fn no_time_at_all_is_refused() {
        let settings = HttpSettings {
            head_timeout: Duration::ZERO,
            ..HttpSettings::default()
        };
        let problems = settings.validate().unwrap_err();
        assert!(problems.field_errors().contains_key("head_timeout"));
    }

    #[test]
    fn an_empty_table_is_the_default() {
        let read: HttpSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(read, HttpSettings::default());
    }
}
