//! What answers a route's requests, other than an upstream.
use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

/// `respond`: an answer that the configuration holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[validate(schema(function = "one_body"))]
pub struct RespondTarget {
    /// The status, 200 to 599.
    #[validate(range(min = 200, max = 599))]
    pub status: u16,
    /// Fields of the answer.
    pub headers: BTreeMap<String, String>,
    /// The answer's text.
    pub body: Option<String>,
    /// The answer as JSON; `Content-Type` is then `application/json` unless `headers` says otherwise.
    pub json: Option<serde_json::Value>,
}

impl Default for RespondTarget {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            body: None,
            json: None,
        }
    }
}

fn one_body(target: &RespondTarget) -> Result<(), ValidationError> {
    if target.body.is_some() && target.json.is_some() {
        return Err(
            ValidationError::new("body").with_message("has `body` or `json`, not both".into())
        );
    }
    Ok(())
}

/// `files`: a folder's files, with ranges and conditional requests.
///
/// The file is the part of the path that a `{*rest}` at the template's end took, or, where the route has
/// `strip_prefix` or `rewrite`, the path that they make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub struct FilesTarget {
    /// The folder; nothing outside of it is served, through a symbolic link either.
    pub dir: PathBuf,
    /// The file that stands for a folder.
    #[serde(default = "index")]
    #[validate(custom(function = "plain_name"))]
    pub index: String,
}

fn index() -> String {
    "index.html".to_owned()
}

/// `redirect`: sends the client elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub struct RedirectTarget {
    /// The address; `{name}` stands for a parameter of the path.
    #[validate(length(min = 1))]
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    #[serde(default = "found")]
    #[validate(custom(function = "redirects"))]
    pub status: u16,
}

fn plain_name(name: &str) -> Result<(), ValidationError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        return Ok(());
    }
    Err(ValidationError::new("index")
        .with_message("is a file name of letters, digits, -, ., _ and ~".into()))
}

fn found() -> u16 {
    302
}

fn redirects(status: u16) -> Result<(), ValidationError> {
    if matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(());
    }
    Err(ValidationError::new("status").with_message("must be 301, 302, 303, 307 or 308".into()))
}
