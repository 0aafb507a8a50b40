//! What a breaker does, one situation a test.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ops_health::{
    Breaker, BreakerSettings, BreakerState, Breakers, CallOutcome, TransitionCause, TripCause,
};

const SECOND: Duration = Duration::from_secs(1);

/// A breaker and the time.
struct Scene {
    breaker: Arc<Breaker>,
    now: Instant,
}

impl Scene {
    fn new(settings: BreakerSettings) -> Self {
        let now = Instant::now();
        let breaker = Arc::new(Breaker::new("part", settings, now));
        Self { breaker, now }
    }

    fn calls(&self, times: usize, outcome: CallOutcome) {
        for _ in 0..times {
            let permit = self.breaker.try_acquire(self.now).unwrap();
            permit.complete(outcome, self.now);
        }
    }

    fn call_of(&mut self, took: Duration, outcome: CallOutcome) {
        let permit = self.breaker.try_acquire(self.now).unwrap();
        self.now += took;
        permit.complete(outcome, self.now);
    }

    /// Waits until the open breaker tries.
    fn wait(&mut self) -> Duration {
        let left = self.breaker.try_acquire(self.now).unwrap_err().retry_after;
        self.now += left;
        left
    }

    #[track_caller]
    fn stands(&self, state: BreakerState) {
        assert_eq!(self.breaker.state(), state);
    }

    #[track_caller]
    fn tripped_by(&self, cause: TripCause) {
        self.stands(BreakerState::Open);
        let last = self.breaker.status(self.now).last.unwrap();
        assert_eq!(last.cause, TransitionCause::Tripped(cause));
    }
}

/// Only the rates open it.
fn by_rate() -> BreakerSettings {
    BreakerSettings {
        failures_in_row: u32::MAX,
        ..BreakerSettings::default()
    }
}

#[test]
fn seven_failures_in_a_row_open_it() {
    let scene = Scene::new(BreakerSettings::default());
    scene.calls(6, CallOutcome::Failure);
    scene.calls(1, CallOutcome::Success);
    scene.calls(6, CallOutcome::Failure);
    scene.stands(BreakerState::Closed);
    scene.calls(1, CallOutcome::Failure);
    scene.tripped_by(TripCause::FailuresInRow);
}

#[test]
fn a_row_is_not_broken_by_who_gave_up() {
    let scene = Scene::new(BreakerSettings::default());
    scene.calls(6, CallOutcome::Failure);
    scene.calls(3, CallOutcome::Undecided);
    drop(scene.breaker.try_acquire(scene.now).unwrap());
    scene.calls(1, CallOutcome::Failure);
    scene.tripped_by(TripCause::FailuresInRow);
}

#[test]
fn half_of_twenty_failing_opens_it_whichever_comes_last() {
    for last in [CallOutcome::Failure, CallOutcome::Success] {
        let scene = Scene::new(by_rate());
        scene.calls(9, CallOutcome::Failure);
        scene.calls(9, CallOutcome::Success);
        let other = match last {
            CallOutcome::Failure => CallOutcome::Success,
            _ => CallOutcome::Failure,
        };
        scene.calls(1, other);
        scene.stands(BreakerState::Closed);
        scene.calls(1, last);
        scene.tripped_by(TripCause::FailureRate);
    }
}

#[test]
fn nineteen_failures_are_too_few_to_have_a_rate() {
    let mut scene = Scene::new(by_rate());
    scene.calls(19, CallOutcome::Failure);
    scene.stands(BreakerState::Closed);
    // What has left the window counts no longer.
    scene.now += 10 * SECOND;
    scene.calls(19, CallOutcome::Failure);
    scene.stands(BreakerState::Closed);
    scene.calls(1, CallOutcome::Failure);
    scene.tripped_by(TripCause::FailureRate);
}

