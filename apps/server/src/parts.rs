//! Builds everything from the settings: what outlives a reload ([`registries`]), and the first snapshot
//! ([`snapshot`]).
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cache::{
    CachePolicy, CacheSettings, Collapsing, FillMemory, MemoryProvider, RouteCacheSettings,
    container_memory_limit,
};
use config_flags::StickySource;
use http::{HeaderValue, Method};
use ops_health::{HealthMonitor, Lifecycle, MemoryCheck, ReachCheck};
use perf_monitor::{Monitor, Process, RouteLabel};
use route_core::{Conflict, Route, Table};
use upstream::{ForwardPolicy, Upstreams, WorkerPools};

use crate::access_log::AccessLogWriter;
use crate::builtin::Renderer;
use crate::clock;
use crate::compress::Places;
use crate::keep;
use crate::metrics::Room;
use crate::plan::{Plan, RoutePlan};
use crate::settings::Settings;
use crate::snapshot::{Bundle, Canary, Needs, Registries, Snapshot};

/// What outlives every snapshot, for so many workers.
pub fn registries(settings: &Settings, workers: usize, renderer: Renderer) -> Arc<Registries> {
    let limit = container_memory_limit();
    Arc::new(Registries {
        monitor: Monitor::new(&settings.monitor, workers, clock::now),
        store: store(&settings.cache, limit),
        fills: FillMemory::new(settings.cache.fill_bytes(limit)),
        collapsing: Collapsing::new(settings.cache.collapse_waiters),
        compressions: Places::default(),
        upstreams: Upstreams::new(),
        workers,
        pools: (0..workers.max(1))
            .map(|_| WorkerPools::new(workers.max(1)))
            .collect(),
        health: HealthMonitor::new(&settings.health),
        lifecycle: Lifecycle::new(),
        access_log: AccessLogWriter::start(settings.access_log, settings.access_log_query),
        listeners: OnceLock::new(),
        renderer,
        figures_room: Room::default(),
    })
}

fn store(settings: &CacheSettings, limit: Option<u64>) -> Arc<MemoryProvider> {
    Arc::new(MemoryProvider::new(
        settings.memory_options(limit),
        clock::now,
    ))
}

/// A snapshot of a plan. It fails only where the plan's routes conflict, which [`Plan::of`] has refused.
pub fn snapshot(
    plan: Plan,
    settings: &Settings,
    version: String,
    registries: &Arc<Registries>,
) -> Result<Arc<Snapshot>, Vec<Conflict>> {
    let builder = Builder {
        settings,
        registries,
    };
    let routes = plan
        .routes
        .into_iter()
        .map(|route| builder.route(route))
        .collect();
    let table = Table::build(routes, &plan.options)?;
    registries.lifecycle.set_no_routes(table.is_empty());
    Ok(Arc::new(Snapshot {
        version,
        table,
        trust: plan.trust,
        flags: plan.flags,
        sticky: StickySource::new(&settings.flag_settings),
        stage: settings.environment,
        features: plan.features,
        head: settings.http.head_limits(),
        allow_underscores: settings.http.allow_underscores,
        access: plan.access,
        registries: Arc::clone(registries),
    }))
}

struct Builder<'a> {
    settings: &'a Settings,
    registries: &'a Registries,
}

