//! Should traffic come here, and how does it stop?
//!
//! A [`HealthMonitor`] runs [`HealthCheck`]s in the background and keeps what they found; a [`HealthReport`] is what it comes to. With the
//! crate come [`MemoryCheck`], [`TargetsCheck`], [`ReachCheck`], and [`PingCheck`] for a program's own connections.
//!
//! A [`Lifecycle`] knows where the server stands between its start and its end. Both together answer a [`Probe`]: health, liveness,
//! readiness and startup. [`Readiness`] is the server's own state; what is down for all servers at once does not take it away.
//! [`ProbeLayer`] puts the probes in front of any tower service.
//!
//! A [`Breaker`] keeps calls away from a part that fails, until a few on trial succeed; [`BreakerLayer`] is the same in front of a
//! tower service, and [`Breakers`] keeps them by name.
//!
//! A [`Shutdown`] turns readiness away, waits for load balancers to notice, and runs the [`ShutdownHook`]s within a time. A
//! [`Drain`] is what such a hook ends connections with.

mod breaker;
mod check;
mod checks;
mod drain;
mod hook;
mod layer;
mod lifecycle;
mod monitor;
mod probe;
mod report;
mod settings;
mod shutdown;
mod task;
#[cfg(feature = "testing")]
pub mod testing;
mod timestamp;

/// The example in the README runs with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use breaker::judge::{Judgement, ResponseHead};
pub use breaker::layer::{BreakerBody, BreakerFuture, BreakerHooks, BreakerLayer, BreakerService};
pub use breaker::permit::Permit;
pub use breaker::refusal::BreakerRefusal;
pub use breaker::registry::Breakers;
pub use breaker::settings::BreakerSettings;
pub use breaker::state::{
    BreakerState, CallCounts, CallOutcome, Transition, TransitionCause, TripCause,
};
pub use breaker::status::BreakerStatus;
pub use breaker::{Breaker, BreakerObserver};
pub use check::{Cause, CheckResult, Criticality, HealthCheck, Status};
pub use checks::{MemoryCheck, MemoryUse, PingCheck, ReachCheck, TargetState, TargetsCheck};
pub use drain::{Drain, DrainWatch};
pub use hook::{CLOSE_LISTENERS, HookError, HookTime, Priority, ShutdownHook};
pub use layer::{ProbeBody, ProbeFuture, ProbeLayer, ProbeService};
pub use lifecycle::{Lifecycle, Phase};
pub use monitor::HealthMonitor;
pub use probe::{Probe, ProbeAnswer, Readiness};
pub use report::{CheckReport, Detail, HealthReport, LastResult};
pub use settings::{HealthSettings, ShutdownSettings};
pub use shutdown::{Shutdown, ShutdownReport};
