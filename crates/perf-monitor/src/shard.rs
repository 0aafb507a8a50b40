//! Where one serving thread records.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::arms::ChangeId;
use crate::cells::{Cells, Timed, add, add_64};
use crate::key::{ErrorTypes, Key};
use crate::recent::{Caller, Recent, Slowest};
use crate::sample::{Sample, SlotIndex};
use crate::series::{Pairs, admit};
use crate::slots::Slots;

/// What all shards of a monitor have in common.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) started: Instant,
    /// The folding period; extremes are noted under it.
    pub(crate) period: AtomicU32,
    pub(crate) pairs: Slots<Pairs>,
    pub(crate) errors: ErrorTypes,
    /// Resident memory at the last reading, which the rows of the rings carry.
    pub(crate) resident: AtomicU64,
}

/// One route in one shard.
#[derive(Debug)]
pub(crate) struct RouteCells {
    pub(crate) cells: Cells,
    /// Bytes of tunnels and event streams, which are in no size.
    streamed: [AtomicU64; 2],
    arms: OnceLock<Box<Slots<Cells>>>,
    pub(crate) slowest: Slowest,
}

impl RouteCells {
    fn new(owned: bool) -> Self {
        Self {
            cells: Cells::new(owned),
            streamed: <[AtomicU64; 2]>::default(),
            arms: OnceLock::new(),
            slowest: Slowest::default(),
        }
    }

    pub(crate) fn arm(&self, change: ChangeId, treated: bool) -> Option<&Cells> {
        self.arms.get()?.get(arm_index(change, treated)?)
    }

    /// All arms that recorded anything.
    pub(crate) fn arms(&self) -> impl Iterator<Item = ((ChangeId, bool), &Cells)> {
        let arms = self.arms.get().into_iter().flat_map(|arms| arms.iter());
        arms.map(|(index, cells)| ((ChangeId(index / 2), index % 2 == 1), cells))
    }

    fn add_streamed<const OWNED: bool>(&self, bytes_in: u64, bytes_out: u64) {
        self.cells.add_bytes::<OWNED>(bytes_in, bytes_out);
        add_64::<OWNED>(&self.streamed[0], bytes_in);
        add_64::<OWNED>(&self.streamed[1], bytes_out);
    }

    /// Bytes of the requests and responses that are in the sizes.
    pub(crate) fn sized_bytes(&self) -> [u64; 2] {
        let all = self.cells.bytes();
        [0, 1].map(|way| all[way].saturating_sub(self.streamed[way].load(Relaxed)))
    }

    #[inline]
    fn record<const OWNED: bool>(&self, common: &Common, sample: &Sample) {
        let period = common.period.load(Relaxed);
        if !sample.arms.is_empty() {
            self.record_arms::<OWNED>(sample, period);
        }
        let Some(time) = sample.response_time.map(Timed::new) else {
            return self.cells.record_untimed::<OWNED>(sample);
        };
        let key = Key::of(sample, &common.errors);
        let slot = sample.slot.0;
        let pairs = move || admit(common.pairs.get_or_init(slot, Pairs::default), key);
        self.cells
            .record::<OWNED>(sample, (key, time), period, pairs);
    }

    #[inline(never)]
    fn record_arms<const OWNED: bool>(&self, sample: &Sample, period: u32) {
        let arms = self.arms.get_or_init(Box::default);
        let key = Key::of_outcome(sample.outcome);
        let time = sample.response_time.map(Timed::new);
        for (change, treated) in sample.arms.iter() {
            let index = arm_index(change, treated);
            let cells = index.and_then(|index| arms.get_or_init(index, || Cells::new(OWNED)));
            match (cells, time) {
                (Some(cells), Some(time)) => {
                    cells.record::<OWNED>(sample, (key, time), period, || None);
                }
                (Some(cells), None) => cells.record_untimed::<OWNED>(sample),
                (None, _) => {}
            }
        }
    }

