//! What stays open for long, and how it is closed when the process drains.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};

use tokio::sync::Notify;

/// The tunnels and event streams of a process.
///
/// They have no end of their own, so a drain that waited for them would not end either:
/// [`Tunnels::close_all`] closes them in good form (tunnels with a FIN both ways, event streams
/// with the end of their body).
#[derive(Debug, Default)]
pub struct Tunnels {
    open: AtomicUsize,
    closing: AtomicBool,
    closed: Notify,
}

impl Tunnels {
    /// Returns how many are open.
    pub fn count(&self) -> usize {
        self.open.load(Relaxed)
    }

    /// Closes all that are open and, from now on, each new one at once.
    pub fn close_all(&self) {
        self.closing.store(true, SeqCst);
        self.closed.notify_waiters();
    }

    /// Returns whether [`Tunnels::close_all`] was called.
    pub fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }

    /// Waits for [`Tunnels::close_all`].
    pub(crate) async fn closing(&self) {
        let mut told = std::pin::pin!(self.closed.notified());
        // Listening begins before the flag is read, or a call between the two would be missed.
        told.as_mut().enable();
        if !self.is_closing() {
            told.await;
        }
    }

    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

/// A boxed wait for [`Tunnels::close_all`], for bodies, which cannot hold a borrowed one.
pub(crate) type Closing = Pin<Box<dyn Future<Output = ()> + Send>>;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn all_who_wait_are_told_before_and_after() {
        let tunnels = Tunnels::default();
        tokio::join!(tunnels.closing(), tunnels.closing(), async {
            tokio::task::yield_now().await;
            tunnels.close_all();
        });
        tunnels.closing().await;
        assert!(tunnels.is_closing());
    }
}
