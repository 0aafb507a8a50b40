//! The series of one route for `/metrics`: method, status, scheme and what failed.
//!
//! A client chooses methods and, in part, statuses, so both are bounded: a route has 16 pairs of
//! method and status below 500 and 16 from 500 on, first come, first served, the same ones in all
//! shards. Past them the method is `_OTHER` and the status its class, and because the two ranges
//! count apart, no client can hide a 503 behind invented 404s.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};

use crate::cells::{Timed, add_64};
use crate::histogram::{BUCKETS, lower_bound};
use crate::method::Method;
use crate::sample::Sample;

/// Upper bounds of the buckets of `http_server_request_duration_seconds`, in microseconds:
/// OpenTelemetry's, and five below them, so that a hit can be seen.
pub(crate) const BOUNDS: [u64; 19] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000,
    750_000, 1_000_000, 2_500_000, 5_000_000, 7_500_000, 10_000_000,
];

/// For each bucket of the fine histogram the coarse one of its least time. A fine bucket is so
/// narrow that at most one bound lies in it.
static COARSE: [u8; BUCKETS] = {
    let mut table = [0; BUCKETS];
    let (mut bucket, mut coarse) = (0, 0);
    while bucket < BUCKETS {
        while coarse < BOUNDS.len() && lower_bound(bucket) > BOUNDS[coarse] * 1_000 {
            coarse += 1;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "there are 20 coarse buckets"
        )]
        {
            table[bucket] = coarse as u8;
        }
        bucket += 1;
    }
    table
};

#[inline]
fn coarse_of(Timed { nanos, bucket }: Timed) -> usize {
    let coarse = usize::from(COARSE[bucket]);
    coarse
        + usize::from(
            BOUNDS
                .get(coarse)
                .is_some_and(|bound| nanos > bound * 1_000),
        )
}

/// What tells series of a route apart, in 64 bits; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(u64);

const IN_USE: u64 = 1 << 63;

impl Key {
    #[inline]
    fn new(method: Method, status: u16, secure: bool, error: u8) -> Self {
        let method = u64::from(method as u8) << 16;
        let error = u64::from(error) << 32;
        Self(IN_USE | error | u64::from(secure) << 24 | method | u64::from(status))
    }

    #[inline]
    pub(crate) fn of(sample: &Sample, errors: &ErrorTypes) -> Self {
        let error = match sample.error_type {
            Some(word) => errors.number(word),
            None if sample.status >= 500 => ErrorTypes::STATUS,
            None => ErrorTypes::NONE,
        };
        Self::new(sample.method, sample.status, sample.secure, error)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the fields have these widths"
    )]
    fn pair(self) -> u32 {
        self.0 as u32 & 0x00ff_ffff
    }

    /// The status, or its class when it is below ten.
    #[expect(clippy::cast_possible_truncation, reason = "the field has this width")]
    pub(crate) fn status(self) -> u16 {
        self.0 as u16
    }

    #[expect(clippy::cast_possible_truncation, reason = "the field has this width")]
    pub(crate) fn method(self) -> Method {
        Method::from_number((self.0 >> 16) as u8)
    }

    pub(crate) fn secure(self) -> bool {
        self.0 >> 24 & 1 == 1
    }

    #[expect(clippy::cast_possible_truncation, reason = "the field has this width")]
    pub(crate) fn error(self) -> u8 {
        (self.0 >> 32) as u8
    }

    /// The same with method `_OTHER` and the status's class.
    fn folded(self) -> Self {
        let class = match self.status() {
            class @ ..10 => class,
            status => (status / 100).clamp(1, 5),
        };
        Self::new(Method::Other, class, self.secure(), self.error())
    }

    /// The last resort: folded, and the error folded too.
    fn lost(self) -> Self {
        let error = match self.error() {
            ErrorTypes::NONE => ErrorTypes::NONE,
            _ => ErrorTypes::OTHER,
        };
        let key = self.folded();
        Self::new(key.method(), key.status(), key.secure(), error)
    }
}