#[test]
fn a_rate_that_rises_as_old_answers_leave_is_seen() {
    let mut scene = Scene::new(by_rate());
    scene.calls(40, CallOutcome::Success);
    scene.now += 5 * SECOND;
    scene.calls(25, CallOutcome::Failure);
    scene.stands(BreakerState::Closed);
    scene.now += 6 * SECOND;
    scene.calls(1, CallOutcome::Success);
    scene.tripped_by(TripCause::FailureRate);
}

#[test]
fn slow_answers_open_it_where_a_limit_is_set() {
    let settings = BreakerSettings {
        slow_call: Some(SECOND / 10),
        ..BreakerSettings::default()
    };
    let mut scene = Scene::new(settings.clone());
    for _ in 0..20 {
        scene.call_of(SECOND / 10, CallOutcome::Success);
    }
    scene.stands(BreakerState::Closed);
    for _ in 0..20 {
        if scene.breaker.state() == BreakerState::Closed {
            scene.call_of(SECOND / 8, CallOutcome::Success);
        }
    }
    scene.tripped_by(TripCause::SlowCalls);

    // Callers that leave a part that hangs are slow calls too.
    let mut scene = Scene::new(settings);
    for _ in 0..20 {
        let permit = scene.breaker.try_acquire(scene.now).unwrap();
        scene.now += SECOND / 4;
        permit.abandon(scene.now);
    }
    scene.tripped_by(TripCause::SlowCalls);
}

#[test]
fn slow_trials_open_it_again() {
    let mut scene = Scene::new(BreakerSettings {
        slow_call: Some(SECOND / 10),
        ..BreakerSettings::default()
    });
    scene.calls(7, CallOutcome::Failure);
    scene.wait();
    for slow in [true, false, true, false, true] {
        scene.call_of(SECOND / if slow { 5 } else { 20 }, CallOutcome::Success);
    }
    scene.tripped_by(TripCause::SlowTrials);
}

#[test]
fn an_answer_is_as_slow_as_its_head() {
    let scene = Scene::new(BreakerSettings {
        slow_call: Some(SECOND),
        ..BreakerSettings::default()
    });
    let mut permit = scene.breaker.try_acquire(scene.now).unwrap();
    permit.answered(scene.now + SECOND / 2);
    let end = scene.now + 9 * SECOND;
    permit.complete(CallOutcome::Success, end);
    let counts = scene.breaker.status(end).counts;
    assert_eq!((counts.calls, counts.slow), (1, 0));
}

#[test]
fn it_tries_after_the_wait_and_not_before() {
    let mut scene = Scene::new(BreakerSettings::default());
    scene.calls(7, CallOutcome::Failure);
    let refusal = scene.breaker.try_acquire(scene.now).unwrap_err();
    assert_eq!(refusal.state, BreakerState::Open);
    assert!((SECOND..=SECOND * 3 / 2).contains(&refusal.retry_after));
    let over = scene.now + refusal.retry_after;
    scene.now = over.checked_sub(Duration::from_nanos(1)).unwrap();
    assert!(scene.breaker.try_acquire(scene.now).is_err());
    scene.now = over;
    let trials: Vec<_> = (0..5)
        .map(|_| scene.breaker.try_acquire(scene.now).unwrap())
        .collect();
    let refusal = scene.breaker.try_acquire(scene.now).unwrap_err();
    assert_eq!(refusal.state, BreakerState::HalfOpen);
    assert_eq!(refusal.retry_after_secs(), 1);
    for trial in trials {
        scene.stands(BreakerState::HalfOpen);
        trial.complete(CallOutcome::Success, scene.now);
    }
    scene.stands(BreakerState::Closed);
    let counts = scene.breaker.status(scene.now).counts;
    assert_eq!((counts.calls, counts.failures_in_row), (0, 0));
}

