//! What do the probes answer?
//!
//! | probe | asks | 200 | 503 |
//! | --- | --- | --- | --- |
//! | startup | do the first configuration and the listeners stand? | `started` | `starting` |
//! | liveness | does the runtime turn? | `alive` | – |
//! | readiness | should traffic come here? | `ready` | why not, see [`Readiness`] |
//! | health | how do the parts do? | `healthy`, `degraded` | `unhealthy` |
//!
//! Liveness and startup ask nothing that can be down for all servers at once: restarting every server mends no database. All
//! answer from memory, with JSON that must not be stored.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::check::Status;
use crate::lifecycle::Lifecycle;
use crate::monitor::HealthMonitor;
use crate::report::{Detail, seconds, to_json};

/// A question that an orchestrator or a load balancer asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Probe {
    /// `/health`: the whole report.
    Health,
    /// `/health/live` or `/livez`.
    Live,
    /// `/health/ready` or `/readyz`.
    Ready,
    /// `/health/startup` or `/startupz`.
    Startup,
}

/// Whether traffic should come here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Readiness {
    /// Yes.
    Ready,
    /// The server is about to stop.
    ShuttingDown,
    /// The first configuration and the listeners do not stand yet.
    Starting,
    /// Somebody took the server out of service by hand.
    Drained,
    /// The configuration in force has no route.
    NoRoutes,
    /// This check, which may take readiness away, fails or has not run yet.
    CheckFailing(String),
}

impl Readiness {
    /// Whether traffic should come to this server. The first reason against it is the one that is told.
    pub fn of(lifecycle: &Lifecycle, monitor: &HealthMonitor) -> Self {
        if lifecycle.is_shutting_down() {
            Self::ShuttingDown
        } else if !lifecycle.is_started() {
            Self::Starting
        } else if lifecycle.is_drained() {
            Self::Drained
        } else if lifecycle.has_no_routes() {
            Self::NoRoutes
        } else {
            monitor
                .failing_gate()
                .map_or(Self::Ready, Self::CheckFailing)
        }
    }

    /// Returns whether traffic should come here.
    pub fn is_ready(&self) -> bool {
        *self == Self::Ready
    }

    /// The word for it, such as `shutting-down`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::ShuttingDown => "shutting-down",
            Self::Starting => "starting",
            Self::Drained => "drained",
            Self::NoRoutes => "no-routes",
            Self::CheckFailing(_) => "check-failing",
        }
    }
}

/// The answer to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProbeAnswer {
    /// 200 or 503.
    pub status: StatusCode,
    /// A JSON object; its `status` is a word.
    pub body: Bytes,
}

#[derive(Serialize)]
struct AnswerJson<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check: Option<&'a str>,
}

impl Probe {
    /// The probe that `path` names, if it names one.
    pub fn of_path(path: &str) -> Option<Self> {
        match path {
            "/health" => Some(Self::Health),
            "/health/live" | "/livez" => Some(Self::Live),
            "/health/ready" | "/readyz" => Some(Self::Ready),
            "/health/startup" | "/startupz" => Some(Self::Startup),
            _ => None,
        }
    }

    /// All paths that name a probe.
    pub const PATHS: [&str; 7] = [
        "/health",
        "/health/live",
        "/health/ready",
        "/health/startup",
        "/livez",
        "/readyz",
        "/startupz",
    ];

    /// Answers the probe; `detail` matters to [`Probe::Health`] alone.
    pub fn answer(
        self,
        lifecycle: &Lifecycle,
        monitor: &HealthMonitor,
        detail: Detail,
    ) -> ProbeAnswer {
        let uptime = Some(seconds(lifecycle.uptime()));
        match self {
            Self::Health => {
                let report = monitor.report();
                let sound = report.status != Status::Unhealthy;
                ProbeAnswer::new(sound, report.to_json(detail))
            }
            Self::Live => ProbeAnswer::plain(true, "alive", uptime, None),
            Self::Ready => {
                let readiness = Readiness::of(lifecycle, monitor);
                let check = match &readiness {
                    Readiness::CheckFailing(check) => Some(check.as_str()),
                    _ => None,
                };
                ProbeAnswer::plain(readiness.is_ready(), readiness.as_str(), None, check)
            }
            Self::Startup if lifecycle.is_started() => {
                ProbeAnswer::plain(true, "started", uptime, None)
            }
            Self::Startup => ProbeAnswer::plain(false, "starting", uptime, None),
        }
    }
}

impl ProbeAnswer {
    fn new(sound: bool, body: Bytes) -> Self {
        let status = if sound {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        Self { status, body }
    }

    fn plain(sound: bool, status: &str, uptime: Option<f64>, check: Option<&str>) -> Self {
        let body = to_json(&AnswerJson {
            status,
            uptime,
            check,
        });
        Self::new(sound, body)
    }

    /// The answer as a response, with `Content-Type` and `Cache-Control`.
    pub fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
