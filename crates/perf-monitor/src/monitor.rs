//! How did the requests of each route go?

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::aggregate::{Aggregate, AllMetrics, ArmMetrics, RouteMetrics, Sum};
use crate::arms::ChangeId;
use crate::handle::{Change, RouteLabel, RouteSlot};
use crate::kept::{Kept, KeptRoute, State};
use crate::key::ErrorTypes;
use crate::process::Process;
use crate::recent::{RecentRequest, Row};
use crate::sample::Sample;
use crate::settings::MonitorSettings;
use crate::shard::{Common, RouteCells, Shard};
use crate::slots::Slots;
use crate::window::{Cut, Window};

/// What any monitor of requests does.
///
/// Recording is on the way of every request: it waits for nothing and never fails. Reading may be
/// slow, and must show what was recorded before it was asked.
pub trait PerformanceMonitor: std::fmt::Debug + Send + Sync + 'static {
    /// Counts one request.
    fn record(&self, sample: &Sample);

    /// The figures of the route `id`, none if it is not known.
    fn route_metrics(&self, id: &str, window: Window) -> Option<Aggregate>;

    /// The figures of all routes that had any request.
    fn all_metrics(&self, window: Window) -> AllMetrics;

    /// Empties windows and rings. What counts since the start goes on, and so does `/metrics`, as
    /// Prometheus expects of counters.
    fn clear(&self);
}

/// What a fold found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folded {
    /// Parts of windows that this fold dropped because [`MonitorSettings::memory`] was full.
    pub dropped: u64,
    /// Bytes that the windows of all routes take.
    pub window_bytes: u64,
}

/// What the monitor knows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MonitorStats {
    /// Parts of windows that were dropped since the start because the memory was full.
    pub dropped: u64,
    /// Rows of the rings that were not written because someone was reading.
    pub skipped: u64,
    /// Bytes that the windows of all routes take.
    pub window_bytes: u64,
}

/// Counts requests by route, and remembers the last hour of them without storing any.
///
/// Each serving thread writes into its own [`Shard`]; [`Monitor::fold`], called every
/// [`MonitorSettings::interval`], adds up what is new. Reading folds too, so figures are never older
/// than the question.
#[derive(Debug)]
pub struct Monitor {
    pub(crate) common: Arc<Common>,
    /// One for each worker, and the one that all others share.
    pub(crate) shards: Box<[Arc<Shard>]>,
    cut: Cut,
    memory: u64,
    clock: fn() -> Instant,
    state: Mutex<State>,
    none: RouteSlot,
    dropped: AtomicU64,
    process: Mutex<Option<Process>>,
}

impl Monitor {
    /// A monitor for so many serving threads.
    ///
    /// Settings out of their bounds are brought to the nearest one. `clock` tells the time when
    /// figures are read.
    pub fn new(settings: &MonitorSettings, workers: usize, clock: fn() -> Instant) -> Arc<Self> {
        let settings = settings.bounded();
        let started = clock();
        let common = Arc::new(Common {
            started,
            period: AtomicU32::new(1),
            pairs: Slots::default(),
            errors: ErrorTypes::default(),
            resident: AtomicU64::new(0),
        });
        let shard = |owned| Arc::new(Shard::new(Arc::clone(&common), owned));
        let owned = std::iter::repeat_with(|| shard(true)).take(workers);
        let shards = owned.chain([shard(false)]).collect();
        let mut state = State::new(started);
        let (none, _) = state.routes.hold("_NONE", "_NONE");
        Arc::new(Self {
            common,
            shards,
            cut: Cut::new(settings.interval, settings.retention),
            memory: settings.memory,
            clock,
            state: Mutex::new(state),
            none: RouteSlot::new(none),
            dropped: AtomicU64::new(0),
            process: Mutex::new(None),
        })
    }

    /// The place of a route: the same for the same id, whatever its template, as long as anyone
    /// holds it or its figures can be read.
    pub fn slot(&self, label: RouteLabel<'_>) -> RouteSlot {
        let mut state = self.lock();
        let (guard, used) = state.routes.hold(label.id, label.template);
        if used {
            self.reset_route(&mut state, guard.held.index);
        }
        let since = (self.clock)().saturating_duration_since(self.common.started);
        state.route(guard.held.index, since);
        RouteSlot::new(guard)
    }

