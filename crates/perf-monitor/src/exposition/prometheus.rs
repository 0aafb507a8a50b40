//! The families of `/metrics` that the monitor knows.
//!
//! Names are OpenTelemetry's HTTP conventions. Label values come from the configuration or from small
//! fixed sets, so no client can grow them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::families::Families;
use super::negotiate::Format;
use crate::kept::State;
use crate::monitor::Monitor;
use crate::series::BOUNDS;
use crate::sizes::{SIZE_BOUNDS, SIZES};
use crate::totals::{SeriesTotals, Totals};

/// What routes with one template counted together.
#[derive(Default)]
struct Templates {
    aborted: u64,
    streams: u64,
    request_sizes: SizeSum,
    response_sizes: SizeSum,
}

#[derive(Default)]
struct SizeSum {
    buckets: [u64; SIZES],
    bytes: u64,
}

impl SizeSum {
    /// Adds the sizes of `all` contents, of which `recorded` are not empty.
    fn add(&mut self, recorded: &[u64; SIZES], all: u64) {
        for (sum, count) in self.buckets.iter_mut().zip(recorded) {
            *sum += count;
        }
        self.buckets[0] += all.saturating_sub(recorded.iter().sum());
    }
}

impl Templates {
    fn add(&mut self, totals: &Totals) {
        let timed = totals.timed();
        self.aborted += totals.counts.aborted;
        self.streams += totals.counts.count.saturating_sub(timed);
        self.request_sizes.add(&totals.request_sizes, timed);
        self.response_sizes.add(&totals.response_sizes, timed);
    }
}

impl Monitor {
    /// Everything that the monitor knows, as Prometheus text or OpenMetrics.
    pub fn text(&self, format: Format) -> String {
        let mut families = Families::new(format);
        self.expose(&mut families);
        families.finish()
    }

    /// Adds the families of requests, of the process and of the monitor itself.
    pub fn expose(&self, families: &mut Families) {
        let mut state = self.lock();
        self.collect(&mut state, (self.clock())());
        let mut routes: Vec<_> = state
            .routes
            .iter()
            .map(|(slot, place)| (slot, Arc::clone(&place.id), Arc::clone(&place.template)))
            .collect();
        routes.sort_by(|one, other| one.1.cmp(&other.1));
        self.expose_durations(families, &state, &routes);
        self.expose_active(families, &routes);
        self.expose_templates(families, &state, &routes);
        drop(state);
        self.expose_process(families);
        self.expose_itself(families);
    }

    fn expose_durations(
        &self,
        families: &mut Families,
        state: &State,
        routes: &[(u32, Arc<str>, Arc<str>)],
    ) {
        let mut family = families.histogram(
            "http_server_request_duration_seconds",
            "Response times, without the time that clients took.",
            &BOUNDS.map(|micros| micros as f64 / 1e6),
        );
        for (slot, id, template) in routes {
            let Some(route) = state.kept.get(slot) else {
                continue;
            };
            for SeriesTotals {
                key,
                buckets,
                nanos,
            } in &shown(&route.kept.totals)
            {
                let status = match key.status() {
                    class @ ..10 => format!("{class}xx"),
                    status => status.to_string(),
                };
                let labels = [
                    ("urm_route", &**id),
                    ("http_route", template),
                    ("http_request_method", key.method().as_str()),
                    ("http_response_status_code", &status),
                    ("url_scheme", if key.secure() { "https" } else { "http" }),
                    ("error_type", &self.common.errors.word(key.error(), &status)),
                ];
                family.sample(&labels, buckets, seconds(*nanos));
            }
        }
    }

    fn expose_active(&self, families: &mut Families, routes: &[(u32, Arc<str>, Arc<str>)]) {
        let mut family = families.gauge(
            "http_server_active_requests",
            "Requests that are being served.",
        );
        for (slot, id, template) in routes {
            if self.cells_of(*slot).next().is_some() {
                let labels = [("urm_route", &**id), ("http_route", template)];
                family.sample(&labels, self.in_flight_of(*slot));
            }
        }
    }

