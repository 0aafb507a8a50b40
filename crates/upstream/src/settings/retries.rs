//! When a request is tried once more.

use std::borrow::Cow;

use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use validator::Validate;

/// How often and after what a request is tried again.
///
/// Only a request whose body is empty or still held (its first 64 KiB) is tried again, after 25 ms
/// with jitter, on another endpoint where there is one, and never where the answer has a
/// `Retry-After`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct RetrySettings {
    /// Further tries after the first; 0 means none.
    #[validate(range(max = 10))]
    pub attempts: u32,
    /// What a further try follows: `connect` (no connection, any method) or the number of a status,
    /// as text (idempotent methods only).
    pub on: Vec<RetryOn>,
    /// Share of the requests of the last 10 s that may be tried again; 3 a second always may.
    #[validate(range(min = 0.0, max = 1.0))]
    pub budget: f64,
}

impl Default for RetrySettings {
    fn default() -> Self {
        Self {
            attempts: 1,
            on: vec![
                RetryOn::Connect,
                RetryOn::Status(StatusCode::BAD_GATEWAY),
                RetryOn::Status(StatusCode::SERVICE_UNAVAILABLE),
                RetryOn::Status(StatusCode::GATEWAY_TIMEOUT),
            ],
            budget: 0.2,
        }
    }
}

impl RetrySettings {
    /// No further try at all.
    pub fn none() -> Self {
        Self {
            attempts: 0,
            ..Self::default()
        }
    }
}

/// What a further try follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RetryOn {
    /// No connection came about; written `connect`.
    Connect,
    /// The answer has this status, or the gateway itself would answer with it: a connection that
    /// was lost before a response head is a 502, a time-out a 504. Written as its number, from 400
    /// to 599.
    Status(StatusCode),
}

impl TryFrom<String> for RetryOn {
    type Error = RetryOnError;

    fn try_from(text: String) -> Result<Self, RetryOnError> {
        if text == "connect" {
            return Ok(Self::Connect);
        }
        let status: StatusCode = text.parse().map_err(|_| RetryOnError)?;
        if status.is_client_error() || status.is_server_error() {
            Ok(Self::Status(status))
        } else {
            Err(RetryOnError)
        }
    }
}

impl From<RetryOn> for String {
    fn from(on: RetryOn) -> Self {
        match on {
            RetryOn::Connect => "connect".to_owned(),
            RetryOn::Status(status) => status.as_str().to_owned(),
        }
    }
}

impl JsonSchema for RetryOn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetryOn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(connect|[45][0-9][0-9])$",
            "description": "`connect`, or the number of a status from 400 to 599.",
        })
    }
}

/// The text is neither `connect` nor a status from 400 to 599.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a retry follows `connect` or a status from 400 to 599")]
pub struct RetryOnError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers() {
        let on = |text: &str| RetryOn::try_from(text.to_owned());
        assert_eq!(on("connect"), Ok(RetryOn::Connect));
        assert_eq!(
            on("503"),
            Ok(RetryOn::Status(StatusCode::SERVICE_UNAVAILABLE))
        );
        for wrong in ["", "200", "50", "5033", "reset"] {
            assert_eq!(on(wrong), Err(RetryOnError), "{wrong}");
        }
    }

    #[test]
    fn the_defaults_are_written_as_words() {
        let written = serde_json::to_value(RetrySettings::default()).unwrap();
        assert_eq!(
            written,
            serde_json::json!({"attempts": 1, "on": ["connect", "502", "503", "504"], "budget": 0.2})
        );
    }
}
