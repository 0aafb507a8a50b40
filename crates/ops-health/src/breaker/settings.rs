//! What can be configured about a breaker.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

/// When a breaker opens, and how it comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "open_within_open_max"))]
pub struct BreakerSettings {
    /// Failures one after the other that open it, whatever the rates are.
    #[validate(range(min = 1))]
    pub failures_in_row: u32,
    /// The statuses of a response that are failures, from 400 to 599; connect errors, timeouts and the gRPC statuses 4 and 14
    /// always are.
    #[schemars(inner(range(min = 400, max = 599)))]
    #[validate(custom(function = "statuses_of_errors"))]
    pub failure_statuses: Vec<u16>,
    /// The share of failures among the calls of the window that opens it, above 0.
    #[validate(range(exclusive_min = 0.0, max = 1.0))]
    pub failure_rate: f64,
    /// How long a call may take until its response head before it counts as slow; without it none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[validate(custom(function = "some_time"))]
    pub slow_call: Option<Duration>,
    /// The share of slow calls among the calls of the window that opens it, above 0.
    #[validate(range(exclusive_min = 0.0, max = 1.0))]
    pub slow_rate: f64,
    /// Calls that the window has at least before the rates are looked at.
    #[validate(range(min = 1))]
    pub minimum_calls: u32,
    /// How far back the rates look, from 1 s to 1 h; it moves on in tenths.
    #[validate(custom(function = "sound_window"))]
    pub window: Duration,
    /// How long it stays open the first time, before jitter; doubled each time that the trial calls fail.
    #[validate(custom(function = "some_time"))]
    pub open: Duration,
    /// The longest that it stays open, jitter included; at most a day.
    #[validate(custom(function = "at_most_a_day"))]
    pub open_max: Duration,
    /// Calls that are let through on trial when it was open long enough; all have to succeed.
    #[validate(range(min = 1, max = 1000))]
    pub trial_calls: u32,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_in_row: 7,
            failure_statuses: vec![502, 503, 504],
            failure_rate: 0.5,
            slow_call: None,
            slow_rate: 0.5,
            minimum_calls: 20,
            window: Duration::from_secs(10),
            open: Duration::from_secs(1),
            open_max: Duration::from_mins(1),
            trial_calls: 5,
        }
    }
}

fn statuses_of_errors(statuses: &[u16]) -> Result<(), ValidationError> {
    let sound = statuses.iter().all(|status| (400..600).contains(status));
    hold(sound, "statuses of failures are from 400 to 599")
}

fn sound_window(window: &Duration) -> Result<(), ValidationError> {
    let sound = (Duration::from_secs(1)..=Duration::from_hours(1)).contains(window);
    hold(sound, "must be from 1 s to 1 h")
}

fn some_time(time: &Duration) -> Result<(), ValidationError> {
    hold(!time.is_zero(), "must be longer than nothing")
}

fn at_most_a_day(time: &Duration) -> Result<(), ValidationError> {
    hold(
        *time <= super::transition::LONGEST_WAIT,
        "must be at most 24 h",
    )
}

fn open_within_open_max(settings: &BreakerSettings) -> Result<(), ValidationError> {
    hold(
        settings.open <= settings.open_max,
        "open must not be longer than open_max",
    )
}

fn hold(sound: bool, text: &'static str) -> Result<(), ValidationError> {
    if sound {
        Ok(())
    } else {
        Err(ValidationError::new("breaker").with_message(text.into()))
    }
}
