//! `/metrics`: the monitor's figures, and the families of the other parts beside them.
use std::sync::Arc;

use bytes::Bytes;
use cache::{CacheProvider, CacheStats};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use ops_health::Status;
use parking_lot::Mutex;
use perf_monitor::{Families, Format, MetricsDocument, Window};
use serde::Serialize;

use crate::snapshot::{Registries, Snapshot};

/// The answer of `/metrics` in the form that is asked for.
pub fn figures(
    snapshot: &Arc<Snapshot>,
    accept: Option<&HeaderValue>,
    query: Option<&str>,
) -> Response<Bytes> {
    let format = Format::negotiate(accept.and_then(|accept| accept.to_str().ok()), query);
    match format {
        Format::Json => json(snapshot, query),
        Format::Prometheus | Format::OpenMetrics => {
            answer(format.content_type(), text(snapshot, format))
        }
    }
}

/// The memory of the last text, for the next one.
#[derive(Debug, Default)]
pub struct Room(Mutex<Bytes>);

impl Room {
    /// The last text, if it was sent to its end; else an empty one.
    fn take(&self) -> String {
        let mut last = std::mem::take(&mut *self.0.lock());
        if !last.is_unique() {
            return String::new();
        }
        // Nothing at all would give the memory back, and what is left is moved to the front.
        last.truncate(1);
        let mut room = Vec::from(last);
        room.clear();
        String::from_utf8(room).unwrap_or_default()
    }

    fn keep(&self, text: String) -> Bytes {
        let text = Bytes::from(text);
        *self.0.lock() = text.clone();
        text
    }
}

fn answer(kind: &'static str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn text(snapshot: &Snapshot, format: Format) -> Bytes {
    let registries = &snapshot.registries;
    // Requests that wait for the processor have it first.
    let mut families = Families::new(format)
        .into_room_of(registries.figures_room.take())
        .pausing(std::thread::yield_now);
    if snapshot.features.monitoring {
        registries.monitor.expose(&mut families);
    }
    program(snapshot, &mut families);
    if snapshot.features.caching {
        stored(&registries.store.stats(), &mut families);
    }
    upstreams(registries, &mut families);
    connections(registries, &mut families);
    health(registries, &mut families);
    registries.figures_room.keep(families.finish())
}

fn program(snapshot: &Snapshot, families: &mut Families) {
    let labels = [("version", env!("CARGO_PKG_VERSION"))];
    families
        .gauge("urm_build_info", "The build that runs; always 1.")
        .sample(&labels, 1_u64);
    let labels = [
        ("version", snapshot.version.as_str()),
        ("environment", snapshot.stage.as_str()),
    ];
    families
        .gauge("urm_config_info", "The configuration in force; always 1.")
        .sample(&labels, 1_u64);
    let registries = &snapshot.registries;
    families
        .gauge(
            "urm_uptime_seconds",
            "Time since the process began to start.",
        )
        .sample(&[], registries.lifecycle.uptime().as_secs_f64());
    families
        .counter(
            "urm_access_log_dropped_total",
            "Lines that found no room in the access log's queue.",
        )
        .sample(&[], registries.access_log.dropped() as u64);
}

fn stored(stats: &CacheStats, families: &mut Families) {
    let layer = [("layer", "memory")];
    families
        .gauge("urm_cache_entries", "Stored responses.")
        .sample(&layer, stats.keys);
    families
        .gauge("urm_cache_bytes", "Memory that stored responses take.")
        .sample(&layer, stats.bytes);
    families
        .counter(
            "urm_cache_hits_total",
            "Look-ups that found a stored response.",
        )
        .sample(&layer, stats.hits);
    families
        .counter("urm_cache_misses_total", "Look-ups that found none.")
        .sample(&layer, stats.misses);
    families
        .counter(
            "urm_cache_evictions_total",
            "Stored responses that gave way to others.",
        )
        .sample(&layer, stats.evictions);
    families
        .counter(
            "urm_cache_expirations_total",
            "Stored responses whose time to be kept was over.",
        )
        .sample(&layer, stats.expirations);
}

