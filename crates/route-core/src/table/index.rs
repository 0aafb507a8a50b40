//! A hash table of numbers whose keys stand elsewhere.
//!
//! Growing from a hundred routes to ten thousand costs cache misses, not instructions. So a slot is
//! eight bytes, has no key, and leads straight to what the caller reads next anyway; whether that
//! is the right one, the caller says. Half of the hash is compared here.

/// From hashes to numbers.
#[derive(Default)]
pub(super) struct Index {
    /// A power of two, at most half of them taken, so that every search meets an empty one.
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy)]
struct Slot {
    /// The half of the hash that does not say where to begin.
    mark: u32,
    value: u32,
}

const EMPTY: u32 = u32::MAX;

impl Index {
    /// Makes the table of `pairs` of hash and number; numbers are below `u32::MAX`. None where a search
    /// for one of them would meet another one of the same mark for which `are_alike`.
    pub(super) fn new(pairs: &[(u64, u32)], are_alike: impl Fn(u32, u32) -> bool) -> Option<Self> {
        if pairs.is_empty() {
            return Some(Self::default());
        }
        let empty = Slot {
            mark: 0,
            value: EMPTY,
        };
        let mut slots = vec![empty; (pairs.len() * 2).next_power_of_two()].into_boxed_slice();
        let last = slots.len() - 1;
        for &(hash, value) in pairs {
            let mark = mark(hash);
            let mut at = position(hash) & last;
            while slots[at].value != EMPTY {
                if slots[at].mark == mark && are_alike(slots[at].value, value) {
                    return None;
                }
                at = (at + 1) & last;
            }
            slots[at] = Slot { mark, value };
        }
        Some(Self { slots })
    }

    /// The first number under `hash` of which `is_meant` says so.
    #[inline]
    pub(super) fn find(&self, hash: u64, is_meant: impl Fn(u32) -> bool) -> Option<u32> {
        // No slot: the mask wraps to all ones, and there is nothing at whatever place.
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = position(hash) & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.value == EMPTY {
                return None;
            }
            if slot.mark == mark(hash) && is_meant(slot.value) {
                return Some(slot.value);
            }
            at = (at + 1) & mask;
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
fn position(hash: u64) -> usize {
    hash as u32 as usize
}

fn mark(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_found_by_its_hash() {
        // Few positions for many, so that searches walk on.
        let hash = |number: u32| u64::from(number) << 32 | u64::from(number % 3);
        let pairs: Vec<_> = (0..100).map(|number| (hash(number), number)).collect();
        let index = Index::new(&pairs, |_, _| true).unwrap();
        for number in 0..100 {
            assert_eq!(index.find(hash(number), |_| true), Some(number));
        }
        assert_eq!(index.find(hash(100), |_| true), None);
        assert_eq!(index.find(hash(5), |_| false), None);
        assert_eq!(Index::default().find(0, |_| true), None);
    }

    #[test]
    fn two_that_a_search_would_mix_up_are_told() {
        let pairs = [(7 << 32 | 1, 1), (8 << 32 | 1, 2), (7 << 32 | 1, 3)];
        let is_odd = |one: u32, other: u32| one % 2 == other % 2;
        assert!(Index::new(&pairs, is_odd).is_none());
        assert!(Index::new(&pairs[..2], is_odd).is_some());
        let index = Index::new(&pairs, |_, _| false).unwrap();
        assert_eq!(index.find(7 << 32 | 1, |number| number > 1), Some(3));
    }
}
