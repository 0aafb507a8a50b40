//! Somebody else's code, run so that neither its panic nor its waiting forever reaches us.

use std::any::Any;
use std::future::Future;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

/// A task that is cut when it is dropped.
#[derive(Debug)]
pub(crate) struct Task<T>(JoinHandle<T>);

/// How a task ended.
#[derive(Debug)]
pub(crate) enum Ended<T> {
    /// By itself.
    Done(T),
    /// With a panic, which said this.
    Panicked(String),
    /// It did not end in time, or its runtime went away.
    Cut,
}

impl<T: Send + 'static> Task<T> {
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }

    /// Waits for the end of the task, until `deadline`; then cuts it.
    pub(crate) async fn ended_by(mut self, deadline: Instant) -> Ended<T> {
        match timeout_at(deadline, &mut self.0).await {
            Ok(Ok(done)) => Ended::Done(done),
            Ok(Err(error)) => match error.try_into_panic() {
                Ok(panic) => Ended::Panicked(message(&*panic)),
                Err(_) => Ended::Cut,
            },
            Err(_) => Ended::Cut,
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
