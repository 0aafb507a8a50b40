//! How does the server stop?
//!
//! 1. [`Shutdown::begin`]: readiness turns away at once, while requests are still accepted.
//! 2. The delay: a load balancer's time to notice. A server that never started has nobody to tell, and skips it.
//! 3. The hooks, one after the other, highest priority first. One that fails, panics or hangs does not stop the next.
//!
//! All of it, the delay included, is bounded. A hook gets at most half of the time that is left, `close-listeners` all but the
//! last tenth of the whole, so that a hook that hangs leaves the others some. What was cut is named, and makes the exit code 124.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, watch};
use tokio::time::{Instant, sleep_until};

use crate::hook::{CLOSE_LISTENERS, FnHook, HookError, HookTime, Priority, ShutdownHook};
use crate::lifecycle::Lifecycle;
use crate::settings::ShutdownSettings;
use crate::task::{Ended, Task};

/// Stops the server in good order. A clone is a handle to the same.
///
/// ```
/// use std::time::Duration;
///
/// use ops_health::{Lifecycle, Priority, Shutdown, ShutdownSettings};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let settings = ShutdownSettings { delay: Some(Duration::ZERO), ..ShutdownSettings::default() };
/// let shutdown = Shutdown::new(&settings, Lifecycle::new());
/// shutdown.register_fn("say-goodbye", Priority::FLUSH, |_| async { Ok(()) });
///
/// shutdown.begin(); // On SIGTERM, say.
/// shutdown.wait_for_shutdown().await;
/// let report = shutdown.run().await;
/// assert_eq!(report.exit_code(), 0);
/// # }
/// ```
#[derive(Clone)]
pub struct Shutdown(Arc<Inner>);

struct Inner {
    delay: Duration,
    timeout: Duration,
    lifecycle: Lifecycle,
    begun: OnceLock<Instant>,
    /// Turns true once; waiting on it misses nothing, however late one begins.
    told: watch::Sender<bool>,
    hooks: Mutex<Vec<Registered>>,
    report: OnceCell<ShutdownReport>,
}

/// A hook, its name and place asked for once.
struct Registered {
    name: String,
    priority: Priority,
    hook: Arc<dyn ShutdownHook>,
}

/// How stopping went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// What was cut: hooks by name, with what they said was still running.
    pub cut: Vec<String>,
    /// Hooks that failed, and how. They ended in time, so the exit code does not show them.
    pub failed: Vec<(String, String)>,
    /// How long it took, the delay included.
    pub took: Duration,
}

impl ShutdownReport {
    /// The exit code of the process: 0, or 124 where something was cut.
    pub fn exit_code(&self) -> u8 {
        if self.cut.is_empty() { 0 } else { 124 }
    }
}

impl Shutdown {
    /// Stopping as `settings` say, of the server that `lifecycle` tells about.
    pub fn new(settings: &ShutdownSettings, lifecycle: Lifecycle) -> Self {
        Self(Arc::new(Inner {
            delay: settings.delay(),
            timeout: settings.timeout,
            lifecycle,
            begun: OnceLock::new(),
            told: watch::Sender::new(false),
            hooks: Mutex::default(),
            report: OnceCell::new(),
        }))
    }

    /// Adds `hook` to the row. One that comes while the row is run through has its turn as long as the end is not reached.
    pub fn register(&self, hook: Arc<dyn ShutdownHook>) {
        let registered = Registered {
            name: hook.name().to_owned(),
            priority: hook.priority(),
            hook,
        };
        self.0.hooks.lock().push(registered);
    }

    /// Adds a hook made of a closure.
    pub fn register_fn<F, Fut>(&self, name: impl Into<String>, priority: Priority, execute: F)
    where
        F: Fn(HookTime) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), HookError>> + Send + 'static,
    {
        let name = name.into();
        self.register(Arc::new(FnHook {
            name,
            priority,
            execute,
        }));
    }

    /// Begins: the server is not ready from now on, and the time runs. Asking again joins the first. Returns whether this call was the first.
    pub fn begin(&self) -> bool {
        // The moment first: whoever sees that it has begun may ask when.
        let mut first = false;
        self.0.begun.get_or_init(|| {
            first = true;
            Instant::now()
        });
        self.0.lifecycle.begin_drain();
        self.0.told.send_replace(true);
        first
    }

    /// Returns whether stopping has begun.
    pub fn is_shutting_down(&self) -> bool {
        self.0.begun.get().is_some()
    }

    /// Waits until stopping has begun.
    pub async fn wait_for_shutdown(&self) {
        // An error would mean that the sender is gone, and `self` holds it.
        let _ = self.0.told.subscribe().wait_for(|told| *told).await;
    }

    /// Begins, where nobody has, and goes through the delay and the hooks. Whoever calls while another does waits for the same report.
    pub async fn run(&self) -> ShutdownReport {
        self.begin();
        let report = self.0.report.get_or_init(|| self.0.carry_out());
        report.await.clone()
    }
}