/// The words for what failed, numbered in the order in which they came; programs have few.
#[derive(Debug)]
pub(crate) struct ErrorTypes([OnceLock<&'static str>; 61]);

impl Default for ErrorTypes {
    fn default() -> Self {
        Self([const { OnceLock::new() }; 61])
    }
}

impl ErrorTypes {
    const NONE: u8 = 0;
    /// The status stands for the error.
    const STATUS: u8 = 1;
    const OTHER: u8 = 2;
    const FIRST: u8 = 3;

    fn number(&self, word: &'static str) -> u8 {
        let numbered = (Self::FIRST..).zip(&self.0);
        for (number, known) in numbered {
            if *known.get_or_init(|| word) == word {
                return number;
            }
        }
        Self::OTHER
    }

    /// The label's value; empty where there was no error.
    pub(crate) fn word(&self, number: u8, status: &str) -> String {
        match number {
            Self::NONE => String::new(),
            Self::STATUS => status.to_owned(),
            Self::OTHER => "_OTHER".to_owned(),
            _ => {
                let word = self.0.get(usize::from(number - Self::FIRST));
                word.and_then(OnceLock::get)
                    .map_or_else(String::new, |word| (*word).to_owned())
            }
        }
    }
}

/// The pairs of method and status that a route tells apart, the same in all shards.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    below_500: [AtomicU32; 16],
    from_500: [AtomicU32; 16],
}

impl Pairs {
    /// The key itself while its pair has a place, otherwise the folded one.
    fn admit(&self, key: Key) -> Key {
        let range = match key.status() {
            ..500 => &self.below_500,
            500.. => &self.from_500,
        };
        let pair = key.pair() + 1; // Zero is a free place.
        for place in range {
            match place.compare_exchange(0, pair, Relaxed, Relaxed) {
                Ok(_) => return key,
                Err(taken) if taken == pair => return key,
                Err(_) => {}
            }
        }
        key.folded()
    }

    pub(crate) fn reset(&self) {
        for place in self.below_500.iter().chain(&self.from_500) {
            place.store(0, Relaxed);
        }
    }
}

/// One series in one shard. The last bucket has no bound.
#[derive(Debug, Default)]
#[repr(C, align(64))]
pub(crate) struct Series {
    key: AtomicU64,
    nanos: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len() + 1],
}

impl Series {
    #[inline]
    fn add<const OWNED: bool>(&self, time: Timed) {
        add_64::<OWNED>(&self.buckets[coarse_of(time)], 1);
        add_64::<OWNED>(&self.nanos, time.nanos);
    }

    pub(crate) fn key(&self) -> Option<Key> {
        let key = self.key.load(Relaxed);
        (key != 0).then_some(Key(key))
    }

    /// Adds what this series counted to `buckets` and `nanos`.
    pub(crate) fn add_to(&self, buckets: &mut [u64; BOUNDS.len() + 1], nanos: &mut u64) {
        for (sum, cell) in buckets.iter_mut().zip(&self.buckets) {
            *sum += cell.load(Relaxed);
        }
        *nanos += self.nanos.load(Relaxed);
    }
}

const PART: usize = 4;
/// Parts that ordinary series may fill; beyond them only the last resorts are added.
const PARTS: usize = 40;

/// The series of a route in one shard, from the first one on in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct SeriesTable {
    part: [Series; PART],
    more: OnceLock<Box<SeriesTable>>,
}

impl SeriesTable {
    /// Counts a time under `key`, or where the route's `pairs` let it count.
    #[inline]
    pub(crate) fn record<const OWNED: bool>(
        &self,
        key: Key,
        time: Timed,
        pairs: impl FnOnce() -> Option<Key>,
    ) {
        if let Some(series) = self.find(key) {
            return series.add::<OWNED>(time);
        }
        let admitted = pairs().unwrap_or(key);
        let series = self
            .claim(admitted, PARTS)
            .or_else(|| self.claim(admitted.lost(), usize::MAX));
        if let Some(series) = series {
            series.add::<OWNED>(time);
        }
    }

    #[inline]
    fn find(&self, key: Key) -> Option<&Series> {
        let mut table = self;
        loop {
            for series in &table.part {
                match series.key.load(Relaxed) {
                    found if found == key.0 => return Some(series),
                    0 => return None, // Places fill from the front.
                    _ => {}
                }
            }
            table = table.more.get()?;
        }
    }

