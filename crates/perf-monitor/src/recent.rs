//! Which requests were these?
//!
//! Each shard has a ring of the last requests, and each of its routes a few of the slowest. Rows have
//! a fixed size and hold what must never become a label: client address, user agent, request id. A
//! ring that is being read is skipped and the skip counted, so that nobody waits for a reader.

use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::{Duration, Instant, SystemTime};

use crate::method::Method;
use crate::sample::{CacheOutcome, Outcome, Sample, SlotIndex};

/// Rows of a shard's ring.
const RECENT: usize = 256;
/// Slow requests that a shard keeps of a route.
const SLOW: usize = 4;

/// Who asked, as a program knows it; texts are cut to what a row holds.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Caller<'a> {
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's id; 64 bytes are kept.
    pub request_id: &'a str,
    /// The user agent; 128 bytes are kept.
    pub user_agent: &'a str,
}

impl<'a> Caller<'a> {
    /// A client of which only these are known.
    pub fn new(address: Option<IpAddr>, request_id: &'a str, user_agent: &'a str) -> Self {
        Self {
            address,
            request_id,
            user_agent,
        }
    }
}

/// One request of the rings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RecentRequest {
    /// The route's id.
    pub route: Arc<str>,
    /// Its path template.
    pub template: Arc<str>,
    /// The method.
    pub method: Method,
    /// The status as told.
    pub status: u16,
    /// How it went.
    pub outcome: Outcome,
    /// The response time; none for tunnels and event streams.
    pub response_time: Option<Duration>,
    /// Bytes of the request's content.
    pub request_bytes: u64,
    /// Bytes of the response's content.
    pub response_bytes: u64,
    /// What the cache did.
    pub cache: CacheOutcome,
    /// When it ended.
    pub ended: SystemTime,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// The request's id, perhaps cut.
    pub request_id: String,
    /// The user agent, perhaps cut.
    pub user_agent: String,
    /// Resident memory of the process at the last reading before, in bytes; 0 before the first.
    pub resident_bytes: u64,
}

/// A text of at most `N` bytes, cut at a character's boundary.
#[derive(Clone, Copy, Debug)]
struct Text<const N: usize> {
    bytes: [u8; N],
    length: u8,
}

impl<const N: usize> Text<N> {
    const EMPTY: Self = Self {
        bytes: [0; N],
        length: 0,
    };

    /// Takes another text; bytes beyond it stay as they were, for nobody reads them.
    fn set(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(N.min(255))];
        self.bytes[..text.len()].copy_from_slice(text.as_bytes());
        self.length = u8::try_from(text.len()).unwrap_or(0);
    }

    fn get(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..usize::from(self.length)]).into_owned()
    }
}

/// One request in a ring; the texts stand behind what every request has.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Row {
    pub(crate) facts: Facts,
    request_id: Text<64>,
    user_agent: Text<128>,
}

/// All of a row but its texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) slot: SlotIndex,
    pub(crate) ended: Instant,
    response_time: Option<Duration>,
    method: Method,
    status: u16,
    outcome: Outcome,
    cache: CacheOutcome,
    request_bytes: u64,
    response_bytes: u64,
    address: Option<IpAddr>,
    resident: u64,
}

impl Facts {
    fn of(sample: &Sample, caller: Caller<'_>, resident: u64) -> Self {
        Self {
            slot: sample.slot,
            ended: sample.ended,
            response_time: sample.response_time,
            method: sample.method,
            status: sample.status,
            outcome: sample.outcome,
            cache: sample.cache,
            request_bytes: sample.request_bytes,
            response_bytes: sample.response_bytes,
            address: caller.address,
            resident,
        }
    }
}

impl Row {
    fn new(sample: &Sample, caller: Caller<'_>, resident: u64) -> Self {
        let mut row = Self {
            facts: Facts::of(sample, caller, resident),
            request_id: Text::EMPTY,
            user_agent: Text::EMPTY,
        };
        row.set_texts(caller);
        row
    }

    /// Becomes another request's; in place, for a row has five cache lines of which most requests fill two.
    fn set(&mut self, sample: &Sample, caller: Caller<'_>, resident: u64) {
        self.facts = Facts::of(sample, caller, resident);
        self.set_texts(caller);
    }

    fn set_texts(&mut self, caller: Caller<'_>) {
        self.request_id.set(caller.request_id);
        self.user_agent.set(caller.user_agent);
    }

    pub(crate) fn time(&self) -> Duration {
        self.facts.response_time.unwrap_or_default()
    }

    /// The row as it is read, `ended` on the wall clock.
    pub(crate) fn show(
        &self,
        route: Arc<str>,
        template: Arc<str>,
        ended: SystemTime,
    ) -> RecentRequest {
        RecentRequest {
            route,
            template,
            method: self.facts.method,
            status: self.facts.status,
            outcome: self.facts.outcome,
            response_time: self.facts.response_time,
            request_bytes: self.facts.request_bytes,
            response_bytes: self.facts.response_bytes,
            cache: self.facts.cache,
            ended,
            address: self.facts.address,
            request_id: self.request_id.get(),
            user_agent: self.user_agent.get(),
            resident_bytes: self.facts.resident,
        }
    }
}

