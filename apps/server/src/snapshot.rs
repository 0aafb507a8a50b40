//! What a reload may change, as one immutable value; what outlives it; and a worker's hold on it.
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use access_control::{CorsPolicy, Trust};
use admin::Access;
use cache::{CachePolicy, Collapsing, FillMemory, MemoryProvider};
use config_flags::{FlagId, FlagSet, StickySource};
use http::HeaderValue;
use ops_health::{HealthMonitor, Lifecycle};
use perf_monitor::{Change, Monitor, RouteSlot, Shard};
use route_core::{Rewrite, Table};
use upstream::{ForwardPolicy, Upstreams, WorkerPools};

use crate::access_log::AccessLogWriter;
use crate::builtin::{Builtin, Renderer};
use crate::compress::{Codings, Places};
use crate::edits::Edits;
use crate::limits::LimitsPolicy;
use crate::listen::ServerHandle;
use crate::listen::head;
use crate::metrics::Room;
use crate::settings::{FeaturesInForce, Stage};
use crate::target::Target;
use crate::with_parameters::WithParameters;

/// What outlives every snapshot; things that a worker owns are found by the worker's index.
#[derive(Debug)]
pub struct Registries {
    /// How requests went.
    pub monitor: Arc<Monitor>,
    /// Stored responses.
    pub store: Arc<MemoryProvider>,
    /// The memory of responses that are being fetched.
    pub fills: Arc<FillMemory>,
    /// Fetches under way, of which one serves all who want the same.
    pub collapsing: Arc<Collapsing>,
    /// How many answers are being compressed.
    pub compressions: Places,
    /// Upstreams with their counts, by name.
    pub upstreams: Arc<Upstreams>,
    /// How many workers of ours serve; none where the stack is a service of another server.
    pub workers: usize,
    /// Kept connections, a set each worker, and at least one.
    pub pools: Vec<Arc<WorkerPools>>,
    /// What the checks last said.
    pub health: Arc<HealthMonitor>,
    /// Starting, ready, stopping.
    pub lifecycle: Lifecycle,
    /// A line a request.
    pub access_log: Arc<AccessLogWriter>,
    /// The listeners, once they are up.
    pub listeners: OnceLock<ServerHandle>,
    /// Renders `/metrics` elsewhere than on a worker.
    pub renderer: Renderer,
    /// What the next text of `/metrics` is written into.
    pub figures_room: Room,
}

impl Registries {
    /// The cells of worker `worker`; where there are no workers of ours, those that all threads share.
    pub fn shard(&self, worker: usize) -> Arc<Shard> {
        if worker < self.workers {
            self.monitor.shard(worker)
        } else {
            self.monitor.shared()
        }
    }

    /// The kept connections of worker `worker`.
    pub fn pools(&self, worker: usize) -> Arc<WorkerPools> {
        Arc::clone(&self.pools[worker % self.pools.len()])
    }
}

/// One configuration, ready to serve.
#[derive(Debug)]
pub struct Snapshot {
    /// A hash of the settings in force.
    pub version: String,
    /// The routes.
    pub table: Table,
    /// Whose word about a client's address counts.
    pub trust: Trust,
    /// The flags.
    pub flags: FlagSet,
    /// Where the key of a caller without a user id comes from.
    pub sticky: StickySource,
    /// The environment.
    pub stage: Stage,
    /// The switches.
    pub features: FeaturesInForce,
    /// What a head may be.
    pub head: head::Limits,
    /// Whether field names with `_` pass.
    pub allow_underscores: bool,
    /// Who may ask the admin API.
    pub access: Access,
    /// What outlives this value.
    pub registries: Arc<Registries>,
}

impl Snapshot {
    /// Whether a built-in endpoint is on the main listener.
    pub fn on_main(&self, builtin: Builtin) -> bool {
        builtin != Builtin::Metrics || self.features.metrics_on_main
    }
}

/// All policies of a route, as one value in its policy map: a request looks up one type.
#[derive(Debug)]
pub struct Bundle {
    /// Where its requests are counted.
    pub slot: RouteSlot,
    /// The methods that it takes, as `Access-Control-Allow-Methods` lists them; none for any.
    pub methods: Option<HeaderValue>,
    /// What answers.
    pub target: Target,
    /// The path that the target sees.
    pub rewrite: Option<Rewrite>,
    /// Edits of requests.
    pub request_edits: Option<Arc<Edits>>,
    /// Edits of responses.
    pub response_edits: Option<Arc<Edits>>,
    /// In which codings answers leave.
    pub compress: Option<Codings>,
    /// What a request may take.
    pub limits: LimitsPolicy,
    /// How its upstream is asked.
    pub forward: Option<ForwardPolicy>,
    /// What is stored.
    pub cache: Option<CachePolicy>,
    /// The labels of its stored responses.
    pub tags: Vec<WithParameters>,
    /// The labels that a successful unsafe request drops.
    pub invalidates: Vec<WithParameters>,
    /// Which pages may read answers.
    pub cors: Option<CorsPolicy>,
    /// The flag that must be on.
    pub flag: Option<FlagId>,
    /// The rollout.
    pub canary: Option<Canary>,
    /// Which layers it needs.
    pub needs: Needs,
}

/// Which layers a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Flags: it has one, or a rollout.
    pub flags: bool,
    /// Any other before the cache: it has CORS, edits of the request, or a time for its handler.
    pub layers: bool,
    /// Any below the cache: it has edits of the response, `compress`, or another path for its target.
    pub below: bool,
}

/// A route's other arm.
#[derive(Debug)]
pub struct Canary {
    /// The flag that decides.
    pub flag: FlagId,
    /// Under which its arms are measured.
    pub change: Change,
    /// How the other upstream is asked.
    pub forward: ForwardPolicy,
    /// What is stored of it, apart from the route's own.
    pub cache: Option<CachePolicy>,
}

/// A worker's hold on one snapshot.
///
/// Requests clone this and not the snapshot's own `Arc`, so that the counter which every request touches
/// stays in the cache of one core.
#[derive(Clone, Debug)]
pub struct Held(Arc<HeldBy>);

/// See [`Held`].
#[derive(Debug)]
pub struct HeldBy {
    /// The snapshot.
    pub snapshot: Arc<Snapshot>,
    /// The index of the worker that holds it.
    pub worker: usize,
}

impl Held {
    /// The hold of worker `worker`.
    pub fn new(snapshot: Arc<Snapshot>, worker: usize) -> Self {
        Self(Arc::new(HeldBy { snapshot, worker }))
    }
}

impl Deref for Held {
    type Target = HeldBy;

    fn deref(&self) -> &HeldBy {
        &self.0
    }
}

impl AsRef<Table> for Held {
    fn as_ref(&self) -> &Table {
        &self.snapshot.table
    }
}
