//! What a balancer of your own has to promise, as a test.

use std::time::Instant;

use crate::balance::Balancer;
use crate::settings::UpstreamSettings;
use crate::upstream::Upstream;

/// Checks that `balancer` picks places that exist, leaves out the endpoint that was tried just now,
/// and lets none of equally good endpoints starve.
///
/// # Panics
///
/// When it does not.
pub fn balancer_contract(balancer: &dyn Balancer) {
    for count in 1..=5_usize {
        let urls = (1..=count).filter_map(|port| format!("http://a:{port}").parse().ok());
        let upstream = Upstream::new("sample", &UpstreamSettings::for_endpoints(urls));
        let endpoints = upstream.endpoints();
        let now = Instant::now();
        for not in (0..count).map(Some).chain([None, Some(count)]) {
            let mut picked = vec![0_u32; count];
            for round in 0..1_000_u64 {
                // Spreads the rounds over all of the number, as a generator would.
                let random = round.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                let place = balancer.pick(endpoints, not, random, now);
                assert!(place < count, "{place} of {count} endpoints");
                picked[place] += 1;
            }
            for (place, times) in picked.iter().enumerate() {
                let is_left_out = count > 1 && not == Some(place);
                assert_eq!(
                    *times == 0,
                    is_left_out,
                    "endpoint {place} of {count} was picked {times} times, not {not:?}"
                );
            }
        }
    }
}
