//! Should this part be asked at all, or is it better left alone for a while?
//!
//! A [`Breaker`] stands before something that may fail: an upstream, a store, anything that is called. A call asks for a
//! [`Permit`] and says at its end how it went. While the breaker is closed that costs a few atomic operations and no lock;
//! when failures come in a row, or the share of failed or slow calls of the last seconds is too high, it opens and refuses at
//! once, then tries a few calls, and closes again when all of them succeed. `transition` has the rules, [`BreakerSettings`]
//! the figures.
//!
//! **Several threads share one.** The time is passed in, so that a program reads its clock once for all that it does; a thread
//! whose time is a little behind does no harm.
//!
//! **What it leaves to others.** [`crate::BreakerLayer`] puts it before a tower service, [`crate::Breakers`] keeps those of a
//! program by name. An observer hears each change of state once; a line in the log is there without one.

mod gate;
pub(crate) mod judge;
pub(crate) mod layer;
pub(crate) mod permit;
pub(crate) mod refusal;
pub(crate) mod registry;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod status;
mod transition;
mod window;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};

use self::gate::{gate_of, passes_all, period_of, state_of, ticket_of};
use self::permit::{Pass, Permit};
use self::refusal::BreakerRefusal;
use self::settings::BreakerSettings;
use self::state::{BreakerState, CallCounts, CallOutcome, Transition};
use self::status::BreakerStatus;
use self::transition::{Admission, Machine, Ticket, Until, trips};
use self::window::{Tick, Window};

/// Hears of each change of a breaker's state, on the thread that brought it about; it must not wait.
pub type BreakerObserver = dyn Fn(&Breaker, &Transition) + Send + Sync;

/// A circuit breaker: keeps calls away from a part that fails, until a few on trial succeed.
///
/// ```
/// use std::time::{Duration, Instant};
/// use ops_health::{Breaker, BreakerSettings, BreakerState, CallOutcome};
///
/// let mut now = Instant::now();
/// let breaker = Breaker::new("search", BreakerSettings::default(), now);
/// for _ in 0..7 {
///     let permit = breaker.try_acquire(now).expect("it is closed");
///     permit.complete(CallOutcome::Failure, now); // Here the call would have been made.
/// }
/// let refusal = breaker.try_acquire(now).expect_err("seven in a row opened it");
/// assert_eq!(refusal.state, BreakerState::Open);
///
/// now += refusal.retry_after;
/// for _ in 0..5 {
///     breaker.try_acquire(now).expect("a trial").complete(CallOutcome::Success, now);
/// }
/// assert_eq!(breaker.state(), BreakerState::Closed);
/// ```
///
/// **Closed**, it passes every call and counts how they end; it opens after `failures_in_row` failures, or when among at least
/// `minimum_calls` calls of the last `window` the share of failures reaches `failure_rate`, or that of slow ones `slow_rate`.
/// **Open**, it refuses for a while, which doubles each time that the trials fail; jitter makes it up to half as long again, never
/// longer than `open_max`. **Half-open**, `trial_calls` calls pass and no further one: the first failure opens it again, and when
/// all have succeeded it closes, with nothing counted. Calls that began before a change say nothing about the time after it.
///
/// Threads share one without a lock while it is closed, and while it refuses. The time is passed in, so that a program reads its
/// clock once for all that it does; a thread whose time is a little behind does no harm. Each change of state is a line in the
/// log, and told once to an observer.
pub struct Breaker {
    name: Box<str>,
    born: Instant,
    /// What every call reads: the time between two changes of state, and the state.
    gate: AtomicU64,
    /// While not all pass: until when nobody does, in nanoseconds since `born`.
    refuses_until: AtomicU64,
    /// The failures since the last success, and [`UNSURE`].
    row: AtomicU64,
    /// Nanoseconds from which on a call is slow.
    slow_over: AtomicU64,
    window: Window,
    refused: AtomicU64,
    settings: RwLock<Arc<BreakerSettings>>,
    machine: Mutex<Machine>,
    observer: Option<Box<BreakerObserver>>,
}

/// The window has bad calls and fewer than the minimum: a success may be the one that makes them count.
const UNSURE: u64 = 1 << 63;

/// No call is slow.
const NEVER: u64 = u64::MAX;

impl Breaker {
    /// A closed breaker. `name` stands in logs, and for a program to find it by.
    ///
    /// The settings are taken as they are: [`validator::Validate`] tells which make sense.
    pub fn new(name: impl Into<Box<str>>, settings: BreakerSettings, now: Instant) -> Self {
        let settings = Arc::new(settings);
        let breaker = Self {
            name: name.into(),
            born: now,
            gate: AtomicU64::new(0),
            refuses_until: AtomicU64::new(0),
            row: AtomicU64::new(0),
            slow_over: AtomicU64::new(slow_over(&settings)),
            window: Window::new(settings.window, now),
            refused: AtomicU64::new(0),
            machine: Mutex::new(Machine::new(Arc::clone(&settings), now)),
            settings: RwLock::new(settings),
            observer: None,
        };
        breaker.publish(&breaker.machine.lock());
        breaker
    }