#[test]
fn one_failing_trial_opens_it_again_for_longer() {
    let mut scene = Scene::new(BreakerSettings::default());
    scene.calls(7, CallOutcome::Failure);
    let mut waits = vec![scene.wait()];
    for _ in 0..8 {
        scene.calls(1, CallOutcome::Success);
        scene.calls(1, CallOutcome::Failure);
        scene.tripped_by(TripCause::TrialFailed);
        waits.push(scene.wait());
    }
    for (wait, least) in waits.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        let least = least * SECOND;
        assert!(*wait >= least && *wait <= (least * 3 / 2).min(60 * SECOND));
    }
    scene.calls(5, CallOutcome::Success);
    scene.stands(BreakerState::Closed);
    scene.calls(7, CallOutcome::Failure);
    assert!(
        scene.wait() < 2 * SECOND,
        "it begins anew once it was closed"
    );
}

#[test]
fn what_began_before_a_change_counts_no_longer_after_it() {
    let mut scene = Scene::new(BreakerSettings::default());
    let breaker = Arc::clone(&scene.breaker);
    let mut early: Vec<_> = (0..20)
        .map(|_| breaker.try_acquire(scene.now).unwrap())
        .collect();
    scene.calls(7, CallOutcome::Failure);
    scene.wait();
    let trial = breaker.try_acquire(scene.now).unwrap();
    early
        .pop()
        .unwrap()
        .complete(CallOutcome::Failure, scene.now);
    early
        .pop()
        .unwrap()
        .complete(CallOutcome::Success, scene.now);
    scene.stands(BreakerState::HalfOpen);
    trial.complete(CallOutcome::Success, scene.now);
    scene.calls(4, CallOutcome::Success);
    scene.stands(BreakerState::Closed);
    for permit in early {
        permit.complete(CallOutcome::Failure, scene.now);
    }
    scene.stands(BreakerState::Closed);
    assert_eq!(breaker.status(scene.now).counts.calls, 0);
}

#[test]
fn a_trial_that_is_given_up_gives_its_place_back() {
    let mut scene = Scene::new(BreakerSettings::default());
    scene.calls(7, CallOutcome::Failure);
    scene.wait();
    for _ in 0..20 {
        drop(scene.breaker.try_acquire(scene.now).unwrap());
        scene.calls(1, CallOutcome::Undecided);
    }
    scene.stands(BreakerState::HalfOpen);
    scene.calls(5, CallOutcome::Success);
    scene.stands(BreakerState::Closed);
}

#[test]
fn trials_that_never_end_do_not_keep_others_out_for_ever() {
    let mut scene = Scene::new(BreakerSettings::default());
    scene.calls(7, CallOutcome::Failure);
    scene.wait();
    let breaker = Arc::clone(&scene.breaker);
    let hung: Vec<_> = (0..5)
        .map(|_| breaker.try_acquire(scene.now).unwrap())
        .collect();
    scene.now += 59 * SECOND;
    assert!(breaker.try_acquire(scene.now).is_err());
    scene.now += SECOND;
    let others: Vec<_> = (0..5)
        .map(|_| breaker.try_acquire(scene.now).unwrap())
        .collect();
    assert!(breaker.try_acquire(scene.now).is_err());
    // They have lost their place and cannot give it back, but an answer of theirs is one.
    let mut hung = hung.into_iter();
    drop(hung.next());
    assert!(breaker.try_acquire(scene.now).is_err());
    for late in hung {
        late.complete(CallOutcome::Success, scene.now);
    }
    scene.stands(BreakerState::HalfOpen);
    for other in others {
        other.complete(CallOutcome::Success, scene.now);
    }
    scene.stands(BreakerState::Closed);
}