impl Inner {
    async fn carry_out(&self) -> ShutdownReport {
        let begun = *self.begun.get_or_init(Instant::now);
        let deadline = begun + self.timeout;
        if self.lifecycle.is_started() {
            sleep_until((begun + self.delay).min(deadline)).await;
        }
        let mut report = ShutdownReport::default();
        while let Some(next) = self.take_first() {
            self.run_hook(&next, begun, &mut report).await;
        }
        report.took = begun.elapsed();
        report
    }

    async fn run_hook(&self, next: &Registered, begun: Instant, report: &mut ShutdownReport) {
        let hook = next.name.as_str();
        let now = Instant::now();
        let Some(until) = hook_end(hook, begun, self.timeout, now) else {
            tracing::error!(hook, "no time left for shutdown hook");
            report.cut.push(hook.to_owned());
            return;
        };
        tracing::info!(hook, limit = ?until.saturating_duration_since(now), "running shutdown hook");
        let time = HookTime {
            begun: begun.into_std(),
            whole: self.timeout,
            until: until.into_std(),
        };
        let work = Arc::clone(&next.hook);
        let task = Task::spawn(async move { work.execute(time).await });
        let took = || now.elapsed();
        match task.ended_by(until).await {
            Ended::Done(Ok(())) => tracing::info!(hook, took = ?took(), "shutdown hook done"),
            Ended::Done(Err(HookError::StillRunning(what))) => {
                tracing::error!(hook, took = ?took(), what, "shutdown hook left work behind");
                report.cut.push(format!("{hook}: {what}"));
            }
            Ended::Done(Err(HookError::Failed(error))) => {
                let error = chain(&*error);
                tracing::error!(hook, took = ?took(), error, "shutdown hook failed");
                report.failed.push((hook.to_owned(), error));
            }
            Ended::Panicked(message) => {
                tracing::error!(hook, took = ?took(), message, "shutdown hook panicked");
                report
                    .failed
                    .push((hook.to_owned(), format!("panicked: {message}")));
            }
            Ended::Cut => {
                tracing::error!(hook, took = ?took(), "shutdown hook cut");
                report.cut.push(hook.to_owned());
            }
        }
    }

    /// Takes the hook whose turn it is out of the row: of the highest priority, the one registered first.
    fn take_first(&self) -> Option<Registered> {
        let mut hooks = self.hooks.lock();
        let highest = hooks.iter().map(|hook| hook.priority).max()?;
        let place = hooks.iter().position(|hook| hook.priority == highest)?;
        Some(hooks.remove(place))
    }
}

/// When the hook `name`, whose turn it is at `now`, is cut. `None` where no time is left at all.
fn hook_end(name: &str, begun: Instant, whole: Duration, now: Instant) -> Option<Instant> {
    let left = (begun + whole).checked_duration_since(now)?;
    if left.is_zero() {
        return None;
    }
    let half = now + left / 2;
    if name == CLOSE_LISTENERS {
        Some(half.max(begun + whole - whole / 10))
    } else {
        Some(half)
    }
}

/// An error's text and those of its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hooks = self.0.hooks.lock();
        let names: Vec<_> = hooks.iter().map(|hook| &hook.name).collect();
        f.debug_struct("Shutdown")
            .field("delay", &self.0.delay)
            .field("timeout", &self.0.timeout)
            .field("begun", &self.is_shutting_down())
            .field("hooks", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_gets_half_of_what_is_left_and_close_listeners_nearly_all() {
        #[track_caller]
        fn check(name: &str, gone: u64, until: Option<u64>) {
            let begun = Instant::now();
            let second = |second| begun + Duration::from_secs(second);
            let end = hook_end(name, begun, Duration::from_secs(30), second(gone));
            assert_eq!(end, until.map(second));
        }
        check("flush", 0, Some(15));
        check("flush", 10, Some(20));
        check("flush", 28, Some(29));
        check("flush", 30, None);
        check("flush", 31, None);
        check(CLOSE_LISTENERS, 0, Some(27));
        check(CLOSE_LISTENERS, 20, Some(27));
        check(CLOSE_LISTENERS, 28, Some(29));
        check(CLOSE_LISTENERS, 30, None);
    }
}
