//! Which share of the callers gets a flag, and who belongs to it?
//!
//! [`bucket`] deals every caller a place for every flag; a [`Share`] says how many places are on. Raising the share only
//! ever adds callers, and as the flag's name is part of what is hashed, two flags split independently.

use std::ops::Range;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// How many buckets there are: steps of 0.001 %.
pub(crate) const BUCKETS: u32 = 100_000;

/// Name and key together up to this many bytes are put side by side on the stack; XXH3 is at its fastest up to 240.
const SIDE_BY_SIDE: usize = 240;

/// The bucket of the caller `key` for the flag `name`: a whole number below 100,000.
///
/// It is the same on every server, in every version, and in any language that follows the recipe:
///
/// 1. take the name's bytes, one zero byte, the key's bytes (UTF-8; a name holds no zero byte, so no two pairs meet);
/// 2. hash them with XXH3-64, seed 0, the default secret;
/// 3. multiply the hash by 100,000 and keep what lies above the lower 64 bits of the product. That keeps every bit of
///    the hash and favours no bucket; a remainder does neither.
///
/// A flag is on where the bucket is below the share in thousandths of a percent: 12.5 % is every bucket below 12,500.
///
/// | name | key | XXH3-64 | bucket |
/// | --- | --- | --- | --- |
/// | `checkout-v2` | `u-4711` | `0xfcd788b22a5d268e` | 98766 |
/// | `checkout-v2` | `u-4712` | `0xe95f58ba40418bf1` | 91161 |
/// | `banner` | `u-4711` | `0x86423e2081c99784` | 52444 |
/// | `a` | `b` | `0xd5a06cd078125351` | 83447 |
/// | `checkout-v2` | `7c1f9bd2-3b1e-4c55-9f0a-2f1d1f8f6a10` | `0xa4c559650995a1e3` | 64363 |
/// | `checkout-v2` | `Zoë` | `0x60676aa054eda1e9` | 37657 |
/// | `checkout-v2` | 300 times `k` | `0x9e08826a7dc2c4b0` | 61731 |
///
/// ```
/// assert_eq!(config_flags::bucket("checkout-v2", "u-4711"), 98_766);
/// ```
pub fn bucket(name: &str, key: &str) -> u32 {
    scale(hash(name.as_bytes(), key.as_bytes()))
}

fn hash(name: &[u8], key: &[u8]) -> u64 {
    let end = name.len() + 1 + key.len();
    let mut joined = [0; SIDE_BY_SIDE];
    let key_at: Range<usize> = name.len() + 1..end;
    if let Some(place) = joined.get_mut(key_at) {
        place.copy_from_slice(key);
        joined[..name.len()].copy_from_slice(name);
        return xxh3_64(&joined[..end]);
    }
    let mut state = Xxh3::new();
    state.update(name);
    state.update(&[0]);
    state.update(key);
    state.digest()
}

fn scale(hash: u64) -> u32 {
    let scaled = (u128::from(hash) * u128::from(BUCKETS)) >> 64;
    // Always below BUCKETS: a hash is below 2^64.
    u32::try_from(scaled).unwrap_or(BUCKETS - 1)
}

/// A share of all buckets, in thousandths of a percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    per_100k: u32,
}

impl Share {
    /// The share of `percentage`, rounded to a step; what lies outside 0–100 is taken as the nearer end, what is no number
    /// as nobody.
    pub(crate) fn of_percentage(percentage: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=100,000 first; a cast of NaN is 0"
        )]
        let per_100k = (percentage * 1000.0).round().clamp(0.0, BUCKETS.into()) as u32;
        Self { per_100k }
    }

    /// Returns whether `bucket` lies within the share.
    pub(crate) const fn holds(self, bucket: u32) -> bool {
        bucket < self.per_100k
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_ways_of_hashing_agree_at_the_seam() {
        for length in 200..300 {
            let key = "k".repeat(length);
            let mut joined = b"flag\0".to_vec();
            joined.extend_from_slice(key.as_bytes());
            assert_eq!(hash(b"flag", key.as_bytes()), xxh3_64(&joined), "{length}");
        }
    }

    #[test]
    fn scaling_meets_both_ends() {
        assert_eq!(scale(0), 0);
        assert_eq!(scale(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_share_is_whole_steps() {
        #[track_caller]
        fn check(percentage: f64, per_100k: u32) {
            assert_eq!(Share::of_percentage(percentage), Share { per_100k });
        }
        check(0.0, 0);
        check(0.001, 1);
        check(12.5, 12_500);
        check(33.333, 33_333);
        check(100.0, 100_000);
        check(250.0, 100_000);
        check(-1.0, 0);
        check(f64::NAN, 0);
    }
}