#[test]
fn by_hand_it_stays_until_it_is_left_to_itself() {
    let mut scene = Scene::new(BreakerSettings::default());
    scene.breaker.force_open(scene.now);
    scene.now += 1_000 * SECOND;
    let refusal = scene.breaker.try_acquire(scene.now).unwrap_err();
    assert_eq!(refusal.state, BreakerState::ForcedOpen);
    assert_eq!(refusal.retry_after_secs(), 60);

    scene.breaker.force_closed(scene.now);
    scene.calls(100, CallOutcome::Failure);
    scene.stands(BreakerState::ForcedClosed);
    assert_eq!(scene.breaker.status(scene.now).counts.failures, 100);

    scene.breaker.auto(scene.now);
    scene.stands(BreakerState::Closed);
    scene.calls(7, CallOutcome::Failure);
    scene.tripped_by(TripCause::FailuresInRow);
    scene.breaker.auto(scene.now);
    scene.stands(BreakerState::Open);
    scene.breaker.reset(scene.now);
    scene.stands(BreakerState::Closed);
    assert_eq!(scene.breaker.status(scene.now).counts.failures, 0);
}

#[test]
fn each_change_is_told_once_and_may_be_answered() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&told);
    let now = Instant::now();
    let breakers = Breakers::with_observer(move |breaker, change| {
        assert_eq!(breaker.state(), change.to, "it may be asked from here");
        let mut told = hears.lock().unwrap();
        told.push((breaker.name().to_owned(), change.number, change.to));
    });
    let breaker = breakers.ensure("search", &BreakerSettings::default(), now);
    for _ in 0..7 {
        let permit = breaker.try_acquire(now).unwrap();
        permit.complete(CallOutcome::Failure, now);
    }
    let later = now + 2 * SECOND;
    for _ in 0..5 {
        let permit = breaker.try_acquire(later).unwrap();
        permit.complete(CallOutcome::Success, later);
    }
    breaker.force_open(later);
    breaker.force_open(later);
    let told = told.lock().unwrap();
    let states: Vec<_> = told.iter().map(|(_, _, state)| state.as_str()).collect();
    assert_eq!(states, ["open", "half-open", "closed", "forced-open"]);
    assert!(told.iter().all(|(name, ..)| name == "search"));
    assert!(told.iter().map(|(_, number, _)| *number).eq(1..=4));
}

#[test]
fn it_outlives_other_settings() {
    let now = Instant::now();
    let breakers = Breakers::new();
    let breaker = breakers.ensure("a", &BreakerSettings::default(), now);
    for _ in 0..6 {
        let permit = breaker.try_acquire(now).unwrap();
        permit.complete(CallOutcome::Failure, now);
    }
    let settings = BreakerSettings {
        failures_in_row: 8,
        ..BreakerSettings::default()
    };
    let same = breakers.ensure("a", &settings, now);
    assert!(Arc::ptr_eq(&breaker, &same));
    let fail = || {
        same.try_acquire(now)
            .unwrap()
            .complete(CallOutcome::Failure, now);
    };
    fail();
    assert_eq!(same.state(), BreakerState::Closed);
    fail();
    assert_eq!(same.state(), BreakerState::Open);

    let longer = BreakerSettings {
        window: 60 * SECOND,
        ..settings
    };
    breakers.ensure("a", &longer, now);
    assert_eq!(breaker.state(), BreakerState::Open);
    assert_eq!(breaker.status(now).counts.calls, 0);
    breakers.ensure("b", &longer, now);
    assert_eq!(breakers.all().len(), 2);
    breakers.retain(|name| name == "b");
    assert!(breakers.get("a").is_none() && breakers.get("b").is_some());
}

#[test]
fn unsound_settings_do_no_harm() {
    let mut scene = Scene::new(BreakerSettings {
        failures_in_row: 0,
        failure_rate: f64::NAN,
        slow_rate: -1.0,
        minimum_calls: 0,
        window: Duration::ZERO,
        open: Duration::MAX,
        open_max: Duration::MAX,
        trial_calls: 0,
        ..BreakerSettings::default()
    });
    scene.calls(1, CallOutcome::Success);
    scene.stands(BreakerState::Closed);
    scene.calls(1, CallOutcome::Failure);
    scene.tripped_by(TripCause::FailuresInRow);
    assert_eq!(scene.wait(), 24 * 3_600 * SECOND);
    scene.calls(1, CallOutcome::Success);
    scene.stands(BreakerState::Closed);
}