    /// The place of requests that no route took.
    pub fn none(&self) -> &RouteSlot {
        &self.none
    }

    /// A number for a change whose arms are to be measured: the same for the same name.
    pub fn change(&self, name: &str) -> Change {
        let mut state = self.lock();
        let (guard, used) = state.changes.hold(name, "");
        if used {
            self.reset_change(&mut state, ChangeId(guard.held.index));
        }
        Change::new(guard.held)
    }

    /// The cells of a worker, for that worker alone; past the number of workers the shared ones.
    pub fn shard(&self, worker: usize) -> Arc<Shard> {
        let owned = self.shards.len() - 1;
        Arc::clone(&self.shards[worker.min(owned)])
    }

    /// The cells into which any thread may record.
    pub fn shared(&self) -> Arc<Shard> {
        Arc::clone(&self.shards[self.shards.len() - 1])
    }

    /// Adds what was recorded to the windows, joins and forgets what has aged, and keeps the memory
    /// within its bound. Call it every [`MonitorSettings::interval`].
    pub fn fold(&self, now: Instant) -> Folded {
        let mut state = self.lock();
        self.collect(&mut state, now);
        let now = state.collected;
        let freed = {
            let State { routes, kept, .. } = &mut *state;
            routes.sweep(|index| kept.get(&index).is_none_or(KeptRoute::is_empty))
        };
        for index in freed {
            self.reset_route(&mut state, index);
        }
        let freed = {
            let State { changes, kept, .. } = &mut *state;
            let arms = |index| [(ChangeId(index), false), (ChangeId(index), true)];
            changes.sweep(|index| {
                let mut kept = kept
                    .values()
                    .flat_map(|route| arms(index).map(|arm| route.arms.get(&arm)));
                kept.all(|arm| arm.is_none_or(|arm| arm.past.oldest().is_none()))
            })
        };
        for index in freed {
            self.reset_change(&mut state, ChangeId(index));
        }
        let oldest = self.oldest(now);
        for (_, route) in self.shards.iter().flat_map(|shard| shard.routes()) {
            route.slowest.forget_before(oldest);
        }
        let dropped = state.shed(&self.cut, self.tick(now), self.memory);
        self.dropped.fetch_add(dropped, Relaxed);
        Folded {
            dropped,
            window_bytes: state.bytes(),
        }
    }

    /// The figures of the two sides of `change` on the route `id`; none if either is not known.
    pub fn arm_metrics(&self, id: &str, change: &str, window: Window) -> Option<ArmMetrics> {
        let mut state = self.lock();
        let now = self.collect(&mut state, (self.clock)());
        let route = state.kept.get(&state.routes.get(id)?)?;
        let change = ChangeId(state.changes.get(change)?);
        let [control, treated] = [false, true].map(|treated| {
            let Some(kept) = route.arms.get(&(change, treated)) else {
                return Aggregate::default();
            };
            let mut sum = Sum::default();
            let span = self.sum(kept, window, now, state.cleared, &mut sum);
            sum.aggregate(span, self.wall(sum.updated, now))
        });
        Some(ArmMetrics { control, treated })
    }

    /// Requests of all routes that are being served now.
    pub fn in_flight(&self) -> u64 {
        let slots = self
            .lock()
            .routes
            .iter()
            .map(|(slot, _)| slot)
            .collect::<Vec<_>>();
        slots.into_iter().map(|slot| self.in_flight_of(slot)).sum()
    }

