//! What an operator may say about caching.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::{Validate, ValidationError};

use crate::cookies::IgnoreCookies;
use crate::memory::MemoryOptions;
use crate::query::QuerySettings;

const MIB: u64 = 1024 * 1024;

/// How the store of responses is sized, and what tells callers apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
pub struct CacheSettings {
    /// Memory for stored responses and for those being fetched. Without it 256 MiB, or a quarter of
    /// the container's memory limit where that is less.
    #[validate(range(min = 1_048_576, message = "must be at least 1 MiB"))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub memory: Option<u64>,
    /// At most this many stored responses. Without it their bytes are the only bound.
    #[validate(range(min = 1, message = "must be at least 1"))]
    pub entries: Option<u64>,
    /// Which stored response gives way when the memory is full.
    pub policy: EvictionPolicy,
    /// Request fields that name a caller as `Authorization` does: a request with one of them is neither answered from
    /// the store nor stored where the response does not say itself how long it is fresh.
    #[validate(
        length(max = 32, message = "at most 32 names"),
        custom(function = "field_names")
    )]
    pub identity_fields: Vec<String>,
    /// At most this many requests wait for one answer of the upstream; further ones ask by themselves.
    #[validate(range(min = 1, max = 1_000_000, message = "must be 1 to 1,000,000"))]
    pub collapse_waiters: usize,
}

impl Default for CacheSettings {
    fn default() -> Self {
        let fields = ["X-Api-Key", "Api-Key", "X-Auth-Token", "X-Access-Token"];
        Self {
            memory: None,
            entries: None,
            policy: EvictionPolicy::default(),
            identity_fields: fields.map(String::from).to_vec(),
            collapse_waiters: 1000,
        }
    }
}

impl CacheSettings {
    /// All memory that the cache may take, in bytes, under a container's limit (if there is one).
    pub fn memory_bytes(&self, container_limit: Option<u64>) -> u64 {
        let quarter = container_limit.map_or(u64::MAX, |limit| limit / 4);
        self.memory
            .unwrap_or_else(|| (256 * MIB).min(quarter).max(MIB))
    }

    /// The share of it for responses that are being fetched, in bytes.
    pub fn fill_bytes(&self, container_limit: Option<u64>) -> u64 {
        self.memory_bytes(container_limit) / 8
    }

    /// What the store in memory may hold: the rest of it.
    pub fn memory_options(&self, container_limit: Option<u64>) -> MemoryOptions {
        MemoryOptions {
            bytes: self.memory_bytes(container_limit) - self.fill_bytes(container_limit),
            entries: self.entries.unwrap_or(u64::MAX),
            policy: self.policy,
        }
    }
}

/// Which stored response gives way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EvictionPolicy {
    /// S3-FIFO: what is asked for once goes first, so a scan does not flush what is asked for often.
    #[default]
    #[serde(rename = "s3-fifo")]
    S3Fifo,
    /// The least recently used goes first.
    Lru,
}

/// How the responses of one route are cached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the configuration"
)]
pub struct RouteCacheSettings {
    /// What is stored and under which key.
    pub strategy: StrategyName,
    /// The freshness lifetime where the upstream says none. Without it the strategy's own (5 minutes);
    /// zero leaves it to the upstream's fields and the heuristic alone.
    #[validate(custom(function = "at_most_a_year"))]
    pub ttl: Option<Duration>,
    /// Whose word on freshness counts.
    pub freshness: Freshness,
    /// Sorts the query by parameter name, for the key and for the upstream; without it the order of
    /// the parameters is part of the key.
    pub sort_query: bool,
    /// The largest body that is stored; a larger one only passes through.
    #[validate(range(min = 1, message = "must be at least 1 byte"))]
    #[schemars(extend("x-unit" = "bytes"))]
    pub max_object: u64,
    /// For how long a stale response answers while a new one is fetched in the background (RFC 5861), where the
    /// response says nothing itself. Not where it has `no-cache`, `must-revalidate`, `proxy-revalidate` or `s-maxage`.
    #[validate(custom(function = "at_most_a_year"))]
    pub stale_while_revalidate: Duration,
    /// For how long a stale response answers while the upstream fails; as `stale_while_revalidate`.
    #[validate(custom(function = "at_most_a_year"))]
    pub stale_if_error: Duration,
    /// Stores responses with `Set-Cookie` too; every client gets the same cookies then.
    pub store_set_cookie: bool,
    /// Answers requests that say who asks (`Authorization`, `Cookie`, `cache.identity_fields`) as all others, also
    /// where the upstream does not say itself how long its response is fresh.
    pub store_authenticated: bool,
    /// Lets one request for what is not stored go to the upstream, while the others wait for its answer.
    pub collapse: bool,
    /// Obeys a request's `Cache-Control` and `Pragma`.
    pub client_directives: bool,
    /// Cookies that are neither sent to the upstream nor looked at: names, in which `*` stands for any letters, or
    /// `true` for all of them.
    #[validate(nested)]
    pub ignore_cookies: IgnoreCookies,
    /// Which query parameters count; the others are neither in the key nor sent to the upstream.
    #[validate(nested)]
    pub query: QuerySettings,
    /// Request fields whose values are always part of the key.
    #[validate(
        length(max = 16, message = "at most 16 names"),
        custom(function = "field_names")
    )]
    pub vary: Vec<String>,
    /// Labels of this route's responses, by which they can be dropped: templates over the path's parameters, such as
    /// `product-{id}`.
    #[validate(length(max = 16, message = "at most 16 labels"))]
    pub tags: Vec<String>,
    /// Labels that a successful `POST`, `PUT`, `PATCH` or `DELETE` on this route drops; templates as `tags`.
    #[validate(length(max = 16, message = "at most 16 labels"))]
    pub invalidates: Vec<String>,
}

