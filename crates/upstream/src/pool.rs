//! The connections that one worker keeps.
//!
//! Kept connections are never shared between workers: the lock around them is there for `Sync` and
//! never contended. The one given back last is taken first, so that those that are not needed grow
//! old and go.

pub(crate) mod http2;
mod sweep;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use foldhash::fast::FixedState;
use parking_lot::Mutex;

use self::http2::Shared;
use crate::alarm::Alarms;
use crate::http1::{Buffers, Connection};
use crate::settings::UpstreamSettings;

/// An unsafe request takes only a connection that has been idle for less: it could not be sent
/// again if the endpoint closed the connection just now.
const UNSAFE_IDLE_MAX: Duration = Duration::from_secs(2);

/// A connection that was idle for less is in steady use: no endpoint's patience has ended on it, so
/// the kernel need not be asked what the runtime does not know yet.
const HOT: Duration = Duration::from_millis(5);

/// The kept connections of one worker, to all endpoints.
///
/// Make one for each thread that serves requests and give it to that thread's
/// [`Forward`](crate::Forward); a program whose threads share everything makes one for all.
#[derive(Debug)]
pub struct WorkerPools {
    workers: usize,
    http1: Mutex<HashMap<u64, Vec<Idle>, FixedState>>,
    http2: Mutex<HashMap<u64, Shared, FixedState>>,
    random: AtomicU64,
    sweeping: AtomicBool,
    buffers: Buffers,
    alarms: Arc<Alarms>,
}

/// A connection that waits for work.
#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
    keep: Duration,
}

impl Idle {
    fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    fn is_over(&self, now: Instant) -> bool {
        self.age(now) >= self.keep
    }
}

impl WorkerPools {
    /// Makes the pools of one of `workers` workers; each keeps its share of `pool_max_idle`,
    /// rounded up.
    pub fn new(workers: usize) -> Arc<Self> {
        let seed = std::hash::BuildHasher::hash_one(
            &std::collections::hash_map::RandomState::new(),
            "pools",
        );
        Arc::new(Self {
            workers: workers.max(1),
            http1: Mutex::default(),
            http2: Mutex::default(),
            random: AtomicU64::new(seed),
            sweeping: AtomicBool::new(false),
            buffers: Buffers::default(),
            alarms: Arc::default(),
        })
    }

    /// Returns how many connections wait for work.
    pub fn idle(&self) -> usize {
        self.http1.lock().values().map(Vec::len).sum()
    }

    /// Closes all connections that wait for work; those in use close when they come back idle too
    /// long, as ever.
    pub fn clear(&self) {
        let lines = std::mem::take(&mut *self.http1.lock());
        let shared = std::mem::take(&mut *self.http2.lock());
        // Sockets are closed after the locks are free.
        drop((lines, shared));
    }

    /// What exchanges read into and write from.
    pub(crate) fn buffers(&self) -> &Buffers {
        &self.buffers
    }

    /// What waits are timed by.
    pub(crate) fn alarms(&self) -> &Arc<Alarms> {
        &self.alarms
    }

    /// A number that differs at each call (splitmix64); only balancing and jitter use it.
    pub(crate) fn random(&self) -> u64 {
        let mut mixed = self.random.fetch_add(0x9e37_79b9_7f4a_7c15, Relaxed);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Takes a kept connection that is usable: not too old, and with nothing to read on it. A late
    /// 408 or an end that the endpoint left there would be taken for the answer.
    pub(crate) fn take(&self, endpoint: u64, is_safe: bool, now: Instant) -> Option<Connection> {
        loop {
            let mut all = self.http1.lock();
            let kept = all.get_mut(&endpoint)?;
            let newest = kept.last()?;
            let age = newest.age(now);
            if age >= newest.keep {
                // All others are older.
                let over = std::mem::take(kept);
                drop(all);
                drop(over);
                return None;
            }
            if !is_safe && age >= UNSAFE_IDLE_MAX {
                return None;
            }
            let idle = kept.pop();
            drop(all);
            let connection = idle?.connection;
            let usable = if age < HOT {
                connection.is_quiet()
            } else {
                connection.is_surely_quiet()
            };
            if usable {
                return Some(connection);
            }
        }
    }

    /// Takes a connection back, if it is fit for another request.
    pub(crate) fn give(
        self: &Arc<Self>,
        endpoint: u64,
        mut connection: Connection,
        settings: &UpstreamSettings,
        now: Instant,
    ) {
        let keep = match connection.keep_alive {
            Some(theirs) => settings.pool_idle.min(theirs),
            None => settings.pool_idle,
        };
        let share = settings.pool_max_idle.div_ceil(self.workers);
        if keep.is_zero() || share == 0 || !connection.is_free() {
            return;
        }
        let mut all = self.http1.lock();
        let kept = all.entry(endpoint).or_default();
        connection.used = true;
        // The oldest goes, for the newest is the surest to be alive.
        let oldest = (kept.len() >= share).then(|| kept.remove(0));
        kept.push(Idle {
            connection,
            since: now,
            keep,
        });
        drop(all);
        drop(oldest);
        self.start_sweeping();
    }

    fn start_sweeping(self: &Arc<Self>) {
        if !self.sweeping.load(Relaxed) && !self.sweeping.swap(true, Relaxed) {
            sweep::start(self);
        }
    }
}
