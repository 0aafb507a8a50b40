//! A table that grows while others read it.
//!
//! Threads that record find a place by its index with two loads and no lock. Chunks double, so an
//! index tells its chunk by its leading zeros; neither chunks nor places ever move or go.

use std::sync::OnceLock;

/// Places of the first chunk.
const FIRST: usize = 8;
/// Chunks of 8, 16, 32, … places: more than indexes of 32 bits can name.
const CHUNKS: usize = 30;

type Chunk<T> = Box<[OnceLock<Box<T>>]>;

#[derive(Debug)]
pub(crate) struct Slots<T> {
    chunks: [OnceLock<Chunk<T>>; CHUNKS],
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
        }
    }
}

impl<T> Slots<T> {
    /// What is at `index`, if anything was put there.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        let (chunk, place) = place_of(index);
        let chunk = self.chunks.get(chunk)?.get()?;
        chunk.get(place)?.get().map(|value| &**value)
    }

    /// What is at `index`, made by `make` if nothing was put there before.
    #[inline]
    pub(crate) fn get_or_init(&self, index: u32, make: impl FnOnce() -> T) -> Option<&T> {
        match self.get(index) {
            None => self.init(index, make),
            value => value,
        }
    }

    #[cold]
    #[inline(never)]
    fn init(&self, index: u32, make: impl FnOnce() -> T) -> Option<&T> {
        let (chunk, place) = place_of(index);
        let places = || (0..FIRST << chunk).map(|_| OnceLock::new()).collect();
        let chunk = self.chunks.get(chunk)?.get_or_init(places);
        Some(chunk.get(place)?.get_or_init(|| Box::new(make())))
    }

    /// All that was put anywhere, with its index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let chunks = self.chunks.iter().enumerate();
        chunks
            .filter_map(|(number, chunk)| Some((number, chunk.get()?)))
            .flat_map(|(number, places)| {
                let first = u32::try_from((FIRST << number) - FIRST).unwrap_or(u32::MAX);
                let filled = (first..).zip(places);
                filled.filter_map(|(index, place)| Some((index, &**place.get()?)))
            })
    }
}

#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "a place is below the length of its chunk"
)]
const fn place_of(index: u32) -> (usize, usize) {
    let shifted = index as u64 + FIRST as u64;
    let chunk = (shifted.ilog2() - FIRST.ilog2()) as usize;
    let place = shifted - ((FIRST as u64) << chunk);
    (chunk, place as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_dense() {
        let mut expected = (0, 0);
        for index in 0..10_000 {
            assert_eq!(place_of(index), expected);
            expected.1 += 1;
            if expected.1 == FIRST << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(place_of(u32::MAX).0, CHUNKS - 1);
    }

    #[test]
    fn a_place_is_made_once() {
        let slots = Slots::default();
        assert_eq!(slots.get(700), None);
        assert_eq!(slots.get_or_init(700, || 1), Some(&1));
        assert_eq!(slots.get_or_init(700, || 2), Some(&1));
        slots.get_or_init(3, || 3);
        assert_eq!(slots.iter().collect::<Vec<_>>(), [(3, &3), (700, &1)]);
    }
}