    fn expose_templates(
        &self,
        families: &mut Families,
        state: &State,
        routes: &[(u32, Arc<str>, Arc<str>)],
    ) {
        let mut templates: BTreeMap<&str, Templates> = BTreeMap::new();
        for (slot, _, template) in routes {
            let Some(route) = state.kept.get(slot) else {
                continue;
            };
            let totals = &route.kept.totals;
            if totals.counts.count == 0 {
                continue;
            }
            let sums = templates.entry(template).or_default();
            sums.add(totals);
            for route in self.cells_of(*slot) {
                let [bytes_in, bytes_out] = route.sized_bytes();
                sums.request_sizes.bytes += bytes_in;
                sums.response_sizes.bytes += bytes_out;
            }
        }
        let bounds = SIZE_BOUNDS.map(|bytes| bytes as f64);
        let mut family = families.histogram(
            "http_server_request_body_size_bytes",
            "Sizes of requests' contents.",
            &bounds,
        );
        for (template, Templates { request_sizes, .. }) in &templates {
            family.sample(
                &[("http_route", template)],
                &request_sizes.buckets,
                request_sizes.bytes,
            );
        }
        let mut family = families.histogram(
            "http_server_response_body_size_bytes",
            "Sizes of responses' contents.",
            &bounds,
        );
        for (template, Templates { response_sizes, .. }) in &templates {
            family.sample(
                &[("http_route", template)],
                &response_sizes.buckets,
                response_sizes.bytes,
            );
        }
        let mut family = families.counter(
            "http_server_requests_aborted_total",
            "Requests whose client went away before it had everything.",
        );
        for (template, Templates { aborted, .. }) in &templates {
            family.sample(&[("http_route", template)], *aborted);
        }
        let mut family = families.counter(
            "http_server_streams_total",
            "Tunnels and event streams, which have no response time.",
        );
        for (template, Templates { streams, .. }) in &templates {
            family.sample(&[("http_route", template)], *streams);
        }
    }

    fn expose_process(&self, families: &mut Families) {
        let Some(process) = self.process() else {
            return;
        };
        families
            .counter(
                "process_cpu_seconds_total",
                "User and system CPU time spent.",
            )
            .sample(&[], process.cpu.as_secs_f64());
        families
            .gauge("process_resident_memory_bytes", "Resident memory.")
            .sample(&[], process.resident_bytes);
        families
            .gauge("process_virtual_memory_bytes", "Virtual memory.")
            .sample(&[], process.virtual_bytes);
        families
            .gauge("process_open_fds", "Open file descriptors.")
            .sample(&[], process.open_fds);
        if let Some(most) = process.max_fds {
            families
                .gauge("process_max_fds", "File descriptors that may be open.")
                .sample(&[], most);
        }
        families
            .gauge("process_threads", "Threads of the process.")
            .sample(&[], process.threads);
        let started = process.started.duration_since(std::time::UNIX_EPOCH);
        families
            .gauge(
                "process_start_time_seconds",
                "Start of the process since the epoch.",
            )
            .sample(&[], started.unwrap_or_default().as_secs_f64());
    }

    fn expose_itself(&self, families: &mut Families) {
        let stats = self.stats();
        families
            .gauge("urm_monitor_window_bytes", "Memory that windows take.")
            .sample(&[], stats.window_bytes);
        families
            .counter(
                "urm_monitor_window_slots_dropped_total",
                "Parts of windows dropped because the memory was full.",
            )
            .sample(&[], stats.dropped);
        families
            .counter(
                "urm_monitor_rows_skipped_total",
                "Recent requests not kept because the ring was being read.",
            )
            .sample(&[], stats.skipped);
    }
}

/// The series that are shown, those that differ in their outcome alone added up.
fn shown(totals: &Totals) -> Vec<SeriesTotals> {
    let mut all: Vec<SeriesTotals> = Vec::with_capacity(totals.series.len());
    for series in totals.series.iter().filter(|series| series.key.is_timed()) {
        let key = series.key.shown();
        match all.iter_mut().find(|known| known.key == key) {
            Some(known) => {
                for (sum, count) in known.buckets.iter_mut().zip(series.buckets) {
                    *sum += count;
                }
                known.nanos += series.nanos;
            }
            None => all.push(SeriesTotals {
                key,
                ..series.clone()
            }),
        }
    }
    all.sort_by_key(|series| series.key);
    all
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
