//! Who runs the checks, and what did they find last?
//!
//! Checks run in the background, side by side, each as a task of its own: one that takes too long is cut, one that panics is
//! unhealthy, and neither touches the others. Whoever asks gets the last results and their age, so that a storm of probes
//! is no load on what is checked. A check never runs twice at the same time.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::check::{Cause, CheckResult, Criticality, HealthCheck, Status};
use crate::report::{CheckReport, HealthReport, LastResult};
use crate::settings::HealthSettings;
use crate::task::{Ended, Task};

/// The shortest time from one round to the next, whatever is asked for.
const INTERVAL_MIN: Duration = Duration::from_millis(1);

/// Runs checks and remembers what they found.
///
/// ```
/// use std::io;
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use ops_health::{HealthMonitor, HealthSettings, PingCheck, Status};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let monitor = HealthMonitor::new(&HealthSettings::default());
/// let ping = || async { Ok::<_, io::Error>(()) };
/// monitor.add_check(Arc::new(PingCheck::new("search", ping, Duration::from_millis(50))));
///
/// monitor.start_periodic_checks(Duration::from_secs(10));
/// let report = monitor.execute_all().await;
/// assert_eq!(report.status, Status::Healthy);
/// # }
/// ```
#[derive(Debug)]
pub struct HealthMonitor {
    timeout: Duration,
    born: Instant,
    checks: Mutex<BTreeMap<Arc<str>, Slot>>,
    periodic: Mutex<Option<Task<()>>>,
}

/// A check with all that is asked of it only once: nothing of somebody else's code runs while the lock is held, or in the loop.
#[derive(Clone, Debug)]
struct Slot {
    name: Arc<str>,
    check: Arc<dyn HealthCheck>,
    criticality: Criticality,
    gates: bool,
    turn: Arc<Turn<()>>,
    last: Option<(CheckResult, Instant)>,
}

impl HealthMonitor {
    /// A monitor without checks. The interval is [`start_periodic_checks`](Self::start_periodic_checks)' to be told.
    pub fn new(settings: &HealthSettings) -> Arc<Self> {
        Arc::new(Self {
            timeout: settings.timeout,
            born: Instant::now(),
            checks: Mutex::default(),
            periodic: Mutex::default(),
        })
    }

    /// Adds `check`. One of the same name makes way; its last result stands until the new one has run.
    pub fn add_check(&self, check: Arc<dyn HealthCheck>) {
        let name: Arc<str> = check.name().into();
        let mut slot = Slot {
            name: Arc::clone(&name),
            criticality: check.criticality(),
            gates: check.gates_readiness() && check.cause() == Cause::Local,
            check,
            turn: Arc::default(),
            last: None,
        };
        let mut checks = self.checks.lock();
        slot.last = checks.remove(&name).and_then(|before| before.last);
        checks.insert(name, slot);
    }

    /// Removes the check `name` and what it found. Returns whether there was one.
    pub fn remove_check(&self, name: &str) -> bool {
        self.checks.lock().remove(name).is_some()
    }

    /// Runs all checks now, side by side, and reports.
    pub async fn execute_all(self: &Arc<Self>) -> HealthReport {
        let slots: Vec<_> = self.checks.lock().values().cloned().collect();
        let mut runs = JoinSet::new();
        for slot in slots {
            let monitor = Arc::clone(self);
            runs.spawn(async move { monitor.execute(&slot).await });
        }
        while runs.join_next().await.is_some() {}
        self.report()
    }

    /// Runs the check `name` now. `None` where there is none.
    pub async fn execute_check(&self, name: &str) -> Option<CheckResult> {
        let slot = self.checks.lock().get(name).cloned()?;
        Some(self.execute(&slot).await)
    }

