//! Breakers against a model that remembers every call and counts anew after each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ops_health::{
    Breaker, BreakerSettings, BreakerState, CallOutcome, Permit, TransitionCause as Cause,
    TripCause,
};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    /// Asks so often.
    Ask(usize),
    /// Ends one of the calls under way.
    End(usize, CallOutcome),
    Drop(usize),
    /// A whole call that takes no time.
    Call(CallOutcome),
    Hand(Hand),
}

#[derive(Clone, Copy, Debug)]
enum Hand {
    Open,
    Closed,
    Auto,
    Reset,
}

fn outcome() -> impl Strategy<Value = CallOutcome> {
    prop_oneof![
        4 => Just(CallOutcome::Success),
        4 => Just(CallOutcome::Failure),
        1 => Just(CallOutcome::Undecided),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let millis = prop_oneof![4 => 0..400_u64, 2 => 0..3_000_u64, 1 => 0..70_000_u64];
    let hand = prop_oneof![
        Just(Hand::Open),
        Just(Hand::Closed),
        Just(Hand::Auto),
        Just(Hand::Reset)
    ];
    prop_oneof![
        6 => millis.prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
        4 => (1..8_usize).prop_map(Step::Ask),
        12 => (0..8_usize, outcome()).prop_map(|(call, outcome)| Step::End(call, outcome)),
        2 => (0..8_usize).prop_map(Step::Drop),
        30 => outcome().prop_map(Step::Call),
        1 => hand.prop_map(Step::Hand),
    ]
}

fn settings() -> impl Strategy<Value = BreakerSettings> {
    let share = || prop_oneof![Just(0.5), Just(0.07), Just(1.0), 0.01..1.0];
    (
        (1..12_u32, share(), share(), 1..25_u32),
        (
            proptest::option::of(1..2_000_u64),
            1..20_u64,
            1..4_u32,
            1..5_u32,
        ),
    )
        .prop_map(
            |((in_row, failure_rate, slow_rate, minimum), (slow, window, open, trials))| {
                BreakerSettings {
                    failures_in_row: in_row,
                    failure_rate,
                    slow_rate,
                    minimum_calls: minimum,
                    slow_call: slow.map(Duration::from_millis),
                    window: Duration::from_secs(window),
                    open: Duration::from_secs(open.into()),
                    open_max: Duration::from_secs(10),
                    trial_calls: trials,
                    ..BreakerSettings::default()
                }
            },
        )
}

/// A call that has ended.
struct Ended {
    at: Duration,
    outcome: CallOutcome,
    slow: bool,
}

/// A call under way: when it passed, in which period, and whether its place is still its own.
#[derive(Clone, Copy)]
struct Under {
    began: Duration,
    period: usize,
    batch: usize,
}

/// Everything by the words of the specification, without a thought for cost.
struct Model {
    settings: BreakerSettings,
    state: BreakerState,
    period: usize,
    changes: Vec<(BreakerState, Cause)>,
    ended: Vec<Ended>,
    in_row: u32,
    openings: u32,
    until: Duration,
    trials: Vec<bool>,
    places: usize,
    batch: usize,
    lease: Duration,
    refused: u64,
}

impl Model {
    fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: BreakerState::Closed,
            period: 0,
            changes: Vec::new(),
            ended: Vec::new(),
            in_row: 0,
            openings: 0,
            until: Duration::ZERO,
            trials: Vec::new(),
            places: 0,
            batch: 0,
            lease: Duration::ZERO,
            refused: 0,
        }
    }

    fn enter(&mut self, state: BreakerState, cause: Cause) {
        self.state = state;
        self.period += 1;
        self.changes.push((state, cause));
        self.trials.clear();
        self.places = 0;
        if state.passes_all() {
            self.ended.clear();
            self.in_row = 0;
        }
    }

    /// `wait` is what the breaker told, for it is drawn.
    fn open(&mut self, cause: TripCause, wait: Option<Duration>, now: Duration) {
        self.openings += 1;
        let settings = &self.settings;
        let doubled = settings.open * 2_u32.pow(self.openings.min(20) - 1);
        let shortest = doubled.min(settings.open_max);
        let longest = (shortest * 3 / 2).min(settings.open_max);
        let wait = wait.unwrap();
        assert!((shortest..=longest).contains(&wait), "{wait:?}");
        self.until = now + wait;
        self.enter(BreakerState::Open, Cause::Tripped(cause));
    }

    fn ask(&mut self, now: Duration) -> Option<Under> {
        if self.state == BreakerState::Open && now >= self.until {
            self.enter(BreakerState::HalfOpen, Cause::WaitOver);
            self.batch += 1;
        }
        let passes = match self.state {
            BreakerState::Closed | BreakerState::ForcedClosed => true,
            BreakerState::Open | BreakerState::ForcedOpen => false,
            BreakerState::HalfOpen => {
                let all = self.settings.trial_calls as usize;
                if self.places + self.trials.len() >= all && now >= self.lease {
                    self.places = 0;
                    self.batch += 1;
                }
                let free = self.places + self.trials.len() < all;
                if free {
                    self.places += 1;
                    self.lease = now + Duration::from_mins(1);
                }
                free
            }
        };
        self.refused += u64::from(!passes);
        passes.then_some(Under {
            began: now,
            period: self.period,
            batch: self.batch,
        })
    }

    fn end(
        &mut self,
        call: Under,
        outcome: CallOutcome,
        now: Option<Duration>,
        wait: Option<Duration>,
    ) {
        if call.period != self.period {
            return;
        }
        let at = now.unwrap_or(call.began);
        let slow = (self.settings.slow_call).is_some_and(|slow| at > call.began + slow);
        if self.state == BreakerState::HalfOpen {
            self.end_trial(call, outcome, slow, at, wait);
            return;
        }
        if outcome == CallOutcome::Undecided && !slow {
            return;
        }
        match outcome {
            CallOutcome::Success => self.in_row = 0,
            CallOutcome::Failure => self.in_row += 1,
            CallOutcome::Undecided => {}
        }
        self.ended.push(Ended { at, outcome, slow });
        if self.state == BreakerState::Closed
            && let Some(cause) = self.verdict(at)
        {
            self.open(cause, wait, at);
        }
    }

    fn end_trial(
        &mut self,
        call: Under,
        outcome: CallOutcome,
        slow: bool,
        at: Duration,
        wait: Option<Duration>,
    ) {
        let own = call.batch == self.batch;
        match outcome {
            CallOutcome::Undecided => self.places -= usize::from(own),
            CallOutcome::Failure => self.open(TripCause::TrialFailed, wait, at),
            CallOutcome::Success => {
                self.places -= usize::from(own);
                self.trials.push(slow);
                if self.trials.len() < self.settings.trial_calls as usize {
                    return;
                }
                let slow = self.trials.iter().filter(|slow| **slow).count();
                let share = slow as f64 / self.trials.len() as f64;
                if slow > 0 && share >= self.settings.slow_rate {
                    self.open(TripCause::SlowTrials, wait, at);
                } else {
                    self.openings = 0;
                    self.enter(BreakerState::Closed, Cause::TrialsPassed);
                }
            }
        }
    }

    fn window(&self, now: Duration) -> Vec<&Ended> {
        let slot = |time: Duration| time.as_nanos() / (self.settings.window.as_nanos() / 10);
        let ended = self.ended.iter();
        ended
            .filter(|call| slot(now) - slot(call.at) < 10)
            .collect()
    }

    fn counts(&self, now: Duration) -> (u64, u64, u64) {
        let window = self.window(now);
        let failed = |call: &&&Ended| call.outcome == CallOutcome::Failure;
        (
            window.len() as u64,
            window.iter().filter(failed).count() as u64,
            window.iter().filter(|call| call.slow).count() as u64,
        )
    }

    fn verdict(&self, now: Duration) -> Option<TripCause> {
        let settings = &self.settings;
        let (calls, failures, slow) = self.counts(now);
        let share = |part: u64| part as f64 / calls as f64;
        if self.in_row >= settings.failures_in_row {
            Some(TripCause::FailuresInRow)
        } else if calls < u64::from(settings.minimum_calls) {
            None
        } else if share(failures) >= settings.failure_rate {
            Some(TripCause::FailureRate)
        } else if settings.slow_call.is_some() && share(slow) >= settings.slow_rate {
            Some(TripCause::SlowCalls)
        } else {
            None
        }
    }

    fn hand(&mut self, hand: Hand) {
        use BreakerState::{Closed, ForcedClosed, ForcedOpen};
        let to = match hand {
            Hand::Open => ForcedOpen,
            Hand::Closed => ForcedClosed,
            Hand::Auto if !matches!(self.state, ForcedOpen | ForcedClosed) => return,
            Hand::Auto | Hand::Reset => Closed,
        };
        if to == self.state {
            if to == Closed {
                self.period += 1;
                self.ended.clear();
                self.in_row = 0;
            }
            return;
        }
        self.openings = 0;
        self.enter(to, Cause::ByHand);
    }
}

