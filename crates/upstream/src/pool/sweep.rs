//! Closes what was kept too long, or was closed by the other end.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::WorkerPools;

/// How often the kept connections are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Looks after `pools` as long as they live and keep something, on the runtime that this is called
/// on. Outside of one nothing happens, and the next call tries again.
pub(super) fn start(pools: &Arc<WorkerPools>) {
    let sweeping = Sweeping(Arc::downgrade(pools));
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(sweep(sweeping));
    }
}

/// Says that nobody sweeps any more, also when the runtime is gone.
struct Sweeping(Weak<WorkerPools>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(pools) = self.0.upgrade() {
            pools.sweeping.store(false, Relaxed);
        }
    }
}

async fn sweep(sweeping: Sweeping) {
    loop {
        sleep(EVERY).await;
        let Some(pools) = sweeping.0.upgrade() else {
            return;
        };
        if pools.sweep(Instant::now().into_std()) {
            return;
        }
    }
}

impl WorkerPools {
    /// Closes what is over; true when nothing is left.
    fn sweep(&self, now: std::time::Instant) -> bool {
        let mut over = Vec::new();
        let mut shelves = self.http1.lock();
        shelves.retain(|_, shelf| {
            over.extend(
                shelf.extract_if(.., |idle| idle.is_over(now) || !idle.connection.is_quiet()),
            );
            !shelf.is_empty()
        });
        let mut empty = shelves.is_empty();
        drop(shelves);
        drop(over);
        let mut shared = self.http2.lock();
        shared.retain(|_, shared| shared.is_kept(now));
        empty &= shared.is_empty();
        empty
    }
}
