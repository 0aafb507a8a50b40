//! What must be done before the process ends?
//!
//! Stopping is a row of hooks, run one after the other. Each has a [`Priority`], the highest comes first, and the server's own stand at published
//! ones, so that anyone's hook can stand before or after them.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use async_trait::async_trait;

/// The name of the hook that closes the listeners and waits for the requests under way. It may take all but the last tenth of
/// the whole time, where any other hook gets half of what is left.
pub const CLOSE_LISTENERS: &str = "close-listeners";

/// Something to be done before the process ends.
#[async_trait]
pub trait ShutdownHook: fmt::Debug + Send + Sync + 'static {
    /// The name by which logs and the report know the hook.
    fn name(&self) -> &str;

    /// Where it stands in the row.
    fn priority(&self) -> Priority;

    /// Does it. At [`HookTime::until`] it is cut; a hook that can tell what it leaves behind returns
    /// [`HookError::StillRunning`] before.
    async fn execute(&self, time: HookTime) -> Result<(), HookError>;
}

/// Where a hook stands in the row; the highest comes first, and of equals the one registered first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(i32);

impl Priority {
    /// Health checks and other background work stop.
    pub const STOP_CHECKS: Self = Self(100);
    /// Listeners close, and requests under way end.
    pub const CLOSE_LISTENERS: Self = Self(90);
    /// What is still held goes out: samples, logs, webhooks.
    pub const FLUSH: Self = Self(80);

    /// The place `place`.
    pub const fn new(place: i32) -> Self {
        Self(place)
    }

    /// The place as a number.
    pub const fn get(self) -> i32 {
        self.0
    }
}

/// The time that a hook has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookTime {
    pub(crate) begun: Instant,
    pub(crate) whole: Duration,
    pub(crate) until: Instant,
}

impl HookTime {
    /// When the hook is cut.
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// When `share` (0 to 1) of the whole time of stopping is gone, counted from its begin; never after
    /// [`until`](Self::until).
    pub fn when_gone(&self, share: f64) -> Instant {
        (self.begun + self.whole.mul_f64(share.clamp(0.0, 1.0))).min(self.until)
    }
}

/// Why a hook did not do what it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HookError {
    /// It failed. That is told, and changes nothing about the process's exit code.
    #[error("the hook failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
    /// Its time was up, and this was still running: it is cut, and the process ends with 124.
    #[error("still running: {0}")]
    StillRunning(String),
}

impl HookError {
    /// The hook failed because of `error`.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed(error.into())
    }
}

impl From<io::Error> for HookError {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

/// A hook made of a closure.
pub(crate) struct FnHook<F> {
    pub(crate) name: String,
    pub(crate) priority: Priority,
    pub(crate) execute: F,
}

#[async_trait]
impl<F, Fut> ShutdownHook for FnHook<F>
where
    F: Fn(HookTime) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HookError>> + Send,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn priority(&self) -> Priority {
        self.priority
    }

    async fn execute(&self, time: HookTime) -> Result<(), HookError> {
        (self.execute)(time).await
    }
}

impl<F> fmt::Debug for FnHook<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FnHook")
            .field("name", &self.name)
            .field("priority", &self.priority)
            .finish_non_exhaustive()
    }
}
