//! One after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::{Balancer, candidates};
use crate::endpoint::Endpoint;

/// Picks the endpoints in turn.
#[derive(Debug, Default)]
pub struct RoundRobin {
    next: AtomicUsize,
}

impl Balancer for RoundRobin {
    fn pick(
        &self,
        endpoints: &[Arc<Endpoint>],
        not: Option<usize>,
        _random: u64,
        _now: Instant,
    ) -> usize {
        let (count, place) = candidates(endpoints.len(), not);
        place(self.next.fetch_add(1, Relaxed) % count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_and_a_failed_one_is_left_out() {
        let endpoints: Vec<_> = (1..=3)
            .map(|port| Endpoint::new(format!("http://a:{port}").parse().unwrap(), false))
            .collect();
        let balancer = RoundRobin::default();
        let pick = |not| balancer.pick(&endpoints, not, 0, Instant::now());
        assert_eq!([pick(None), pick(None), pick(None)], [0, 1, 2]);
        assert_eq!([pick(Some(0)), pick(Some(0))], [2, 1]);
    }
}
