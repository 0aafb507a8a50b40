//! Which of the endpoints a try goes to.

mod p2c;
mod round_robin;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

pub use self::p2c::PowerOfTwo;
pub use self::round_robin::RoundRobin;
use crate::endpoint::Endpoint;

/// Picks the endpoint of a try.
///
/// Called by all workers at once and on every request: it must not wait, and should not lock.
pub trait Balancer: fmt::Debug + Send + Sync + 'static {
    /// Returns the place of an endpoint in `endpoints`, which is never empty.
    ///
    /// `not` was tried just now and is returned only where there is no other. `random` is new at
    /// each call.
    fn pick(
        &self,
        endpoints: &[Arc<Endpoint>],
        not: Option<usize>,
        random: u64,
        now: Instant,
    ) -> usize;
}

/// The candidates without `not`: how many there are, and which place the nth of them has.
fn candidates(count: usize, not: Option<usize>) -> (usize, impl Fn(usize) -> usize) {
    let not = not.filter(|not| *not < count && count > 1);
    let place = move |nth: usize| match not {
        Some(not) if nth >= not => nth + 1,
        _ => nth,
    };
    (count - usize::from(not.is_some()), place)
}

/// `random` brought down to `0..bound` without a division.
fn below(random: u32, bound: usize) -> usize {
    ((u64::from(random) * bound as u64) >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::balancer_contract;

    #[test]
    fn both_keep_the_contract() {
        balancer_contract(&PowerOfTwo);
        balancer_contract(&RoundRobin::default());
    }

    #[test]
    #[should_panic(expected = "was picked 1000 times")]
    fn the_contract_notices_a_favourite() {
        #[derive(Debug)]
        struct Favourite;
        impl Balancer for Favourite {
            fn pick(&self, _: &[Arc<Endpoint>], _: Option<usize>, _: u64, _: Instant) -> usize {
                0
            }
        }
        balancer_contract(&Favourite);
    }
}
