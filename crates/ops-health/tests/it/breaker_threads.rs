//! One breaker for several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ops_health::{Breaker, BreakerSettings, BreakerState, CallOutcome};

const THREADS: usize = 8;

/// Has every thread do `work` at once.
fn at_once(work: impl Fn() + Sync) {
    let ready = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                ready.wait();
                work();
            });
        }
    });
}

fn tripped(now: Instant) -> Breaker {
    let breaker = Breaker::new("shared", BreakerSettings::default(), now);
    for _ in 0..7 {
        breaker
            .try_acquire(now)
            .unwrap()
            .complete(CallOutcome::Failure, now);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

#[test]
fn a_burst_at_half_open_has_no_more_trials_than_allowed() {
    let born = Instant::now();
    let breaker = tripped(born);
    let later = born + Duration::from_secs(2);
    let held = Mutex::new(Vec::new());
    at_once(|| {
        for _ in 0..100 {
            if let Ok(permit) = breaker.try_acquire(later) {
                held.lock().unwrap().push(permit);
            }
        }
    });
    let held = held.into_inner().unwrap();
    assert_eq!(held.len(), 5);
    assert!(held.iter().all(ops_health::Permit::is_trial));
    for permit in held {
        permit.complete(CallOutcome::Success, later);
    }
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn trials_that_come_and_go_are_never_too_many() {
    let born = Instant::now();
    let breaker = tripped(born);
    let later = born + Duration::from_secs(2);
    let (under_way, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    at_once(|| {
        for _ in 0..2_000 {
            if let Ok(permit) = breaker.try_acquire(later) {
                let now_under_way = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now_under_way, Ordering::SeqCst);
                thread::yield_now();
                under_way.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            }
        }
    });
    assert!((1..=5).contains(&most.into_inner()));
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    let permits: Vec<_> = (0..6).map(|_| breaker.try_acquire(later)).collect();
    let passed = permits.iter().filter(|permit| permit.is_ok()).count();
    assert_eq!(passed, 5, "every place was given back");
}

#[test]
fn no_call_is_lost_and_a_trip_is_told_once() {
    let born = Instant::now();
    let told = Arc::new(AtomicUsize::new(0));
    let settings = BreakerSettings {
        failures_in_row: u32::MAX,
        minimum_calls: 80_001,
        ..BreakerSettings::default()
    };
    let hears = Arc::clone(&told);
    let breaker = Breaker::new("shared", settings, born).with_observer(move |_, _| {
        hears.fetch_add(1, Ordering::SeqCst);
    });
    let work = |outcome| {
        let breaker = &breaker;
        move || {
            for call in 0..10_000_u64 {
                let now = born + Duration::from_micros(call * 500);
                breaker.try_acquire(now).unwrap().complete(outcome, now);
            }
        }
    };
    at_once(work(CallOutcome::Failure));
    let end = born + Duration::from_secs(5);
    let counts = breaker.status(end).counts;
    assert_eq!((counts.calls, counts.failures), (80_000, 80_000));
    assert_eq!(counts.failures_in_row, 80_000);

    at_once(|| {
        for _ in 0..100 {
            if let Ok(permit) = breaker.try_acquire(end) {
                permit.complete(CallOutcome::Failure, end);
            }
        }
    });
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(told.load(Ordering::SeqCst), 1);
    let status = breaker.status(end);
    assert_eq!((status.opened, status.last.unwrap().number), (1, 1));
}
