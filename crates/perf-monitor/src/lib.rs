//! How did each request go?
//!
//! A [`Monitor`] counts requests by route and tells, for any window up to an hour and since the
//! start, how many there were, how long they took (quantiles within 1 %), how many failed and what
//! the cache did for them ([`Aggregate`]). It stores no request to do so: serving threads write
//! log-linear histograms, each its own [`Shard`], and a [fold](Monitor::fold) every few seconds
//! turns what is new into sparse windows whose memory is bounded.
//!
//! [`ObserveLayer`] is the tower layer that watches requests. It measures to the last byte handed
//! over, leaves out the time that is the client's, knows an abort from a failure, and counts once,
//! whatever happens. A program tells it about its requests through [`Subject`] and hears through the
//! same trait how each one [`Ended`]; a program that only wants figures needs none of that:
//!
//! ```
//! use std::time::Instant;
//!
//! use perf_monitor::{Format, Monitor, MonitorSettings, ObserveLayer, RouteLabel};
//!
//! let monitor = Monitor::new(&MonitorSettings::default(), 0, Instant::now);
//! let items = monitor.slot(RouteLabel { id: "items", template: "/items/{id}" });
//! let layer = ObserveLayer::alone(&monitor, items);
//! // `layer` goes around the service; then, on a timer:
//! monitor.fold(Instant::now());
//! // And on request:
//! assert!(monitor.text(Format::Prometheus).contains("urm_monitor_window_bytes"));
//! # let _ = layer;
//! ```
//!
//! What is being tried on some requests is measured apart: a [`Change`] has two arms on each route,
//! which [`Arms`] names and [`Monitor::arm_metrics`] reads.
//!
//! Figures leave as Prometheus text or OpenMetrics ([`Monitor::text`], [`Monitor::expose`] into
//! [`Families`] to which a program adds its own) and as JSON ([`Monitor::document`]);
//! [`Format::negotiate`] knows which one a caller wants. Single requests can be looked at in bounded
//! rings, the [recent](Monitor::recent) and the [slowest](Monitor::slowest) ones.
//!
//! Whoever keeps figures elsewhere implements [`PerformanceMonitor`]; the feature `testing` has the
//! contract that every such monitor keeps.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod aggregate;
mod arms;
mod body;
mod cells;
mod exposition;
mod grpc;
mod handle;
mod histogram;
mod kept;
mod key;
mod layer;
mod method;
mod monitor;
mod observation;
mod process;
mod recent;
mod registry;
mod sample;
mod series;
mod settings;
mod shard;
mod sizes;
mod slots;
mod subject;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod times;
mod totals;
mod upload;
mod window;

pub use crate::aggregate::{Aggregate, AllMetrics, ArmMetrics, RouteMetrics};
pub use crate::arms::{Arms, ChangeId};
pub use crate::body::ObservedBody;
pub use crate::exposition::{
    Families, Family, Format, HistogramFamily, MetricsDocument, Number, Performance, ProcessUsage,
};
pub use crate::handle::{Change, RouteLabel, RouteSlot};
pub use crate::layer::{Observe, ObserveFuture, ObserveLayer};
pub use crate::method::Method;
pub use crate::monitor::{Folded, Monitor, MonitorStats, PerformanceMonitor};
pub use crate::process::Process;
pub use crate::recent::{Caller, RecentRequest};
pub use crate::sample::{CacheOutcome, Outcome, Sample, SlotIndex};
pub use crate::settings::MonitorSettings;
pub use crate::shard::Shard;
pub use crate::subject::{Ended, Subject};
pub use crate::upload::ObservedRequest;
pub use crate::window::{Window, WindowError};