    fn claim(&self, key: Key, parts: usize) -> Option<&Series> {
        let mut table = self;
        for _ in 0..parts {
            for series in &table.part {
                match series.key.compare_exchange(0, key.0, Relaxed, Relaxed) {
                    Ok(_) => return Some(series),
                    Err(taken) if taken == key.0 => return Some(series),
                    Err(_) => {}
                }
            }
            table = table.more.get_or_init(Box::default);
        }
        None
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Series> {
        let tables =
            std::iter::successors(Some(self), |table| table.more.get().map(|more| &**more));
        tables.flat_map(|table| &table.part)
    }

    /// How many times all series counted.
    pub(crate) fn count(&self) -> u64 {
        let buckets = self.iter().flat_map(|series| &series.buckets);
        buckets.map(|cell| cell.load(Relaxed)).sum()
    }

    /// Frees every place; for a route that nobody writes any more.
    pub(crate) fn reset(&self) {
        for series in self.iter() {
            for cell in series.buckets.iter().chain([&series.nanos, &series.key]) {
                cell.store(0, Relaxed);
            }
        }
    }
}

/// The key under which a route with `pairs` counts `key`.
pub(crate) fn admit(pairs: Option<&Pairs>, key: Key) -> Option<Key> {
    pairs.map(|pairs| pairs.admit(key))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::sample::SlotIndex;

    fn sample(method: Method, status: u16) -> Sample {
        let mut sample = Sample::new(SlotIndex::NONE, status, Duration::ZERO, Instant::now());
        sample.method = method;
        sample
    }

    fn time(nanos: u64) -> Timed {
        Timed::new(Duration::from_nanos(nanos))
    }

    #[test]
    fn a_time_counts_below_the_bound_that_it_equals() {
        for (index, bound) in BOUNDS.into_iter().enumerate() {
            assert_eq!(coarse_of(time(bound * 1_000)), index, "{bound}");
            assert_eq!(coarse_of(time(bound * 1_000 + 1)), index + 1, "{bound}");
        }
        assert_eq!(coarse_of(time(0)), 0);
        assert_eq!(coarse_of(time(u64::MAX)), BOUNDS.len());
    }

    #[test]
    fn invented_statuses_do_not_hide_a_503() {
        let (table, pairs, errors) = (
            SeriesTable::default(),
            Pairs::default(),
            ErrorTypes::default(),
        );
        let record = |method, status| {
            let key = Key::of(&sample(method, status), &errors);
            table.record::<true>(key, time(1), || admit(Some(&pairs), key));
        };
        for status in 400..450 {
            record(Method::Get, status);
        }
        record(Method::Get, 503);
        let keys: Vec<_> = table.iter().filter_map(Series::key).collect();
        let shown: Vec<_> = keys
            .iter()
            .map(|key| (key.method(), key.status()))
            .collect();
        assert_eq!(shown.len(), 18);
        assert_eq!(shown[15], (Method::Get, 415));
        assert_eq!(shown[16], (Method::Other, 4));
        assert_eq!(shown[17], (Method::Get, 503));
        let mut buckets = [0; BOUNDS.len() + 1];
        table.iter().nth(16).unwrap().add_to(&mut buckets, &mut 0);
        assert_eq!(buckets[0], 34);
    }

    #[test]
    fn a_full_table_still_counts_everything() {
        let (table, errors) = (SeriesTable::default(), ErrorTypes::default());
        for status in 100..1000 {
            let key = Key::of(&sample(Method::Get, status), &errors);
            table.record::<false>(key, time(1), || None);
        }
        let (mut buckets, mut nanos) = ([0; BOUNDS.len() + 1], 0);
        for series in table.iter() {
            series.add_to(&mut buckets, &mut nanos);
        }
        assert_eq!((buckets[0], nanos), (900, 900));
        assert!(table.iter().count() <= (PARTS + 3) * PART);
    }

    #[test]
    fn errors_have_a_word_or_their_status() {
        let errors = ErrorTypes::default();
        let mut failed = sample(Method::Get, 503);
        assert_eq!(errors.word(Key::of(&failed, &errors).error(), "503"), "503");
        failed.error_type = Some("timeout");
        assert_eq!(
            errors.word(Key::of(&failed, &errors).error(), "503"),
            "timeout"
        );
        let fine = sample(Method::Get, 404);
        assert_eq!(errors.word(Key::of(&fine, &errors).error(), "404"), "");
    }
}
