//! The less loaded of two.

use std::sync::Arc;
use std::time::Instant;

use super::{Balancer, below, candidates};
use crate::endpoint::Endpoint;

/// Picks two endpoints at random and takes the one with the lower peak EWMA times requests under
/// way.
///
/// Two at random and not the best of all: workers that see the same figures would otherwise all
/// run to the same endpoint at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct PowerOfTwo;

impl Balancer for PowerOfTwo {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the two halves of one random number"
    )]
    fn pick(
        &self,
        endpoints: &[Arc<Endpoint>],
        not: Option<usize>,
        random: u64,
        now: Instant,
    ) -> usize {
        let (count, place) = candidates(endpoints.len(), not);
        if count < 2 {
            return place(0);
        }
        let first = below(random as u32, count);
        // One of the others, so that the two always differ.
        let second = (first + 1 + below((random >> 32) as u32, count - 1)) % count;
        let (first, second) = (place(first), place(second));
        if endpoints[second].load(now) < endpoints[first].load(now) {
            second
        } else {
            first
        }
    }
}