fn upstreams(registries: &Registries, families: &mut Families) {
    let all = registries.upstreams.all();
    let mut in_flight = families.gauge(
        "urm_upstream_in_flight",
        "Requests that an upstream has not answered to the end.",
    );
    for upstream in &all {
        in_flight.sample(
            &[("upstream", upstream.name())],
            upstream.in_flight() as u64,
        );
    }
    let mut tunnels = families.gauge(
        "urm_upstream_tunnels",
        "Tunnels and event streams that are open.",
    );
    for upstream in &all {
        tunnels.sample(
            &[("upstream", upstream.name())],
            upstream.open_tunnels() as u64,
        );
    }
    let mut requests = families.counter(
        "urm_upstream_requests_total",
        "Times that an endpoint was asked, retries included.",
    );
    for upstream in &all {
        for endpoint in upstream.endpoints() {
            let labels = [
                ("upstream", upstream.name()),
                ("endpoint", endpoint.address()),
            ];
            requests.sample(&labels, endpoint.requests());
        }
    }
    let mut failures = families.counter(
        "urm_upstream_failures_total",
        "Times that an endpoint gave no answer.",
    );
    for upstream in &all {
        for endpoint in upstream.endpoints() {
            let labels = [
                ("upstream", upstream.name()),
                ("endpoint", endpoint.address()),
            ];
            failures.sample(&labels, endpoint.failures());
        }
    }
}

fn connections(registries: &Registries, families: &mut Families) {
    let Some(listeners) = registries.listeners.get() else {
        return;
    };
    let counts = listeners.counts();
    families
        .gauge("urm_connections", "Connections of clients that are open.")
        .sample(&[], listeners.connections() as u64);
    families
        .counter(
            "urm_connections_accepted_total",
            "Connections that clients opened.",
        )
        .sample(&[], counts.accepted);
    let mut closed = families.counter(
        "urm_connections_closed_total",
        "Connections that were closed for a limit, by reason.",
    );
    for (reason, count) in [
        ("refused", counts.refused),
        ("evicted", counts.evicted),
        ("slow_head", counts.slow_head),
        ("idle", counts.idle),
    ] {
        closed.sample(&[("reason", reason)], count);
    }
}

fn health(registries: &Registries, families: &mut Families) {
    let report = registries.health.report();
    let mut status = families.gauge(
        "urm_health_check_status",
        "The last result of a check: 1 healthy, 0.5 degraded, 0 unhealthy.",
    );
    for check in &report.checks {
        let Some(last) = &check.last else { continue };
        let value = match last.result.status {
            Status::Healthy => 1.0,
            Status::Degraded => 0.5,
            Status::Unhealthy => 0.0,
        };
        status.sample(&[("check", check.name.as_str())], value);
    }
}

/// The JSON document: the monitor's, and the cache's figures.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    performance: Vec<perf_monitor::Performance>,
    total: perf_monitor::Performance,
    process: Option<perf_monitor::ProcessUsage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<Cache>,
    config_version: String,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    total_keys: u64,
    hits: u64,
    misses: u64,
    hit_rate: f64,
    miss_rate: f64,
    memory_usage: u64,
    oldest_entry: Option<String>,
    newest_entry: Option<String>,
    evictions: u64,
    expirations: u64,
}

impl Cache {
    fn of(stats: &CacheStats) -> Self {
        let now = std::time::SystemTime::now();
        let at = |ago: Option<std::time::Duration>| {
            ago.and_then(|ago| now.checked_sub(ago))
                .map(|at| humantime::format_rfc3339_millis(at).to_string())
        };
        Self {
            total_keys: stats.keys,
            hits: stats.hits,
            misses: stats.misses,
            hit_rate: stats.hit_rate().unwrap_or(0.0),
            miss_rate: stats.miss_rate().unwrap_or(0.0),
            memory_usage: stats.bytes,
            oldest_entry: at(stats.oldest),
            newest_entry: at(stats.newest),
            evictions: stats.evictions,
            expirations: stats.expirations,
        }
    }
}

fn json(snapshot: &Snapshot, query: Option<&str>) -> Response<Bytes> {
    let asked = query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .find_map(|pair| pair.strip_prefix("window="));
    let window = match asked.map(str::parse::<Window>) {
        None => Window::default(),
        Some(Ok(window)) => window,
        Some(Err(error)) => {
            let text = serde_json::json!({ "title": "Bad Request", "status": 400, "detail": error.to_string() });
            let mut response = answer("application/problem+json", text.to_string());
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return response;
        }
    };
    let registries = &snapshot.registries;
    let MetricsDocument {
        performance,
        total,
        process,
        timestamp,
        ..
    } = registries.monitor.document(window);
    let document = Document {
        performance,
        total,
        process,
        cache: snapshot
            .features
            .caching
            .then(|| Cache::of(&registries.store.stats())),
        config_version: snapshot.version.clone(),
        timestamp,
    };
    answer(
        Format::Json.content_type(),
        serde_json::to_vec(&document).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_sent_leaves_its_room() {
        let room = Room::default();
        let first = room.keep("a".repeat(10_000));
        let held = room.take();
        assert_eq!(held.capacity(), 0, "somebody is still sending the last one");
        drop(first);
        drop(room.keep("b".repeat(10_000)));
        let free = room.take();
        assert!(free.is_empty() && free.capacity() >= 10_000);
    }
}
