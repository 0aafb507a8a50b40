//! What the probes answer, in each stage of a server's life.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header;
use ops_health::{
    Detail, HealthMonitor, HealthSettings, Lifecycle, Phase, PingCheck, Probe, Readiness,
};
use serde_json::Value;
use tokio::time::advance;

struct Server {
    lifecycle: Lifecycle,
    monitor: Arc<HealthMonitor>,
}

impl Server {
    fn new() -> Self {
        Self {
            lifecycle: Lifecycle::new(),
            monitor: HealthMonitor::new(&HealthSettings::default()),
        }
    }

    fn started() -> Self {
        let server = Self::new();
        server.lifecycle.mark_started();
        server
    }

    fn ask(&self, probe: Probe, detail: Detail) -> (u16, Value) {
        let answer = probe.answer(&self.lifecycle, &self.monitor, detail);
        let json = serde_json::from_slice(&answer.body).unwrap();
        (answer.status.as_u16(), json)
    }

    #[track_caller]
    fn check(&self, probe: Probe, status: u16, word: &str) {
        let (code, json) = self.ask(probe, Detail::Bare);
        assert_eq!((code, json["status"].as_str()), (status, Some(word)));
    }
}

#[test]
fn a_life_in_probes() {
    let server = Server::new();
    assert_eq!(server.lifecycle.phase(), Phase::Starting);
    server.check(Probe::Live, 200, "alive");
    server.check(Probe::Startup, 503, "starting");
    server.check(Probe::Ready, 503, "starting");
    server.check(Probe::Health, 200, "healthy");

    server.lifecycle.mark_started();
    assert_eq!(server.lifecycle.phase(), Phase::Started);
    server.check(Probe::Startup, 200, "started");
    server.check(Probe::Ready, 200, "ready");

    server.lifecycle.set_no_routes(true);
    server.check(Probe::Ready, 503, "no-routes");
    server.lifecycle.set_drained(true);
    server.check(Probe::Ready, 503, "drained");
    server.check(Probe::Startup, 200, "started");
    server.lifecycle.set_drained(false);
    server.lifecycle.set_no_routes(false);
    server.check(Probe::Ready, 200, "ready");

    assert!(server.lifecycle.begin_drain());
    assert!(!server.lifecycle.begin_drain());
    assert_eq!(server.lifecycle.phase(), Phase::ShuttingDown);
    server.check(Probe::Ready, 503, "shutting-down");
    server.check(Probe::Live, 200, "alive");
    server.check(Probe::Startup, 200, "started");
}

#[test]
fn the_end_outranks_a_late_start() {
    let server = Server::new();
    server.lifecycle.begin_drain();
    server.lifecycle.mark_started();
    assert_eq!(server.lifecycle.phase(), Phase::ShuttingDown);
    server.check(Probe::Ready, 503, "shutting-down");
}

#[tokio::test]
async fn a_failing_gate_is_named() {
    let server = Server::started();
    let fails = || async { Err(io::Error::other("gone")) };
    let check = PingCheck::new("disk", fails, Duration::ZERO).gating_readiness();
    server.monitor.add_check(Arc::new(check));
    server.monitor.execute_all().await;
    let (code, json) = server.ask(Probe::Ready, Detail::Bare);
    assert_eq!(code, 503);
    assert_eq!(json["status"], "check-failing");
    assert_eq!(json["check"], "disk");
    let readiness = Readiness::of(&server.lifecycle, &server.monitor);
    assert_eq!(readiness, Readiness::CheckFailing("disk".into()));
}

#[tokio::test]
async fn no_shared_failure_takes_readiness_away() {
    let server = Server::started();
    let fails = || async { Err(io::Error::other("gone")) };
    let check = PingCheck::new("database", fails, Duration::ZERO).critical();
    server.monitor.add_check(Arc::new(check));
    server.monitor.execute_all().await;
    server.check(Probe::Health, 503, "unhealthy");
    server.check(Probe::Ready, 200, "ready");
    server.check(Probe::Live, 200, "alive");
    server.check(Probe::Startup, 200, "started");
}

#[tokio::test(start_paused = true)]
async fn details_are_shown_to_whoever_may_see_them() {
    let server = Server::started();
    let fails = || async { Err(io::Error::other("10.0.0.7 refused")) };
    let check = PingCheck::new("search", fails, Duration::ZERO);
    server.monitor.add_check(Arc::new(check));
    let (_, pending) = server.ask(Probe::Health, Detail::Full);
    assert_eq!(pending["checks"]["search"]["status"], "pending");

    server.monitor.execute_all().await;
    advance(Duration::from_millis(1500)).await;
    let (code, bare) = server.ask(Probe::Health, Detail::Bare);
    assert_eq!(code, 200);
    assert_eq!(bare["status"], "degraded");
    assert_eq!(bare["uptime"], 1.5);
    assert_eq!(
        bare["checks"],
        serde_json::json!({ "search": { "status": "unhealthy" } })
    );
    assert!(bare["timestamp"].as_str().unwrap().ends_with('Z'));

    let (_, full) = server.ask(Probe::Health, Detail::Full);
    let search = &full["checks"]["search"];
    assert_eq!(search["criticality"], "minor");
    assert_eq!(search["age"], 1500.0);
    assert_eq!(search["latency"], 0.0);
    assert_eq!(search["details"]["error"], "10.0.0.7 refused");
}

#[test]
fn answers_are_json_that_is_not_stored() {
    let server = Server::started();
    for probe in [Probe::Health, Probe::Live, Probe::Ready, Probe::Startup] {
        let answer = probe.answer(&server.lifecycle, &server.monitor, Detail::Bare);
        let response = answer.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    }
}

#[test]
fn paths_name_probes() {
    for path in Probe::PATHS {
        assert!(Probe::of_path(path).is_some(), "{path}");
    }
    for path in ["/", "/health/", "/healthz", "/Health", "/health/live/", ""] {
        assert_eq!(Probe::of_path(path), None, "{path}");
    }
    assert_eq!(Probe::of_path("/readyz"), Probe::of_path("/health/ready"));
}
