//! How many at once: a bound that refuses instead of queueing.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// A count with a bound that is given at each use, since settings may change while some are held.
#[derive(Debug, Default)]
pub(crate) struct Permits {
    held: AtomicUsize,
}

impl Permits {
    /// Takes one, unless `max` are held. Who took one gives it back with [`Permits::release`].
    pub(crate) fn try_take(&self, max: usize) -> bool {
        // Added first and taken back when it was too much: one write on the usual way.
        if self.held.fetch_add(1, Relaxed) < max {
            return true;
        }
        self.held.fetch_sub(1, Relaxed);
        false
    }

    pub(crate) fn release(&self) {
        self.held.fetch_sub(1, Relaxed);
    }

    pub(crate) fn held(&self) -> usize {
        self.held.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_bound_is_given_out() {
        let permits = Permits::default();
        let given = (0..5).filter(|_| permits.try_take(3)).count();
        assert_eq!((given, permits.held()), (3, 3));
        permits.release();
        assert!(permits.try_take(3));
        assert!(!permits.try_take(3));
        assert!(!permits.try_take(0));
    }

    #[test]
    fn threads_share_one_bound() {
        let permits = Permits::default();
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1000).filter(|_| permits.try_take(500)).count()))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        // A refused taker holds one for a moment, so a concurrent one may be refused too early,
        // but never may one be admitted too many.
        assert!(taken <= 500 && permits.held() == taken, "{taken}");
    }
}
