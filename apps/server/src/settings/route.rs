//! A route as the configuration writes it.
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use access_control::CorsSettings;
use cache::RouteCacheSettings;
use route_core::{Condition, HostPattern, MethodToken, Template};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use upstream::RetrySettings;
use validator::Validate;

use super::{CompressSettings, FilesTarget, RedirectTarget, RespondTarget};

/// One route: what matches, what answers, and under which policies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
pub struct RouteSettings {
    /// The template that matches: `{name}` takes one segment, `{*name}` the rest.
    pub path: Template,
    /// The methods that match; none: any. `GET` also answers `HEAD`.
    #[serde(default)]
    pub methods: Vec<MethodToken>,
    /// The hosts that match, such as `api.example.com` or `*.example.com`; none: any.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Fields that must match too: an exact value, or `true` for present.
    #[serde(default)]
    pub headers: BTreeMap<String, Condition>,
    /// Query parameters that must match too: an exact value, or `true` for present.
    #[serde(default)]
    pub query: BTreeMap<String, Condition>,

    /// The upstream that answers.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "upstreams"))]
    pub upstream: Option<String>,
    /// An answer that the configuration holds.
    #[serde(default)]
    #[validate(nested)]
    pub respond: Option<RespondTarget>,
    /// A folder's files.
    #[serde(default)]
    #[validate(nested)]
    pub files: Option<FilesTarget>,
    /// Sends the client elsewhere.
    #[serde(default)]
    #[validate(nested)]
    pub redirect: Option<RedirectTarget>,

    /// Whole segments taken off the front of the path that the target sees.
    #[serde(default)]
    pub strip_prefix: Option<String>,
    /// The path that the target sees; `{name}` stands for a parameter.
    #[serde(default)]
    pub rewrite: Option<String>,
    /// Edits of the request's fields, before the target sees them.
    #[serde(default)]
    pub request_headers: HeaderEdits,
    /// Edits of the response's fields.
    #[serde(default)]
    pub response_headers: HeaderEdits,
    /// From the last byte of the request to the response head, retries included; over it: 504. Left out:
    /// 30 s, and no limit for tunnels, event streams and gRPC.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// The largest request body; over it: 413.
    #[serde(default)]
    pub max_body: MaxBody,
    /// When a request is tried again.
    #[serde(default)]
    #[validate(nested)]
    pub retries: RetrySettings,
    /// Whether WebSocket and other upgrades pass.
    #[serde(default)]
    pub upgrade: bool,
    /// Whether answers leave compressed, or in which codings, the preferred first: `zstd`, `br`, `gzip`.
    #[serde(default)]
    pub compress: CompressSettings,
    /// How responses are stored, or `false`.
    #[serde(default)]
    pub cache: RouteCache,
    /// The route exists only for requests for which this flag is on; for others it is 404.
    #[serde(default)]
    #[schemars(extend("x-refers-to" = "flags"))]
    pub flag: Option<String>,
    /// Requests for which the flag is on go to another upstream.
    #[serde(default)]
    pub rollout: Option<Rollout>,
    /// Which pages of other origins may read the answers.
    #[serde(default)]
    pub cors: Option<CorsSettings>,
}

/// What stands under every route: the same keys, but for `path`, `hosts` and the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct RouteDefaults {
    /// The methods that match.
    pub methods: Option<Vec<MethodToken>>,
    /// Fields that must match too.
    pub headers: Option<BTreeMap<String, Condition>>,
    /// Query parameters that must match too.
    pub query: Option<BTreeMap<String, Condition>>,
    /// Whole segments taken off the front of the path that the target sees.
    pub strip_prefix: Option<String>,
    /// The path that the target sees.
    pub rewrite: Option<String>,
    /// Edits of the request's fields.
    pub request_headers: Option<HeaderEdits>,
    /// Edits of the response's fields.
    pub response_headers: Option<HeaderEdits>,
    /// From the last byte of the request to the response head.
    pub timeout: Option<Duration>,
    /// The largest request body.
    pub max_body: Option<MaxBody>,
    /// When a request is tried again.
    #[validate(nested)]
    pub retries: Option<RetrySettings>,
    /// Whether upgrades pass.
    pub upgrade: Option<bool>,
    /// Whether answers leave compressed, or in which codings.
    pub compress: Option<CompressSettings>,
    /// How responses are stored, or `false`.
    pub cache: Option<RouteCache>,
    /// The flag that must be on.
    #[schemars(extend("x-refers-to" = "flags"))]
    pub flag: Option<String>,
    /// A flag-driven canary.
    pub rollout: Option<Rollout>,
    /// Which pages of other origins may read the answers.
    pub cors: Option<CorsSettings>,
}

/// `rollout`: a canary that a flag decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rollout {
    /// The flag.
    #[schemars(extend("x-refers-to" = "flags"))]
    pub flag: String,
    /// Where requests go for which it is on.
    #[schemars(extend("x-refers-to" = "upstreams"))]
    pub upstream: String,
}

/// `{set, add, remove}`: removed first, then set, then added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct HeaderEdits {
    /// Fields that get this value, whatever they had.
    pub set: BTreeMap<String, HeaderText>,
    /// Fields that get this value beside what they had.
    pub add: BTreeMap<String, HeaderText>,
    /// Fields that are taken off.
    pub remove: Vec<String>,
}

impl HeaderEdits {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }
}

/// A field's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct HeaderText(pub String);

/// `max_body`: bytes, or `"unlimited"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxBody {
    /// At most so many bytes.
    Bytes(u64),
    /// No limit.
    Unlimited,
}

impl Default for MaxBody {
    fn default() -> Self {
        Self::Bytes(10 << 20)
    }
}

impl MaxBody {
    /// The limit, if there is one.
    pub fn limit(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Unlimited => None,
        }
    }
}

impl Serialize for MaxBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => serializer.serialize_u64(*bytes),
            Self::Unlimited => serializer.serialize_str("unlimited"),
        }
    }
}

impl<'de> Deserialize<'de> for MaxBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = MaxBody;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"10MiB\", or \"unlimited\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<MaxBody, E> {
                if text == "unlimited" {
                    return Ok(MaxBody::Unlimited);
                }
                Err(E::custom(
                    "expected a size such as \"10MiB\", or \"unlimited\"",
                ))
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<MaxBody, E> {
                Ok(MaxBody::Bytes(bytes))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for MaxBody {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "MaxBody".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "x-unit": "bytes" },
            { "type": "string", "enum": ["unlimited"] },
        ]})
    }
}

/// `cache`: a table, or `false`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RouteCache {
    /// `false`: nothing is stored, and no cache headers are sent.
    Off(#[schemars(extend("const" = false))] bool),
    /// How responses are stored.
    On(Box<RouteCacheSettings>),
}

impl Default for RouteCache {
    fn default() -> Self {
        Self::Off(false)
    }
}
