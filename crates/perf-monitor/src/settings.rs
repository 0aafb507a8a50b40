//! What of the monitor is configured.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

/// How much a [`Monitor`](crate::Monitor) remembers, and for how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct MonitorSettings {
    /// Memory that the windows of all routes share; when it is full, the oldest parts of the
    /// quietest routes are dropped first. At least 1 MiB.
    #[validate(range(min = 1_048_576))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub memory: u64,

    /// How far back a window can reach, and how far it does when nobody says otherwise. From one
    /// minute to one day.
    #[validate(custom(function = "check_retention"))]
    pub retention: Duration,

    /// How often what the serving threads recorded is folded into the windows; also the finest
    /// step of a window. From one second to one minute.
    #[validate(custom(function = "check_interval"))]
    pub interval: Duration,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            retention: Duration::from_hours(1),
            interval: Duration::from_secs(5),
        }
    }
}

const RETENTION: [Duration; 2] = [Duration::from_mins(1), Duration::from_hours(24)];
const INTERVAL: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(1)];

impl MonitorSettings {
    /// The settings with every value inside its bounds, for a caller that did not validate them.
    pub(crate) fn bounded(&self) -> Self {
        Self {
            memory: self.memory.max(1 << 20),
            retention: self.retention.clamp(RETENTION[0], RETENTION[1]),
            interval: self.interval.clamp(INTERVAL[0], INTERVAL[1]),
        }
    }
}

fn check_retention(value: &Duration) -> Result<(), ValidationError> {
    check(*value, RETENTION, "must be from 1 min to 24 h")
}

fn check_interval(value: &Duration) -> Result<(), ValidationError> {
    check(*value, INTERVAL, "must be from 1 s to 1 min")
}

fn check(
    value: Duration,
    [min, max]: [Duration; 2],
    message: &'static str,
) -> Result<(), ValidationError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(ValidationError::new("range").with_message(message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: impl FnOnce(&mut MonitorSettings), valid: bool) {
        let mut settings = MonitorSettings::default();
        change(&mut settings);
        assert_eq!(settings.validate().is_ok(), valid, "{settings:?}");
    }

    #[test]
    fn values_out_of_bounds_are_refused() {
        check(|_| {}, true);
        check(|s| s.memory = 1 << 20, true);
        check(|s| s.memory = (1 << 20) - 1, false);
        check(|s| s.retention = Duration::from_secs(59), false);
        check(|s| s.retention = Duration::from_hours(25), false);
        check(|s| s.interval = Duration::from_millis(999), false);
        check(|s| s.interval = Duration::from_secs(61), false);
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let settings: MonitorSettings = serde_json::from_str(r#"{"memory": 2097152}"#).unwrap();
        assert_eq!(settings.memory, 2 << 20);
        assert_eq!(settings.retention, Duration::from_hours(1));
    }
}
