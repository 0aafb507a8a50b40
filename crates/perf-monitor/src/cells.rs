//! The cells that serving threads write.
//!
//! A cell only ever grows, and wraps around at 32 bits; who folds cells adds the difference to the
//! sum before to a total of 64 bits. So nobody ever has to set a cell back while a thread writes it.
//! Written by one thread, a cell takes a load and a store; shared, an atomic addition.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use crate::histogram::{BUCKETS, bucket_of};
use crate::sample::{Outcome, Sample};

/// One route, or one arm of a change on a route, as one shard saw it.
///
/// With a thousand routes, recording costs what fetching their cache lines costs. So what each
/// sample touches stands in one line, right before what is rare, and the histogram, of which a
/// sample touches one line more, stands in front.
#[derive(Debug)]
#[repr(C, align(128))]
pub(crate) struct Cells {
    pub(crate) times: [AtomicU32; BUCKETS],
    pub(crate) count: AtomicU32,
    pub(crate) in_flight: AtomicU32,
    pub(crate) hits: AtomicU32,
    pub(crate) lookups: AtomicU32,
    pub(crate) nanos: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    /// The least and greatest times of two folding periods, the one being read and the one being
    /// written, taken in turns.
    extremes: [Extremes; 2],
    pub(crate) bytes_in: AtomicU64,
    pub(crate) client_errors: AtomicU32,
    pub(crate) server_errors: AtomicU32,
    pub(crate) aborted: AtomicU32,
}

impl Default for Cells {
    fn default() -> Self {
        Self {
            times: [const { AtomicU32::new(0) }; BUCKETS],
            count: AtomicU32::new(0),
            in_flight: AtomicU32::new(0),
            hits: AtomicU32::new(0),
            lookups: AtomicU32::new(0),
            nanos: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            extremes: <[Extremes; 2]>::default(),
            bytes_in: AtomicU64::new(0),
            client_errors: AtomicU32::new(0),
            server_errors: AtomicU32::new(0),
            aborted: AtomicU32::new(0),
        }
    }
}

/// A response time as it is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timed {
    pub(crate) nanos: u64,
    pub(crate) bucket: usize,
}

impl Timed {
    #[inline]
    pub(crate) fn new(time: Duration) -> Self {
        let nanos = nanos_of(time);
        Self {
            nanos,
            bucket: bucket_of(nanos),
        }
    }
}

impl Cells {
    /// Adds a sample with the response time `time`, in the folding period `period`.
    #[inline]
    pub(crate) fn record<const OWNED: bool>(
        &self,
        sample: &Sample,
        time: Option<Timed>,
        period: u32,
    ) {
        if let Some(Timed { nanos, bucket }) = time {
            add::<OWNED>(&self.times[bucket], 1);
            add_64::<OWNED>(&self.nanos, nanos);
            self.extremes[period as usize & 1].note::<OWNED>(nanos, period);
        }
        match sample.outcome {
            Outcome::Success => {}
            Outcome::ClientError => add::<OWNED>(&self.client_errors, 1),
            Outcome::ServerError => add::<OWNED>(&self.server_errors, 1),
            Outcome::Aborted => add::<OWNED>(&self.aborted, 1),
        }
        if let Some(hit) = sample.cache.lookup() {
            add::<OWNED>(&self.lookups, 1);
            add::<OWNED>(&self.hits, u32::from(hit));
        }
        self.add_bytes::<OWNED>(sample.request_bytes, sample.response_bytes);
        // Last, so that whoever reads this count sees the rest of what it counts.
        if OWNED {
            let count = self.count.load(Relaxed);
            self.count.store(count.wrapping_add(1), Release);
        } else {
            self.count.fetch_add(1, Release);
        }
    }

    #[inline]
    pub(crate) fn add_bytes<const OWNED: bool>(&self, bytes_in: u64, bytes_out: u64) {
        if bytes_in > 0 {
            add_64::<OWNED>(&self.bytes_in, bytes_in);
        }
        if bytes_out > 0 {
            add_64::<OWNED>(&self.bytes_out, bytes_out);
        }
    }

    /// The count; what it counts is visible after this.
    pub(crate) fn counted(&self) -> u32 {
        self.count.load(Acquire)
    }

    /// The least and greatest times noted in `period`.
    pub(crate) fn extremes_of(&self, period: u32) -> Option<(u64, u64)> {
        self.extremes[period as usize & 1].of(period)
    }

    /// Sets all to nothing; for a place that nobody writes any more.
    pub(crate) fn reset(&self) {
        let counters = [
            &self.count,
            &self.in_flight,
            &self.client_errors,
            &self.server_errors,
            &self.aborted,
            &self.hits,
            &self.lookups,
        ];
        for cell in counters.into_iter().chain(&self.times) {
            cell.store(0, Relaxed);
        }
        for cell in [&self.nanos, &self.bytes_in, &self.bytes_out] {
            cell.store(0, Relaxed);
        }
    }
}

/// A time in nanoseconds, as far as 48 bits go (78 hours).
#[inline]
pub(crate) fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(VALUE).min(VALUE)
}

#[inline]
pub(crate) fn add<const OWNED: bool>(cell: &AtomicU32, amount: u32) {
    if OWNED {
        cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
    } else {
        cell.fetch_add(amount, Relaxed);
    }
}

#[inline]
pub(crate) fn add_64<const OWNED: bool>(cell: &AtomicU64, amount: u64) {
    if OWNED {
        cell.store(cell.load(Relaxed).wrapping_add(amount), Relaxed);
    } else {
        cell.fetch_add(amount, Relaxed);
    }
}

/// Low bits of an extreme, the time; above it stands its period.
const VALUE: u64 = (1 << 48) - 1;

/// The least and greatest time of a period. The period travels with the value, so that the first
/// sample of a new one replaces what the old one left.
#[derive(Debug, Default)]
struct Extremes {
    min: AtomicU64,
    max: AtomicU64,
}

impl Extremes {
    #[inline]
    fn note<const OWNED: bool>(&self, nanos: u64, period: u32) {
        note::<OWNED>(&self.min, nanos, period, |new, old| new < old);
        note::<OWNED>(&self.max, nanos, period, |new, old| new > old);
    }

    fn of(&self, period: u32) -> Option<(u64, u64)> {
        let tag = u64::from(period & 0xffff);
        let [min, max] = [&self.min, &self.max].map(|cell| cell.load(Relaxed));
        (min >> 48 == tag && max >> 48 == tag).then_some((min & VALUE, max & VALUE))
    }
}

#[inline]
fn note<const OWNED: bool>(
    cell: &AtomicU64,
    nanos: u64,
    period: u32,
    better: impl Fn(u64, u64) -> bool,
) {
    let tag = u64::from(period & 0xffff);
    let mut old = cell.load(Relaxed);
    while old >> 48 != tag || better(nanos, old & VALUE) {
        let new = tag << 48 | nanos;
        if OWNED {
            cell.store(new, Relaxed);
            return;
        }
        match cell.compare_exchange_weak(old, new, Relaxed, Relaxed) {
            Ok(_) => return,
            Err(now) => old = now,
        }
    }
}