impl Default for RouteCacheSettings {
    fn default() -> Self {
        Self {
            strategy: StrategyName::default(),
            ttl: None,
            freshness: Freshness::default(),
            sort_query: true,
            max_object: 8 * MIB,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            store_set_cookie: false,
            store_authenticated: false,
            collapse: true,
            client_directives: true,
            ignore_cookies: IgnoreCookies::default(),
            query: QuerySettings::default(),
            vary: Vec::new(),
            tags: Vec::new(),
            invalidates: Vec::new(),
        }
    }
}

/// The strategies that a configuration can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StrategyName {
    /// Answers to `GET`, the same for all.
    #[default]
    GetOnly,
}

/// Whose word on freshness counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// The upstream's (RFC 9111); `ttl` stands in where it says nothing.
    #[default]
    Origin,
    /// The route's: `ttl`, counted from receipt. `no-store`, `no-cache`, `private`, `Vary` and
    /// `Set-Cookie` are still obeyed.
    Forced,
}

fn refused(code: &'static str, message: &'static str) -> ValidationError {
    ValidationError::new(code).with_message(Cow::Borrowed(message))
}

/// RFC 9111 §1.2.2 lets seconds end at 2^31; a year is what a freshness lifetime is at most in practice.
fn at_most_a_year(ttl: &Duration) -> Result<(), ValidationError> {
    if *ttl > Duration::from_hours(366 * 24) {
        return Err(refused("range", "must be at most a year"));
    }
    Ok(())
}

fn field_names(names: &[String]) -> Result<(), ValidationError> {
    for name in names {
        if HeaderName::try_from(name.as_str()).is_err() {
            return Err(refused(
                "field_name",
                "each must be the name of a header field",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_is_a_quarter_of_a_small_container() {
        let settings = CacheSettings::default();
        assert_eq!(settings.memory_bytes(None), 256 * MIB);
        assert_eq!(settings.memory_bytes(Some(400 * MIB)), 100 * MIB);
        assert_eq!(settings.memory_bytes(Some(MIB)), MIB);
        let store = settings.memory_options(None);
        assert_eq!(store.bytes + settings.fill_bytes(None), 256 * MIB);
        assert_eq!(store.entries, u64::MAX);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        assert!(CacheSettings::default().validate().is_ok());
        assert!(RouteCacheSettings::default().validate().is_ok());
        let bad = CacheSettings {
            memory: Some(5),
            entries: Some(0),
            identity_fields: vec!["a b".to_owned()],
            ..CacheSettings::default()
        };
        assert_eq!(bad.validate().unwrap_err().field_errors().len(), 3);
        let bad = RouteCacheSettings {
            ttl: Some(Duration::MAX),
            max_object: 0,
            ..RouteCacheSettings::default()
        };
        assert_eq!(bad.validate().unwrap_err().field_errors().len(), 2);
    }

    #[test]
    fn words_are_written_as_they_are_read() {
        let text = serde_json::to_string(&EvictionPolicy::S3Fifo).unwrap();
        assert_eq!(text, "\"s3-fifo\"");
        let text = serde_json::to_string(&StrategyName::GetOnly).unwrap();
        assert_eq!(text, "\"get-only\"");
        assert!(serde_json::from_str::<StrategyName>("\"user-specific\"").is_err());
    }
}