    /// The last requests of all routes, the latest first.
    pub fn recent(&self, at_most: usize) -> Vec<RecentRequest> {
        let mut rows = Vec::new();
        for shard in &self.shards {
            shard.recent().read(&mut rows);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.facts.ended));
        rows.truncate(at_most);
        self.show(&rows)
    }

    /// The slowest requests of the route `id` within the retention, the slowest first.
    pub fn slowest(&self, id: &str, at_most: usize) -> Vec<RecentRequest> {
        let Some(slot) = self.lock().routes.get(id) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for route in self.cells_of(slot) {
            route.slowest.read(&mut rows);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.time()));
        rows.truncate(at_most);
        self.show(&rows)
    }

    /// Keeps a reading of the process for `/metrics` and the rings.
    pub fn set_process(&self, process: Process) {
        self.common.resident.store(process.resident_bytes, Relaxed);
        *self.process.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
    }

    /// The last reading of the process.
    pub fn process(&self) -> Option<Process> {
        self.process
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What the monitor knows of itself.
    pub fn stats(&self) -> MonitorStats {
        MonitorStats {
            dropped: self.dropped.load(Relaxed),
            skipped: self
                .shards
                .iter()
                .map(|shard| shard.recent().skipped())
                .sum(),
            window_bytes: self.lock().bytes(),
        }
    }
}

impl PerformanceMonitor for Monitor {
    /// Records into the shared cells; a worker records into its own [`Shard`].
    fn record(&self, sample: &Sample) {
        self.shards[self.shards.len() - 1].record(sample);
    }

    fn route_metrics(&self, id: &str, window: Window) -> Option<Aggregate> {
        let mut state = self.lock();
        let now = self.collect(&mut state, (self.clock)());
        let slot = state.routes.get(id)?;
        let mut sum = Sum::default();
        let span = match state.kept.get(&slot) {
            Some(route) => self.sum(&route.kept, window, now, state.cleared, &mut sum),
            None => Duration::ZERO,
        };
        sum.in_flight = self.in_flight_of(slot);
        Some(sum.aggregate(span, self.wall(sum.updated, now)))
    }

    fn all_metrics(&self, window: Window) -> AllMetrics {
        let mut state = self.lock();
        let now = self.collect(&mut state, (self.clock)());
        let (mut total, mut sum, mut routes) = (Sum::default(), Sum::default(), Vec::new());
        for (slot, place) in state.routes.iter() {
            let Some(route) = state.kept.get(&slot) else {
                continue;
            };
            let in_flight = self.in_flight_of(slot);
            if route.kept.totals.counts.count == 0 && in_flight == 0 {
                continue;
            }
            sum.clear();
            let span = self.sum(&route.kept, window, now, state.cleared, &mut sum);
            sum.in_flight = in_flight;
            total.add(&sum);
            routes.push(RouteMetrics {
                id: Arc::clone(&place.id),
                template: Arc::clone(&place.template),
                aggregate: sum.aggregate(span, self.wall(sum.updated, now)),
            });
        }
        routes.sort_by(|one, other| one.id.cmp(&other.id));
        let span = self.span(window, now, Duration::ZERO, state.cleared);
        let total = total.aggregate(span, self.wall(total.updated, now));
        AllMetrics { total, routes }
    }

    fn clear(&self) {
        let mut state = self.lock();
        // What is in the cells already would otherwise come into the emptied windows.
        let now = self.collect(&mut state, (self.clock)());
        state.clear(now.saturating_duration_since(self.common.started));
        for shard in &self.shards {
            shard.recent().clear();
            for (_, route) in shard.routes() {
                route.slowest.clear();
            }
        }
    }
}

impl Monitor {
    pub(crate) fn clock(&self) -> fn() -> Instant {
        self.clock
    }

