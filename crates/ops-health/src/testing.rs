//! What the public traits promise, as tests to be run against implementations of one's own, and doubles that fail on purpose.

use std::future::pending;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::check::{Cause, CheckResult, Criticality, HealthCheck, Status};
use crate::hook::{HookError, HookTime, ShutdownHook};

/// Checks that `check` keeps the promises of [`HealthCheck`].
///
/// # Panics
///
/// Where it does not.
pub async fn check_contract(check: &dyn HealthCheck) {
    let name = check.name().to_owned();
    assert!(!name.is_empty(), "a check has a name");
    for _ in 0..2 {
        let result = check.execute().await;
        assert_eq!(result.name, name, "a result bears its check's name");
        assert_eq!(check.name(), name, "a name does not change");
    }
    if check.gates_readiness() {
        let cause = check.cause();
        assert_eq!(
            cause,
            Cause::Local,
            "only a local fault may take readiness away"
        );
    }
}

/// Checks that `hook` keeps the promises of [`ShutdownHook`], given `limit`: it ends before it is cut.
///
/// # Panics
///
/// Where it does not.
pub async fn hook_contract(hook: &dyn ShutdownHook, limit: Duration) -> Result<(), HookError> {
    assert!(!hook.name().is_empty(), "a hook has a name");
    assert_eq!(hook.priority(), hook.priority(), "a hook keeps its place");
    let begun = Instant::now();
    let time = HookTime {
        begun,
        whole: limit,
        until: begun + limit,
    };
    let ended = tokio::time::timeout(limit, hook.execute(time)).await;
    assert!(ended.is_ok(), "a hook ends before it is cut");
    ended.unwrap_or(Ok(()))
}

/// A check that does what it is told.
#[derive(Clone, Debug)]
pub struct DoubleCheck {
    /// Its name.
    pub name: String,
    /// What it does.
    pub behavior: Behavior,
    /// What its failure means for the whole.
    pub criticality: Criticality,
    /// Whether it asks to take readiness away.
    pub gates_readiness: bool,
    /// Whose fault a failure is.
    pub cause: Cause,
}

/// What a [`DoubleCheck`] does when it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// Tells this.
    Tells(Status),
    /// Never ends.
    Hangs,
    /// Panics.
    Panics,
}

impl DoubleCheck {
    /// A check `name` that is neither critical nor gates readiness.
    pub fn new(name: impl Into<String>, behavior: Behavior) -> Self {
        Self {
            name: name.into(),
            behavior,
            criticality: Criticality::Minor,
            gates_readiness: false,
            cause: Cause::Shared,
        }
    }
}

#[async_trait]
impl HealthCheck for DoubleCheck {
    fn name(&self) -> &str {
        &self.name
    }

    #[expect(clippy::panic, reason = "it is what this double is for")]
    async fn execute(&self) -> CheckResult {
        match self.behavior {
            Behavior::Tells(status) => CheckResult::new(&self.name, status),
            Behavior::Hangs => pending().await,
            Behavior::Panics => panic!("on purpose"),
        }
    }

    fn criticality(&self) -> Criticality {
        self.criticality
    }

    fn gates_readiness(&self) -> bool {
        self.gates_readiness
    }

    fn cause(&self) -> Cause {
        self.cause
    }
}
