//! A hash table of numbers whose keys stand elsewhere.
//!
//! Growing from a hundred routes to ten thousand costs cache misses, not instructions. So a slot is
//! eight bytes, has no key, and leads straight to what the caller reads next anyway; whether that
//! is the right one, the caller says.

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
    /// Makes the table of `pairs` of hash and number; numbers are below `u32::MAX`.
    pub(super) fn new(pairs: &[(u64, u32)]) -> Self {
        if pairs.is_empty() {
            return Self::default();
        }
        let empty = Slot {
            mark: 0,
            value: EMPTY,
        };
        let mut slots = vec![empty; (pairs.len() * 2).next_power_of_two()].into_boxed_slice();
        let mask = slots.len() - 1;
        for &(hash, value) in pairs {
            let mut at = position(hash) & mask;
            while slots[at].value != EMPTY {
                at = (at + 1) & mask;
            }
            slots[at] = Slot {
                mark: mark(hash),
                value,
            };
        }
        Self { slots }
    }

    /// The number under `hash` of which `is_meant` says so.
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
        let index = Index::new(&pairs);
        for number in 0..100 {
            assert_eq!(
                index.find(hash(number), |value| value == number),
                Some(number)
            );
        }
        assert_eq!(index.find(hash(100), |_| true), None);
        assert_eq!(index.find(hash(5), |_| false), None);
        assert_eq!(Index::default().find(0, |_| true), None);
    }
}
