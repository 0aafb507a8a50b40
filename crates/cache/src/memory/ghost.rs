//! Which keys gave way a short while ago?
//!
//! Fingerprints of 32 bits in small rings: a fingerprint's own bits choose its ring, and the oldest
//! of a full ring goes. No second map, no memory but this; a false memory (one in some hundred
//! million) only lets a value in by the other door.

/// Fingerprints a ring; with the place of the next one it fills 32 bytes.
const RING: u32 = 7;

#[derive(Clone, Copy, Debug, Default)]
struct Ring {
    /// Zero is no fingerprint.
    prints: [u32; RING as usize],
    next: u32,
}

/// What S3-FIFO remembers of keys without their values.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    /// A power of two of them, or none before the first eviction.
    rings: Vec<Ring>,
}

impl Ghost {
    /// Remembers a key; `held` is how many values the shard holds, and about as many are remembered.
    pub(super) fn remember(&mut self, hash: u64, held: usize) {
        if self.rings.len() * (RING as usize) < held || self.rings.is_empty() {
            self.grow(held);
        }
        let print = fingerprint(hash);
        let ring = self.ring(print);
        let next = ring.next as usize;
        ring.prints[next] = print;
        ring.next = ring.next.wrapping_add(1) % RING;
    }

    /// Whether a key is remembered; it is forgotten with that.
    pub(super) fn recall(&mut self, hash: u64) -> bool {
        if self.rings.is_empty() {
            return false;
        }
        let print = fingerprint(hash);
        let ring = self.ring(print);
        match ring.prints.iter_mut().find(|held| **held == print) {
            Some(held) => {
                *held = 0;
                true
            }
            None => false,
        }
    }

    /// How many bytes it takes.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.rings.capacity() * size_of::<Ring>()
    }

    fn ring(&mut self, print: u32) -> &mut Ring {
        let last = self.rings.len() - 1;
        &mut self.rings[print as usize & last]
    }

    fn grow(&mut self, held: usize) {
        let rings = held.div_ceil(RING as usize).next_power_of_two();
        let before = std::mem::replace(&mut self.rings, vec![Ring::default(); rings]);
        for print in before.iter().flat_map(|ring| ring.prints) {
            if print != 0 {
                let ring = self.ring(print);
                let next = ring.next as usize;
                ring.prints[next] = print;
                ring.next = (ring.next + 1) % RING;
            }
        }
    }
}

/// The bits that neither the shard nor the map goes by first; never zero.
#[expect(clippy::cast_possible_truncation, reason = "only some bits are wanted")]
fn fingerprint(hash: u64) -> u32 {
    ((hash >> 8) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::BuildHasher;

    #[test]
    fn about_as_many_as_are_held_are_remembered_once() {
        let mut ghost = Ghost::default();
        let hasher = foldhash::fast::FixedState::default();
        assert!(!ghost.recall(hasher.hash_one(1)));
        for key in 0..10_000 {
            ghost.remember(hasher.hash_one(key), 1000);
        }
        let recalled = |ghost: &mut Ghost, keys: std::ops::Range<i32>| {
            keys.filter(|key| ghost.recall(hasher.hash_one(*key)))
                .count()
        };
        assert!(recalled(&mut ghost, 9500..10_000) > 450);
        assert_eq!(recalled(&mut ghost, 9500..10_000), 0);
        assert!(recalled(&mut ghost, 0..5000) < 10);
        assert!(ghost.bytes() <= 16 * 1024);
    }

    #[test]
    fn growing_forgets_nothing_that_has_room() {
        let mut ghost = Ghost::default();
        let hasher = foldhash::fast::FixedState::default();
        for key in 0..100 {
            ghost.remember(hasher.hash_one(key), 1000);
        }
        ghost.remember(hasher.hash_one(100), 10_000);
        assert!((0..=100).all(|key| ghost.recall(hasher.hash_one(key))));
    }
}