    /// A panic leaves the sums as they were or a part of a fold behind, and both can go on.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn cells_of(&self, slot: u32) -> impl Iterator<Item = &RouteCells> + Clone {
        self.shards
            .iter()
            .filter_map(move |shard| shard.route(slot))
    }

    pub(crate) fn in_flight_of(&self, slot: u32) -> u64 {
        let cells = self
            .cells_of(slot)
            .map(|route| route.cells.in_flight.load(Relaxed));
        let sum = cells.fold(0, u32::wrapping_add).cast_signed();
        // Read while it moves from one shard to another, a request may be missing for a moment.
        u64::from(sum.max(0).cast_unsigned())
    }

    /// Brings totals and windows up to `now` and returns it, or the last time if that was later.
    pub(crate) fn collect(&self, state: &mut State, now: Instant) -> Instant {
        let now = now.max(state.collected);
        let period = self.common.period.fetch_add(1, Relaxed);
        // A fold stands at the end of an interval, and what it finds belongs to that one. Nobody
        // folded for longer: then the samples are taken to be as young as they can be.
        let interval = self.cut.start_of(1);
        let came = now
            .checked_sub(interval)
            .map_or(state.collected, |at| at.max(state.collected));
        let (came, tick) = (self.tick(came), self.tick(now));
        let since = state
            .collected
            .saturating_duration_since(self.common.started);
        let at = now.saturating_duration_since(self.common.started);
        let State {
            routes,
            changes,
            kept,
            ..
        } = state;
        for (slot, _) in routes.iter() {
            let route = kept.entry(slot).or_default();
            let cells = self.cells_of(slot);
            route
                .kept
                .fold(&cells.clone().map(|route| &route.cells), period, came, at);
            for (arm, _) in cells.clone().flat_map(RouteCells::arms) {
                if changes.place(arm.0.0).is_some() {
                    route.arms.entry(arm).or_insert_with(|| Kept::new(since));
                }
            }
            for (&(change, treated), arm) in &mut route.arms {
                let cells = cells.clone().filter_map(|route| route.arm(change, treated));
                arm.fold(&cells, period, came, at);
            }
        }
        if tick > self.tick(state.collected) {
            state.age(&self.cut, tick);
        }
        state.collected = now;
        now
    }

    fn tick(&self, now: Instant) -> u64 {
        self.cut
            .tick(now.saturating_duration_since(self.common.started))
    }

    /// Adds what `kept` knows of a window to `sum`, and returns the time that it covers.
    fn sum(
        &self,
        kept: &Kept,
        window: Window,
        now: Instant,
        cleared: Duration,
        sum: &mut Sum,
    ) -> Duration {
        sum.updated = kept.updated;
        match window.length() {
            None => {
                sum.counts = kept.totals.counts;
                kept.totals.add_times_to(&mut sum.times);
            }
            Some(length) => {
                let first = self.cut.first(length, self.tick(now));
                kept.past.sum(first, &mut sum.counts, &mut sum.times);
            }
        }
        self.span(window, now, kept.since, cleared)
    }

    /// The time that a window covers of a route that is known since `since`.
    fn span(&self, window: Window, now: Instant, since: Duration, cleared: Duration) -> Duration {
        let at = now.saturating_duration_since(self.common.started);
        let from = match window.length() {
            None => since,
            Some(length) => {
                let first = self.cut.start_of(self.cut.first(length, self.cut.tick(at)));
                first.max(since).max(cleared)
            }
        };
        at.saturating_sub(from)
    }

    fn oldest(&self, now: Instant) -> Instant {
        let first = self.cut.first(Duration::MAX, self.tick(now));
        self.common.started + self.cut.start_of(first)
    }

    /// A time after the start on the wall clock, whose offset is taken anew each time.
    fn wall(&self, after: Option<Duration>, now: Instant) -> Option<SystemTime> {
        wall_of(self.common.started + after?, now)
    }

    fn show(&self, rows: &[Row]) -> Vec<RecentRequest> {
        let now = (self.clock)();
        let state = self.lock();
        let shown = rows.iter().filter_map(|row| {
            let place = state.routes.place(row.facts.slot.0)?;
            let ended = wall_of(row.facts.ended, now)?;
            Some(row.show(Arc::clone(&place.id), Arc::clone(&place.template), ended))
        });
        shown.collect()
    }

    fn reset_route(&self, state: &mut State, slot: u32) {
        for shard in &self.shards {
            shard.reset_route(slot);
        }
        if let Some(pairs) = self.common.pairs.get(slot) {
            pairs.reset();
        }
        state.kept.remove(&slot);
    }

    fn reset_change(&self, state: &mut State, change: ChangeId) {
        for shard in &self.shards {
            shard.reset_change(change);
        }
        for route in state.kept.values_mut() {
            route.arms.retain(|(known, _), _| *known != change);
        }
    }
}

fn wall_of(at: Instant, now: Instant) -> Option<SystemTime> {
    SystemTime::now().checked_sub(now.saturating_duration_since(at))
}
