//! What is stored, and how is it dropped?

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use cache::{CacheStats, Invalidation, StatsByRoute, StoreError};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::problem::{Problem, json};

/// The most names that one purge lists.
const NAMES_MAX: usize = 1000;
/// The most routes whose figures are told, and asked for.
const ROUTES_MAX: usize = 1000;

/// What the program lets an operator do with stored responses.
#[async_trait]
pub trait CacheOperations: Send + Sync + 'static {
    /// Purges; when it returns, no look-up on this server finds what was purged, or finds it fresh.
    async fn purge(&self, purge: &Purge) -> Result<PurgeState, StoreError>;

    /// The figures of each layer of the store, and of at most `max` routes.
    async fn report(&self, max: usize) -> CacheReport;
}

/// What is to be purged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    /// What.
    pub what: What,
    /// It becomes stale, and not invisible.
    pub soft: bool,
}

/// What a purge names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Everything that is stored.
    All,
    /// All of these.
    Named(Vec<Invalidation>),
}

/// Where a purge has been heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PurgeState {
    /// Everywhere.
    Confirmed,
    /// Here; others hear of it once they can be reached, and never where this server ends before.
    Queued,
}

/// The figures of the store.
#[derive(Clone, Debug, Default)]
pub struct CacheReport {
    /// Of each layer, by its name.
    pub layers: Vec<(&'static str, CacheStats)>,
    /// Of each route.
    pub routes: StatsByRoute,
}

/// The body of a purge.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all: Option<bool>,
    #[serde(default)]
    soft: bool,
}

/// What a body has to look like.
const SHAPE: &str = "Send an object with exactly one of \"tags\" (a list of tags), \"keys\" (a list of names as X-Cache-Key shows them after the space), \"prefix\" (the beginning of such names) and \"all\" (true); and \"soft\": true where they are to be stale rather than gone.";

fn refused(why: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, format!("{why}. {SHAPE}"))
}

impl Wish {
    fn of(body: &[u8]) -> Result<Self, Problem> {
        // A list would be taken for an object's values in order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(refused("The body is no JSON object"));
        }
        serde_json::from_slice(body)
            .map_err(|error| refused(&format!("The body is wrong: {error}")))
    }

    fn what(&self) -> Result<What, Problem> {
        match (&self.tags, &self.keys, &self.prefix, self.all) {
            (Some(tags), None, None, None) => named("tags", tags, Invalidation::Tag),
            (None, Some(keys), None, None) => named("keys", keys, Invalidation::Key),
            (None, None, Some(prefix), None) => {
                if matches!(prefix.as_str(), "" | "*") {
                    return Err(refused("An empty prefix is everything: say \"all\": true"));
                }
                Ok(What::Named(vec![Invalidation::Prefix(prefix.clone())]))
            }
            (None, None, None, Some(true)) => Ok(What::All),
            (None, None, None, Some(false)) => Err(refused("\"all\" is true or left out")),
            (None, None, None, None) => Err(refused("Nothing is named")),
            _ => Err(refused(
                "More than one of tags, keys, prefix and all is there",
            )),
        }
    }
}

fn named(key: &str, names: &[String], of: fn(String) -> Invalidation) -> Result<What, Problem> {
    if names.is_empty() {
        return Err(refused(&format!("\"{key}\" is empty")));
    }
    if names.len() > NAMES_MAX {
        return Err(refused(&format!(
            "\"{key}\" lists {} names, and may list {NAMES_MAX}",
            names.len()
        )));
    }
    if names.iter().any(String::is_empty) {
        return Err(refused(&format!("\"{key}\" has an empty name")));
    }
    Ok(What::Named(names.iter().cloned().map(of).collect()))
}

/// What was done.
#[derive(Serialize)]
struct Done {
    state: PurgeState,
    #[serde(flatten)]
    wish: Wish,
}

/// `POST /cache/purge`.
pub(super) async fn purge(
    cache: &dyn CacheOperations,
    who: &str,
    body: &Bytes,
) -> Result<Response<Bytes>, Problem> {
    let wish = Wish::of(body)?;
    let purge = Purge {
        what: wish.what()?,
        soft: wish.soft,
    };
    let state = cache.purge(&purge).await.map_err(|error| {
        tracing::error!(
            who,
            error = &error as &dyn std::error::Error,
            "a purge failed"
        );
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The store failed: part of this may have been purged. Try again.",
        )
    })?;
    let named = match &purge.what {
        What::All => "all".to_owned(),
        What::Named(names) => shown(names),
    };
    tracing::info!(who, soft = purge.soft, named, "purged stored responses");
    Ok(json(StatusCode::OK, &Done { state, wish }))
}

/// What the log says of names, which may be many and long.
fn shown(names: &[Invalidation]) -> String {
    let first = format!("{:?}", names.first());
    let first: String = first.chars().take(200).collect();
    format!("{first}, {} in all", names.len())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    route: Option<&'a str>,
    total_keys: u64,
    hits: u64,
    misses: u64,
    hit_rate: Option<f64>,
    miss_rate: Option<f64>,
    memory_usage: u64,
    oldest_entry: Option<String>,
    newest_entry: Option<String>,
    evictions: u64,
    expirations: u64,
    purged: u64,
}

impl<'a> Figures<'a> {
    fn of(stats: &CacheStats, now: SystemTime) -> Self {
        let at = |ago: Option<Duration>| {
            let at = now.checked_sub(ago?)?;
            Some(humantime::format_rfc3339_millis(at).to_string())
        };
        Self {
            layer: None,
            route: None,
            total_keys: stats.keys,
            hits: stats.hits,
            misses: stats.misses,
            hit_rate: stats.hit_rate(),
            miss_rate: stats.miss_rate(),
            memory_usage: stats.bytes,
            oldest_entry: at(stats.oldest),
            newest_entry: at(stats.newest),
            evictions: stats.evictions,
            expirations: stats.expirations,
            purged: stats.purged,
        }
    }

    fn of_layer((layer, stats): &(&'a str, CacheStats), now: SystemTime) -> Self {
        Self {
            layer: Some(layer),
            ..Self::of(stats, now)
        }
    }

    fn of_route(route: &'a str, stats: &CacheStats, now: SystemTime) -> Self {
        Self {
            route: Some(route),
            ..Self::of(stats, now)
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    layers: Vec<Figures<'a>>,
    routes: Vec<Figures<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    timestamp: String,
}

/// `GET /cache/stats`.
pub(super) async fn stats(cache: &dyn CacheOperations) -> Result<Response<Bytes>, Problem> {
    let report = cache.report(ROUTES_MAX).await;
    let now = SystemTime::now();
    let routes = &report.routes.routes;
    let are_all = report.routes.are_all && routes.len() <= ROUTES_MAX;
    let document = Document {
        layers: report
            .layers
            .iter()
            .map(|layer| Figures::of_layer(layer, now))
            .collect(),
        routes: routes
            .iter()
            .take(ROUTES_MAX)
            .map(|(route, stats)| Figures::of_route(route, stats, now))
            .collect(),
        note: (!are_all)
            .then(|| format!("There are more routes than the {ROUTES_MAX} that are shown here.")),
        timestamp: humantime::format_rfc3339_millis(now).to_string(),
    };
    Ok(json(StatusCode::OK, &document))
}