/// The last requests of a shard.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ring: Mutex<Ring>,
    skipped: AtomicU64,
}

#[derive(Debug, Default)]
struct Ring {
    rows: Vec<Row>,
    next: usize,
}

impl Recent {
    pub(crate) fn push(&self, sample: &Sample, caller: Caller<'_>, resident: u64) {
        let Some(mut ring) = try_lock(&self.ring) else {
            self.skip();
            return;
        };
        if ring.rows.len() < RECENT {
            if ring.rows.is_empty() {
                ring.rows.reserve_exact(RECENT);
            }
            ring.rows.push(Row::new(sample, caller, resident));
        } else {
            let next = ring.next;
            ring.rows[next].set(sample, caller, resident);
            ring.next = (next + 1) % RECENT;
        }
    }

    fn skip(&self) {
        self.skipped.fetch_add(1, Relaxed);
    }

    /// Rows that were not written because someone was reading.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped.load(Relaxed)
    }

    pub(crate) fn read(&self, into: &mut Vec<Row>) {
        into.extend_from_slice(&lock(&self.ring).rows);
    }

    pub(crate) fn clear(&self) {
        let mut ring = lock(&self.ring);
        ring.rows.clear();
        ring.next = 0;
    }
}

/// The slowest requests of a route in a shard.
#[derive(Debug, Default)]
pub(crate) struct Slowest {
    rows: Mutex<Vec<Row>>,
    /// What a request must take to come in, in nanoseconds; read before the lock is tried, because
    /// most requests do not.
    least: AtomicU64,
}

impl Slowest {
    pub(crate) fn push(&self, sample: &Sample, caller: Caller<'_>, resident: u64, skips: &Recent) {
        let Some(time) = sample.response_time else {
            return;
        };
        if crate::cells::nanos_of(time) < self.least.load(Relaxed) {
            return;
        }
        let Some(mut rows) = try_lock(&self.rows) else {
            skips.skip();
            return;
        };
        let row = Row::new(sample, caller, resident);
        let place = rows.partition_point(|known| known.time() >= time);
        if rows.len() == SLOW {
            if place == SLOW {
                return;
            }
            rows.pop();
        } else if rows.is_empty() {
            rows.reserve_exact(SLOW);
        }
        rows.insert(place, row);
        self.set_least(&rows);
    }

    fn set_least(&self, rows: &[Row]) {
        // Longer than the fastest one, once there is no room beside it.
        let fastest = rows.get(SLOW - 1);
        let least = fastest.map_or(0, |row| crate::cells::nanos_of(row.time()) + 1);
        self.least.store(least, Relaxed);
    }

    /// Forgets what ended before `oldest`, so that a bad day does not hide the next one.
    pub(crate) fn forget_before(&self, oldest: Instant) {
        let mut rows = lock(&self.rows);
        rows.retain(|row| row.facts.ended >= oldest);
        self.set_least(&rows);
    }

    pub(crate) fn read(&self, into: &mut Vec<Row>) {
        into.extend_from_slice(&lock(&self.rows));
    }

    pub(crate) fn clear(&self) {
        let mut rows = lock(&self.rows);
        rows.clear();
        self.set_least(&rows);
    }
}

/// A panic while a row was copied leaves a row, old or new; nothing is torn.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn try_lock<T>(mutex: &Mutex<T>) -> Option<std::sync::MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(millis: u64) -> Sample {
        Sample::new(
            SlotIndex::NONE,
            200,
            Duration::from_millis(millis),
            Instant::now(),
        )
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        // One after the other in the same place: nothing of a longer one is left behind a shorter.
        let mut text = Text::<4>::EMPTY;
        for (set, kept) in [("aé", "aé"), ("abcé", "abc"), ("é", "é"), ("", "")] {
            text.set(set);
            assert_eq!(text.get(), kept);
        }
    }

    #[test]
    fn the_ring_keeps_the_last() {
        let recent = Recent::default();
        for millis in 0..RECENT as u64 + 10 {
            recent.push(&sample(millis), Caller::default(), 0);
        }
        let mut rows = Vec::new();
        recent.read(&mut rows);
        assert_eq!(rows.len(), RECENT);
        assert_eq!(
            rows.iter().map(Row::time).min(),
            Some(Duration::from_millis(10))
        );
    }

    #[test]
    fn a_ring_that_is_read_is_skipped() {
        let recent = Recent::default();
        let reader = lock(&recent.ring);
        recent.push(&sample(1), Caller::default(), 0);
        drop(reader);
        assert_eq!(recent.skipped(), 1);
    }

    #[test]
    fn the_slowest_stay_until_they_are_old() {
        let (slowest, recent) = (Slowest::default(), Recent::default());
        for millis in [5, 1, 9, 3, 7, 2, 8] {
            slowest.push(&sample(millis), Caller::default(), 0, &recent);
        }
        let times = || {
            let mut rows = Vec::new();
            slowest.read(&mut rows);
            rows.iter()
                .map(|row| row.time().as_millis())
                .collect::<Vec<_>>()
        };
        assert_eq!(times(), [9, 8, 7, 5]);
        slowest.forget_before(Instant::now());
        slowest.push(&sample(1), Caller::default(), 0, &recent);
        assert_eq!(times(), [1]);
    }
}
