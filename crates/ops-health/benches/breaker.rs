//! What a call costs that a closed breaker lets pass and counts, with one thread and with two that share the breaker.
//!
//! `ours` is handed the time, as in a program that reads its clock once a request; `ours-with-clock` reads it twice, `failsafe`
//! and its kin do so inside. `recloser` counts the last calls and knows no time. `mutex` is a window of ten slots behind a lock,
//! with the time handed in. A call in a hundred fails, too few to open any of them.

#![expect(clippy::unwrap_used, reason = "all of them stay closed")]

use std::hint::black_box;
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use failsafe::CircuitBreaker;
use ops_health::{Breaker, BreakerSettings, CallOutcome};

/// Calls of a round.
const CALLS: u32 = 10_000;
const THREADS: usize = 2;
/// Calls of which one fails, and after which a millisecond has passed.
const BATCH: u32 = 100;
/// The time that passes in a round.
const ROUND: Duration = Duration::from_millis((CALLS / BATCH) as u64);

/// Does the calls of a round, from a time on.
type Rounds = Box<dyn Fn(Instant) + Sync>;

fn fails(call: u32) -> bool {
    black_box(call) == 0
}

fn result(call: u32) -> Result<(), ()> {
    if fails(call) { Err(()) } else { Ok(()) }
}

fn contenders() -> Vec<(&'static str, Rounds)> {
    // The loop is inside each, so that no call goes through a pointer.
    fn rounds(one: impl Fn(u32, Instant) + Sync + 'static) -> Rounds {
        Box::new(move |from| {
            let mut now = from;
            for _ in 0..CALLS / BATCH {
                for call in 0..BATCH {
                    one(call, black_box(now));
                }
                now += Duration::from_millis(1);
            }
        })
    }
    let outcome = |call| {
        if fails(call) {
            CallOutcome::Failure
        } else {
            CallOutcome::Success
        }
    };
    let ours = |settings| Breaker::new("part", settings, Instant::now());
    let slow = BreakerSettings {
        slow_call: Some(Duration::from_secs(1)),
        ..BreakerSettings::default()
    };
    let (plain, with_slow, with_clock) = (
        ours(BreakerSettings::default()),
        ours(slow),
        ours(BreakerSettings::default()),
    );
    let recloser = recloser::Recloser::custom().closed_len(1_000).build();
    let backoff = || failsafe::backoff::constant(Duration::from_secs(1));
    let in_row = failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::consecutive_failures(7, backoff()))
        .build();
    let window = Duration::from_secs(10);
    let by_rate = failsafe::Config::new()
        .failure_policy(failsafe::failure_policy::success_rate_over_time_window(
            0.5,
            20,
            window,
            backoff(),
        ))
        .build();
    let (born, locked) = (Instant::now(), Mutex::new(Locked::default()));
    vec![
        (
            "ours",
            rounds(move |call, now| {
                let permit = plain.try_acquire(now).unwrap();
                permit.complete(outcome(call), now);
            }),
        ),
        (
            "ours-slow-calls",
            rounds(move |call, now| {
                let permit = with_slow.try_acquire(now).unwrap();
                permit.complete(outcome(call), now);
            }),
        ),
        (
            "ours-with-clock",
            rounds(move |call, _| {
                let permit = with_clock.try_acquire(Instant::now()).unwrap();
                permit.complete(outcome(call), Instant::now());
            }),
        ),
        (
            "recloser",
            rounds(move |call, _| {
                let _ = recloser.call(|| result(call));
            }),
        ),
        (
            "failsafe-in-row",
            rounds(move |call, _| {
                let _ = in_row.call(|| result(call));
            }),
        ),
        (
            "failsafe-rate",
            rounds(move |call, _| {
                let _ = by_rate.call(|| result(call));
            }),
        ),
        (
            "mutex",
            rounds(move |call, now| {
                let second = now.saturating_duration_since(born).as_secs();
                assert!(locked.lock().unwrap().passes());
                locked.lock().unwrap().count(second, fails(call));
            }),
        ),
    ]
}

/// The window that one would write first.
#[derive(Default)]
struct Locked {
    open: bool,
    in_row: u32,
    slots: [(u64, u32, u32); 10],
}

impl Locked {
    fn passes(&self) -> bool {
        !self.open
    }

    fn count(&mut self, second: u64, failed: bool) {
        let slot = &mut self.slots[(second % 10) as usize];
        if slot.0 != second {
            *slot = (second, 0, 0);
        }
        slot.1 += 1;
        self.in_row = if failed { self.in_row + 1 } else { 0 };
        if failed {
            slot.2 += 1;
            let recent = self.slots.iter().filter(|slot| slot.0 + 10 > second);
            let (calls, failures) =
                recent.fold((0, 0), |sum, slot| (sum.0 + slot.1, sum.1 + slot.2));
            self.open = self.in_row >= 7 || (calls >= 20 && failures * 2 >= calls);
        }
    }
}

fn one_thread(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker");
    group.throughput(Throughput::Elements(CALLS.into()));
    for (name, work) in contenders() {
        let mut from = Instant::now();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter(|| {
                work(from);
                from += ROUND;
            });
        });
    }
    group.finish();
}

/// The time of a call in each of two threads at once.
fn two_threads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("breaker/two threads");
    group.throughput(Throughput::Elements(CALLS.into()));
    for (name, work) in contenders() {
        let mut from = Instant::now();
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|rounds| {
                let begin = from;
                from += ROUND * u32::try_from(rounds).unwrap();
                at_once(|| {
                    let mut from = begin;
                    for _ in 0..rounds {
                        work(from);
                        from += ROUND;
                    }
                })
            });
        });
    }
    group.finish();
}

/// How long each of the threads takes for `work`, from when all of them are there.
fn at_once(work: impl Fn() + Sync) -> Duration {
    let (work, all_there) = (&work, &Barrier::new(THREADS));
    thread::scope(|scope| {
        let threads = [(); THREADS].map(|()| {
            scope.spawn(move || {
                all_there.wait();
                let begun = Instant::now();
                work();
                begun.elapsed()
            })
        });
        let times = threads.map(|thread| thread.join().unwrap());
        times.into_iter().sum::<Duration>() / 2
    })
}

criterion_group!(benches, one_thread, two_threads);
criterion_main!(benches);
