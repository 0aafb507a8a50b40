//! The whole stack around a program's own handlers.
//!
//! A route without a target is the program's own: its requests pass every layer (id, route, measuring,
//! problem documents, CORS, limits, flags, edits, cache) and then meet the program's service. Two ways:
//!
//! - [`crate::server::Server::start_around`]: the program's handlers behind our own listeners, with probes, metrics and
//!   shutdown.
//! - [`Embedded`]: the stack as one tower service inside another server, such as axum's.
use std::sync::Arc;

use thiserror::Error;

use crate::builtin::renderer;
use crate::plan::{Fault, Plan};
use crate::settings::Settings;
use crate::snapshot::{Held, Registries, Snapshot};
use crate::spawn::Runtime;
use crate::stack::{self, Named};
use crate::{metrics, parts};

/// Why a stack could not be made of some settings.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmbedError {
    /// Something is wrong with the settings.
    #[error("{}", listed(.0))]
    Settings(Vec<Fault>),
    /// Two routes conflict.
    #[error("two routes conflict")]
    Conflict,
}

fn listed(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.key, fault.message))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The parts behind a stack that another server calls.
#[derive(Debug)]
pub struct Embedded {
    snapshot: Arc<Snapshot>,
    registries: Arc<Registries>,
    settings: Settings,
}

impl Embedded {
    /// Builds the parts. It spawns what renders `/metrics` and what folds figures and sweeps stored responses,
    /// so it wants a tokio runtime, and they run as long as that does.
    pub fn new(settings: &Settings) -> Result<Self, EmbedError> {
        let plan = Plan::of(settings, true).map_err(EmbedError::Settings)?;
        let (renderer, rendering) = renderer(metrics::figures);
        // Another server calls from threads that we do not know: no worker's cells, the shared ones.
        let registries = parts::registries(settings, 0, renderer);
        let snapshot = parts::snapshot(plan, settings, "embedded".to_owned(), &registries);
        let snapshot = snapshot.map_err(|_| EmbedError::Conflict)?;
        tokio::spawn(rendering);
        tokio::spawn(parts::kept_ticks(settings, &registries));
        registries.lifecycle.mark_started();
        Ok(Self {
            snapshot,
            registries,
            settings: settings.clone(),
        })
    }

    /// The stack around `own`, which answers routes without a target; `Clone`, `Send` and `Sync` where `own` is.
    ///
    /// The peer's address is the request extension [`crate::entry::Peer`]; without it the client is unknown.
    pub fn service<T: Clone>(&self, own: T) -> Named<T, Runtime> {
        stack::compose_with(&Held::new(Arc::clone(&self.snapshot), 0), own, Runtime)
    }

    /// What outlives requests: figures, stored responses, health.
    pub fn registries(&self) -> &Registries {
        &self.registries
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