/// The breaker and the model, asked the same.
struct Pair {
    breaker: Arc<Breaker>,
    model: Model,
    born: Instant,
    now: Duration,
    under: Vec<(Permit<Arc<Breaker>>, Under)>,
}

impl Pair {
    fn new(settings: BreakerSettings) -> Self {
        let born = Instant::now();
        Self {
            breaker: Arc::new(Breaker::new("model", settings.clone(), born)),
            model: Model::new(settings),
            born,
            now: Duration::ZERO,
            under: Vec::new(),
        }
    }

    fn at(&self) -> Instant {
        self.born + self.now
    }

    fn ask(&mut self) -> Result<(), TestCaseError> {
        let asked = self.breaker.try_acquire_owned(self.at());
        let expected = self.model.ask(self.now);
        prop_assert_eq!(asked.is_ok(), expected.is_some());
        if let (Ok(permit), Some(under)) = (asked, expected) {
            prop_assert_eq!(
                permit.is_trial(),
                self.model.state == BreakerState::HalfOpen
            );
            self.under.push((permit, under));
        }
        Ok(())
    }

    fn end(&mut self, call: usize, outcome: CallOutcome) {
        let (permit, under) = self.under.swap_remove(call);
        permit.complete(outcome, self.at());
        let last = self.breaker.status(self.at()).last;
        let wait = last.and_then(|last| last.wait);
        self.model.end(under, outcome, Some(self.now), wait);
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Wait(time) => self.now += time,
            Step::Ask(times) => {
                for _ in 0..times {
                    self.ask()?;
                }
            }
            Step::End(call, outcome) if call < self.under.len() => self.end(call, outcome),
            Step::Drop(call) if call < self.under.len() => {
                let (permit, under) = self.under.swap_remove(call);
                drop(permit);
                self.model.end(under, CallOutcome::Undecided, None, None);
            }
            Step::End(..) | Step::Drop(_) => {}
            Step::Call(outcome) => {
                let before = self.under.len();
                self.ask()?;
                if self.under.len() > before {
                    self.end(before, outcome);
                }
            }
            Step::Hand(hand) => {
                match hand {
                    Hand::Open => self.breaker.force_open(self.at()),
                    Hand::Closed => self.breaker.force_closed(self.at()),
                    Hand::Auto => self.breaker.auto(self.at()),
                    Hand::Reset => self.breaker.reset(self.at()),
                }
                self.model.hand(hand);
            }
        }
        self.compare()
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        let status = self.breaker.status(self.at());
        prop_assert_eq!(status.state, self.model.state);
        prop_assert_eq!(self.breaker.state(), self.model.state);
        prop_assert_eq!(status.refused, self.model.refused);
        let told = status.last.map(|last| (last.number, (last.to, last.cause)));
        let changes = &self.model.changes;
        let expected = changes.last().map(|last| (changes.len() as u64, *last));
        prop_assert_eq!(told, expected);
        if status.state.passes_all() {
            let counts = status.counts;
            prop_assert_eq!(
                (counts.calls, counts.failures, counts.slow),
                self.model.counts(self.now)
            );
            prop_assert_eq!(counts.failures_in_row, u64::from(self.model.in_row));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_breaker_does_what_the_model_does(settings in settings(), steps in vec(step(), 1..300)) {
        let mut pair = Pair::new(settings);
        for step in &steps {
            pair.take(step)?;
        }
    }
}