    /// Runs all checks now and then every `interval`, in the background, until
    /// [`stop_periodic_checks`](Self::stop_periodic_checks) or the monitor's end. Where they run already, the new interval
    /// takes over.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time.
    pub fn start_periodic_checks(self: &Arc<Self>, interval: Duration) {
        let rounds = Task::spawn(rounds(Arc::downgrade(self), interval.max(INTERVAL_MIN)));
        *self.periodic.lock() = Some(rounds);
    }

    /// Ends what [`start_periodic_checks`](Self::start_periodic_checks) began; a round under way is cut. The last results stay.
    pub fn stop_periodic_checks(&self) {
        *self.periodic.lock() = None;
    }

    /// What the checks found last, from memory.
    pub fn report(&self) -> HealthReport {
        let now = Instant::now();
        let checks = self
            .checks
            .lock()
            .values()
            .map(|slot| slot.report(now))
            .collect();
        HealthReport::new(checks, now - self.born)
    }

    /// The first check that takes readiness away: it may do so, and is unhealthy or has not run yet.
    pub fn failing_gate(&self) -> Option<String> {
        let checks = self.checks.lock();
        let closed = checks.values().find(|slot| slot.closes_gate())?;
        Some(closed.name.to_string())
    }

    async fn execute(&self, slot: &Slot) -> CheckResult {
        let began = Instant::now();
        let mut result = execute_within(slot, began + self.timeout).await;
        result.name = slot.name.to_string();
        result.latency = began.elapsed();
        result.timestamp = SystemTime::now();
        self.remember(slot, &result);
        result
    }

    fn remember(&self, slot: &Slot, result: &CheckResult) {
        let mut checks = self.checks.lock();
        // A check that was removed or replaced in the meantime has nothing to say any more.
        let Some(now) = checks
            .get_mut(&slot.name)
            .filter(|now| Arc::ptr_eq(&now.check, &slot.check))
        else {
            return;
        };
        let before = now.last.replace((result.clone(), Instant::now()));
        drop(checks);
        let before = before.map_or(Status::Healthy, |(before, _)| before.status);
        if before != result.status {
            log_change(before, result);
        }
    }
}

impl Slot {
    fn closes_gate(&self) -> bool {
        let sound = |(last, _): &(CheckResult, _)| last.status != Status::Unhealthy;
        self.gates && !self.last.as_ref().is_some_and(sound)
    }

    fn report(&self, now: Instant) -> CheckReport {
        CheckReport {
            name: self.name.to_string(),
            criticality: self.criticality,
            last: self.last.as_ref().map(|(result, at)| LastResult {
                result: result.clone(),
                age: now.saturating_duration_since(*at),
            }),
        }
    }
}

/// Runs the check of `slot` to its end, or to `deadline`.
async fn execute_within(slot: &Slot, deadline: Instant) -> CheckResult {
    let fault = |text: String| CheckResult::unhealthy(&*slot.name).with("error", text);
    // The turn ends with the task and not with the wait for it: a check that cannot be cut is not started a second time.
    let Ok(turn) = timeout_at(deadline, Arc::clone(&slot.turn).lock_owned()).await else {
        return fault("the run before has not ended yet".into());
    };
    let check = Arc::clone(&slot.check);
    let task = Task::spawn(async move {
        let _turn = turn;
        check.execute().await
    });
    match task.ended_by(deadline).await {
        Ended::Done(result) => result,
        Ended::Panicked(message) => fault(format!("panicked: {message}")),
        Ended::Cut => fault("timed out".into()),
    }
}

/// Holds the monitor only while a round is under way, so that dropping it ends the rounds.
async fn rounds(monitor: Weak<HealthMonitor>, every: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(monitor) = monitor.upgrade() else {
            return;
        };
        monitor.execute_all().await;
    }
}

fn log_change(before: Status, result: &CheckResult) {
    let (check, status) = (result.name.as_str(), result.status);
    let details = &result.details;
    if status > before {
        tracing::warn!(check, %status, %before, ?details, "health check got worse");
    } else {
        tracing::info!(check, %status, %before, ?details, "health check got better");
    }
}