    /// Tells `observer` of each change of state. It may ask the breaker, and put it elsewhere by hand.
    pub fn with_observer(
        mut self,
        observer: impl Fn(&Breaker, &Transition) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the settings in force.
    pub fn settings(&self) -> Arc<BreakerSettings> {
        Arc::clone(&self.settings.read())
    }

    /// Puts other settings in force. State, counts and a wait that has begun stay; with another `window` counting begins anew.
    pub fn set_settings(&self, settings: BreakerSettings, now: Instant) {
        let mut machine = self.machine.lock();
        let mut place = self.settings.write();
        if **place == settings {
            return;
        }
        let settings = Arc::new(settings);
        if place.window != settings.window {
            self.window.resize(settings.window, now);
        }
        self.slow_over
            .store(slow_over(&settings), Ordering::Relaxed);
        machine.set_settings(Arc::clone(&settings));
        *place = settings;
        self.publish(&machine);
    }

    /// Asks for a call to pass.
    ///
    /// The permit is [completed](Permit::complete) with the call's outcome. Dropped without one, it counts as nothing, and a
    /// call on trial gives its place back.
    #[inline]
    pub fn try_acquire(&self, now: Instant) -> Result<Permit<&Self>, BreakerRefusal> {
        let pass = self.admit(now)?;
        Ok(Permit::new(self, pass, now))
    }

    /// The same, with a permit that can be kept anywhere.
    #[inline]
    pub fn try_acquire_owned(
        self: &Arc<Self>,
        now: Instant,
    ) -> Result<Permit<Arc<Self>>, BreakerRefusal> {
        let pass = self.admit(now)?;
        Ok(Permit::new(Arc::clone(self), pass, now))
    }

    /// Returns where it stands. An open one whose wait is over says so until a call comes.
    pub fn state(&self) -> BreakerState {
        state_of(self.gate.load(Ordering::Acquire))
    }

    /// Returns all that there is to show of it.
    pub fn status(&self, now: Instant) -> BreakerStatus {
        let machine = self.machine.lock();
        BreakerStatus {
            state: machine.state(),
            since: machine.since(),
            last: machine.last(),
            tries_at: match machine.refuses_until() {
                Until::Time(time) => Some(time),
                Until::Now | Until::Forever => None,
            },
            counts: self.counts(self.window.tick(now)),
            opened: machine.opened(),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Refuses every call until [`Self::auto`] or [`Self::force_closed`].
    pub fn force_open(&self, now: Instant) {
        self.change(now, |machine| ((), machine.force_open(now)));
    }

    /// Lets every call pass until [`Self::auto`] or [`Self::force_open`]; they are counted all the same.
    pub fn force_closed(&self, now: Instant) {
        self.change(now, |machine| ((), machine.force_closed(now)));
    }

    /// Leaves it to itself where it was held by hand: it begins closed, with nothing counted. Else nothing changes.
    pub fn auto(&self, now: Instant) {
        self.change(now, |machine| ((), machine.auto(now)));
    }

    /// Closes it, leaves it to itself, and forgets what was counted and how often it opened in a row.
    pub fn reset(&self, now: Instant) {
        self.change(now, |machine| {
            let transition = machine.reset(now);
            self.forget(now);
            ((), transition)
        });
    }

    #[inline]
    fn admit(&self, now: Instant) -> Result<Pass, BreakerRefusal> {
        let gate = self.gate.load(Ordering::Acquire);
        if passes_all(gate) {
            return Ok(Pass { gate, batch: 0 });
        }
        self.admit_some(gate, now)
    }

    #[cold]
    fn admit_some(&self, gate: u64, now: Instant) -> Result<Pass, BreakerRefusal> {
        // Refused without a lock while nobody may pass, however many ask.
        if self.nanos(now) < self.refuses_until.load(Ordering::Relaxed) {
            return Err(self.refuse(state_of(gate), now));
        }
        let (admission, state) = self.change(now, |machine| {
            let (admission, transition) = machine.ask(now);
            ((admission, machine.state()), transition)
        });
        match admission {
            Admission::Passes(Ticket { period, batch }) => {
                let gate = gate_of(period, state);
                Ok(Pass { gate, batch })
            }
            Admission::Refused => Err(self.refuse(state, now)),
        }
    }

    fn refuse(&self, state: BreakerState, now: Instant) -> BreakerRefusal {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let settings = self.settings.read();
        let retry_after = match state {
            BreakerState::Open => {
                let until = self.refuses_until.load(Ordering::Relaxed);
                let left = Duration::from_nanos(until.saturating_sub(self.nanos(now)));
                left.min(settings.open_max)
            }
            // Those on trial decide soon.
            BreakerState::HalfOpen | BreakerState::Closed | BreakerState::ForcedClosed => {
                settings.open
            }
            BreakerState::ForcedOpen => settings.open_max,
        };
        BreakerRefusal { state, retry_after }
    }

    /// A call ends that took so long.
    #[inline]
    fn end(&self, pass: Pass, outcome: CallOutcome, took: impl FnOnce() -> Duration, now: Instant) {
        let limit = self.slow_over.load(Ordering::Relaxed);
        let slow = limit != NEVER && nanos(took()) > limit;
        if !passes_all(pass.gate) {
            self.end_trial(pass, outcome, slow, now);
            return;
        }
        // What began before a change says nothing about the time after it.
        if self.gate.load(Ordering::Acquire) != pass.gate {
            return;
        }
        if outcome == CallOutcome::Undecided && !slow {
            return;
        }
        let tick = self.window.tick(now);
        let failed = outcome == CallOutcome::Failure;
        let first = self.window.count(tick, failed, slow);
        let mut row = self.row.load(Ordering::Relaxed);
        if failed {
            row = self.row.fetch_add(1, Ordering::Relaxed) + 1;
        } else if outcome == CallOutcome::Success && row & !UNSURE != 0 {
            row = self.row.fetch_and(UNSURE, Ordering::Relaxed) & UNSURE;
        }
        // Any other call only makes the shares smaller.
        if failed || slow || first || row & UNSURE != 0 {
            self.weigh(pass, tick, now);
        }
    }

    #[cold]
    fn end_trial(&self, pass: Pass, outcome: CallOutcome, slow: bool, now: Instant) {
        self.change(now, |machine| {
            let jitter = fastrand::f64();
            (
                (),
                machine.settle(ticket_of(pass), outcome, slow, now, jitter),
            )
        });
    }

    /// A call ends that tells nothing, not even when.
    fn give_back(&self, pass: Pass) {
        if !passes_all(pass.gate) {
            let mut machine = self.machine.lock();
            machine.give_back(ticket_of(pass));
            self.publish(&machine);
        }
    }

    /// Looks at what a closed breaker has counted.
    #[cold]
    fn weigh(&self, pass: Pass, tick: Tick, now: Instant) {
        let settings = self.settings();
        let counts = self.counts(tick);
        if let Some(cause) = trips(&settings, counts) {
            let period = period_of(pass.gate);
            self.change(now, |machine| {
                (
                    (),
                    machine.trip(period, cause, counts, now, fastrand::f64()),
                )
            });
            return;
        }
        let few = counts.calls < u64::from(settings.minimum_calls);
        if few && counts.failures + counts.slow > 0 {
            self.row.fetch_or(UNSURE, Ordering::Relaxed);
        } else {
            self.row.fetch_and(!UNSURE, Ordering::Relaxed);
        }
    }

    fn counts(&self, tick: Tick) -> CallCounts {
        CallCounts {
            failures_in_row: self.row.load(Ordering::Relaxed) & !UNSURE,
            ..self.window.sum(tick)
        }
    }

    /// Has the machine decide, lets every thread see where it stands then, and tells of a change once the lock is free again.
    fn change<R>(
        &self,
        now: Instant,
        decide: impl FnOnce(&mut Machine) -> (R, Option<Transition>),
    ) -> R {
        let mut machine = self.machine.lock();
        let (result, transition) = decide(&mut machine);
        if transition.is_some() && machine.state().passes_all() {
            self.forget(now);
        }
        self.publish(&machine);
        drop(machine);
        if let Some(transition) = transition {
            self.tell(&transition);
        }
        result
    }

    fn forget(&self, now: Instant) {
        self.window.clear(now);
        self.row.store(0, Ordering::Relaxed);
    }

    fn publish(&self, machine: &Machine) {
        let until = match machine.refuses_until() {
            Until::Now => 0,
            Until::Time(time) => self.nanos(time),
            Until::Forever => u64::MAX,
        };
        self.refuses_until.store(until, Ordering::Relaxed);
        let gate = gate_of(machine.period(), machine.state());
        self.gate.store(gate, Ordering::Release);
    }

    fn tell(&self, transition: &Transition) {
        let Transition {
            number,
            from,
            to,
            cause,
            counts,
            wait,
            ..
        } = transition;
        let breaker = self.name();
        if matches!(to, BreakerState::Open | BreakerState::ForcedOpen) {
            tracing::warn!(breaker, number, %from, %to, %cause, ?counts, ?wait, "circuit breaker opened");
        } else {
            tracing::info!(breaker, number, %from, %to, %cause, "circuit breaker changed its state");
        }
        if let Some(observer) = &self.observer {
            observer(self, transition);
        }
    }

    fn nanos(&self, time: Instant) -> u64 {
        nanos(time.saturating_duration_since(self.born))
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

fn slow_over(settings: &BreakerSettings) -> u64 {
    settings.slow_call.map_or(NEVER, nanos)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