    fn reset(&self) {
        self.cells.reset();
        for cell in &self.streamed {
            cell.store(0, Relaxed);
        }
        for (_, cells) in self.arms() {
            cells.reset();
        }
        self.slowest.clear();
    }
}

fn arm_index(change: ChangeId, treated: bool) -> Option<u32> {
    change.0.checked_mul(2)?.checked_add(u32::from(treated))
}

/// The cells of one serving thread, or those that all others share.
///
/// A worker's own shard is written with plain loads and stores, so only that worker may record into
/// it; two threads at once lose counts there, never memory. Any thread may record into
/// [`Monitor::shared`](crate::Monitor::shared).
#[derive(Debug)]
pub struct Shard {
    common: Arc<Common>,
    routes: Slots<RouteCells>,
    recent: Recent,
    owned: bool,
}

impl Shard {
    pub(crate) fn new(common: Arc<Common>, owned: bool) -> Self {
        Self {
            common,
            routes: Slots::default(),
            recent: Recent::default(),
            owned,
        }
    }

    /// Counts one request. Waits for nothing, and allocates only for the first sample of a route,
    /// of a change on it, and of every third combination of method, status, scheme, error and outcome.
    #[inline]
    pub fn record(&self, sample: &Sample) {
        let Some(route) = self.route_of(sample.slot) else {
            return;
        };
        if self.owned {
            route.record::<true>(&self.common, sample);
        } else {
            self.record_shared(route, sample);
        }
    }

    #[inline(never)]
    fn record_shared(&self, route: &RouteCells, sample: &Sample) {
        route.record::<false>(&self.common, sample);
    }

    /// Puts a request into the rings of recent and of slow ones, unless one of them is busy.
    pub fn remember(&self, sample: &Sample, caller: Caller<'_>) {
        let resident = self.common.resident.load(Relaxed);
        self.recent.push(sample, caller, resident);
        if let Some(route) = self.routes.get(sample.slot.0) {
            route.slowest.push(sample, caller, resident, &self.recent);
        }
    }

    #[inline]
    fn route_of(&self, slot: SlotIndex) -> Option<&RouteCells> {
        self.routes
            .get_or_init(slot.0, || RouteCells::new(self.owned))
    }

    /// Counts a request in.
    #[inline]
    pub(crate) fn enter(&self, slot: SlotIndex) {
        self.add_in_flight(slot, 1);
    }

    /// Counts a request out.
    #[inline]
    pub(crate) fn leave(&self, slot: SlotIndex) {
        self.add_in_flight(slot, u32::MAX);
    }

    #[inline]
    fn add_in_flight(&self, slot: SlotIndex, amount: u32) {
        let Some(route) = self.route_of(slot) else {
            return;
        };
        if self.owned {
            add::<true>(&route.cells.in_flight, amount);
        } else {
            add::<false>(&route.cells.in_flight, amount);
        }
    }

    /// Adds bytes of a request that was counted at its head.
    pub(crate) fn add_bytes(&self, slot: SlotIndex, bytes_in: u64, bytes_out: u64) {
        let Some(route) = self.routes.get(slot.0) else {
            return;
        };
        if self.owned {
            route.add_streamed::<true>(bytes_in, bytes_out);
        } else {
            route.add_streamed::<false>(bytes_in, bytes_out);
        }
    }

    pub(crate) fn route(&self, slot: u32) -> Option<&RouteCells> {
        self.routes.get(slot)
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = (u32, &RouteCells)> {
        self.routes.iter()
    }

    pub(crate) fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Empties a route's cells; for a place that nobody holds.
    pub(crate) fn reset_route(&self, slot: u32) {
        if let Some(route) = self.routes.get(slot) {
            route.reset();
        }
    }

    /// Empties the cells of a change on all routes; for one that nobody holds.
    pub(crate) fn reset_change(&self, change: ChangeId) {
        for (_, route) in self.routes.iter() {
            for treated in [false, true] {
                if let Some(cells) = route.arm(change, treated) {
                    cells.reset();
                }
            }
        }
    }
}