impl Builder<'_> {
    fn route(&self, plan: RoutePlan) -> Route {
        let id = plan.id.as_str();
        let template = plan.matcher.path.as_str();
        let slot = self.registries.monitor.slot(RouteLabel { id, template });
        let methods = methods(&plan.matcher.methods);
        let cache = |upstream: &str| {
            plan.cache
                .as_ref()
                .map(|cache| self.cache(id, upstream, &plan.shape, cache))
        };
        let canary = plan.rollout.as_ref().and_then(|(flag, name, upstream)| {
            Some(Canary {
                flag: *flag,
                change: self.registries.monitor.change(&format!("{id}:{name}")),
                forward: self.forward(id, upstream)?,
                cache: cache(upstream),
            })
        });
        let needs = Needs {
            flags: plan.flag.is_some() || canary.is_some(),
            layers: plan.cors.is_some()
                || plan.request_edits.is_some()
                || plan.limits.timeout.is_some(),
            below: plan.response_edits.is_some()
                || plan.rewrite.is_some()
                || plan.compress.is_some(),
        };
        let bundle = Bundle {
            slot,
            methods,
            forward: plan
                .upstream
                .as_deref()
                .and_then(|upstream| self.forward(id, upstream)),
            cache: cache(plan.upstream.as_deref().unwrap_or("")),
            tags: plan.tags,
            invalidates: plan.invalidates,
            canary,
            target: plan.target,
            rewrite: plan.rewrite,
            request_edits: plan.request_edits,
            response_edits: plan.response_edits,
            compress: plan.compress,
            limits: plan.limits,
            cors: plan.cors,
            flag: plan.flag,
            needs,
        };
        Route::new(plan.id, plan.matcher)
            .guarded(plan.guard)
            .with(bundle)
    }

    fn forward(&self, id: &str, upstream: &str) -> Option<ForwardPolicy> {
        let route = self.settings.routes.get(id)?;
        let settings = self.settings.upstreams.get(upstream)?;
        let mut policy =
            ForwardPolicy::new(self.registries.upstreams.get_or_insert(upstream, settings));
        policy.timeout = route.timeout;
        policy.retries = route.retries.clone();
        policy.upgrade = route.upgrade;
        Some(policy)
    }

    /// The space of a route's stored responses: its id, and what shapes its answers, so that no two
    /// configurations meet in a key.
    fn cache(
        &self,
        id: &str,
        upstream: &str,
        shape: &str,
        cache: &RouteCacheSettings,
    ) -> CachePolicy {
        let endpoints = self
            .settings
            .upstreams
            .get(upstream)
            .map(|upstream| &upstream.endpoints);
        let digest = blake3::hash(format!("{shape} {upstream} {endpoints:?}").as_bytes());
        let space = format!("{id}:{}", &digest.to_hex()[..16]);
        CachePolicy::compile(&space, cache, &self.settings.cache.identity_fields)
    }
}

/// Methods as a field lists them; `GET` answers `HEAD` too.
fn methods(methods: &[Method]) -> Option<HeaderValue> {
    if methods.is_empty() {
        return None;
    }
    let implied = methods.contains(&Method::GET) && !methods.contains(&Method::HEAD);
    let names: Vec<_> = methods
        .iter()
        .map(Method::as_str)
        .chain(implied.then_some("HEAD"))
        .collect();
    HeaderValue::try_from(names.join(", ")).ok()
}

/// Adds the built-in checks: memory, and each upstream's endpoints.
pub fn add_checks(settings: &Settings, registries: &Registries) {
    registries.health.add_check(Arc::new(MemoryCheck::new()));
    for (name, upstream) in &settings.upstreams {
        let addresses: Vec<_> = upstream
            .endpoints
            .iter()
            .map(|endpoint| format!("{}:{}", endpoint.host(), endpoint.port()))
            .collect();
        let timeout = upstream.connect_timeout.min(settings.health.timeout);
        let check = ReachCheck::new(
            format!("upstream:{name}"),
            move || addresses.clone(),
            timeout,
        );
        registries.health.add_check(Arc::new(check));
    }
}

/// How often stored responses are swept.
const SWEEP: Duration = Duration::from_secs(1);

/// What runs in the background for as long as the server does: figures are folded, stored responses
/// swept.
pub fn kept_ticks(
    settings: &Settings,
    registries: &Arc<Registries>,
) -> impl Future<Output = ()> + Send + use<> {
    let interval = settings.monitor.interval;
    let registries = Arc::clone(registries);
    keep::running("ticks", move || ticks(interval, Arc::clone(&registries)))
}

async fn ticks(interval: Duration, registries: Arc<Registries>) {
    let fold = async {
        let mut tick = tokio::time::interval(interval);
        loop {
            let now = tick.tick().await.into_std();
            registries.monitor.fold(now);
            if let Ok(Some(process)) = tokio::task::spawn_blocking(Process::sample).await {
                registries.monitor.set_process(process);
            }
        }
    };
    let sweep = async {
        let mut tick = tokio::time::interval(SWEEP);
        loop {
            let now = tick.tick().await.into_std();
            registries.store.sweep(now);
        }
    };
    tokio::join!(fold, sweep);
}
