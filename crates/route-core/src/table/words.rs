//! Texts read eight bytes at a time.
//!
//! Most segments have no more than eight bytes. One read then finds their end and gives what is
//! hashed of them.

use foldhash::fast::SeedableRandomState;
use std::hash::BuildHasher;

/// The bytes of a word.
const WORD: usize = 8;

/// The word of `text` that begins at `at`, the first byte lowest; zeros stand behind its end.
#[inline]
fn word(text: &[u8], at: usize) -> u64 {
    if let Some(whole) = text.get(at..).and_then(<[u8]>::first_chunk::<WORD>) {
        return u64::from_le_bytes(*whole);
    }
    match text.last_chunk::<WORD>() {
        // What stands before `at` is shifted out, of eight bytes at least one.
        Some(last) => {
            let left = text.len().saturating_sub(at);
            u64::from_le_bytes(*last) >> 8 >> (8 * (WORD - 1 - left))
        }
        None => short_word(text, at),
    }
}

/// The same where there are fewer than eight bytes in all.
#[cold]
fn short_word(text: &[u8], at: usize) -> u64 {
    let left = text.get(at..).unwrap_or_default();
    left.iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// The highest bit of each byte of `word` that is a slash, and maybe of some above the lowest one.
#[inline]
fn slashes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    let zeros = word ^ u64::from_le_bytes([b'/'; WORD]);
    zeros.wrapping_sub(ONES) & !zeros & (ONES << 7)
}

/// Where the segment of `path` that begins at `start` ends: at a slash, or with the path.
#[inline]
pub(super) fn segment_end(path: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let slashes = slashes(word(path, at));
        if slashes != 0 {
            return at + slashes.trailing_zeros() as usize / 8;
        }
        at += WORD;
        if at >= path.len() {
            return path.len();
        }
    }
}

/// Whether two texts of one length are the same; short ones without a call.
#[inline]
pub(super) fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() > 2 * WORD || one.len() != other.len() {
        return one == other;
    }
    if let (Some(one_first), Some(one_last)) = (one.first_chunk::<WORD>(), one.last_chunk()) {
        return other.first_chunk() == Some(one_first)
            && other.last_chunk::<WORD>() == Some(one_last);
    }
    if let (Some(one_first), Some(one_last)) = (one.first_chunk::<4>(), one.last_chunk()) {
        return other.first_chunk() == Some(one_first) && other.last_chunk::<4>() == Some(one_last);
    }
    one.iter().zip(other).all(|(one, other)| one == other)
}

/// Hashes segments that belong to a number. Seeded anew for each table, so that nobody can choose texts
/// that meet in a slot.
pub(super) struct Hashing {
    seed: u64,
    other_seed: u64,
}

impl Hashing {
    pub(super) fn new() -> Self {
        let random = SeedableRandomState::random();
        Self {
            seed: random.hash_one(0),
            other_seed: random.hash_one(1) | 1,
        }
    }

    /// The hash under `number` of the segment of `path` that begins at `start`.
    #[inline]
    pub(super) fn segment(&self, number: u32, path: &[u8], start: usize) -> u64 {
        let mut hash = spread(number) ^ self.seed;
        let mut at = start;
        loop {
            let word = word(path, at);
            let slashes = slashes(word);
            if slashes != 0 {
                // Zeros stand for what does not belong to it any more.
                let kept = (slashes & slashes.wrapping_neg()) - 1;
                return folded(hash ^ (word & kept >> 7), self.other_seed);
            }
            hash = folded(hash ^ word, self.other_seed);
            at += WORD;
            if at > path.len() {
                return hash;
            }
        }
    }
}

/// Numbers of ours, in a row, over all bits.
#[inline]
fn spread(number: u32) -> u64 {
    (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Both halves of the product, in which each bit of the factors has its part.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
#[inline]
fn folded(one: u64, another: u64) -> u64 {
    let product = u128::from(one) * u128::from(another);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes among which slashes, and the byte above, for which the trick with the borrow is known.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![2 => Just(b'/'), 2 => Just(b'0'), 5 => b'a'..=b'z', 1 => 1_u8..];
        proptest::collection::vec(byte, 0..40)
    }

    proptest! {
        #[test]
        fn words_read_what_a_byte_at_a_time_reads(path in text(), start in 0_usize..40, number: u32) {
            let start = start.min(path.len());
            let rest = &path[start..];
            let expected = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
            prop_assert_eq!(segment_end(&path, start), start + expected);
            let mut padded = [rest, &[0; WORD]].concat();
            padded.truncate(WORD);
            prop_assert_eq!(word(&path, start).to_le_bytes().to_vec(), padded);

            // What stands around a segment has no part in its hash.
            let hashing = Hashing::new();
            let segment = &rest[..expected];
            let hash = hashing.segment(number, &path, start);
            prop_assert_eq!(hashing.segment(number, segment, 0), hash);
            prop_assert_ne!(hashing.segment(number ^ 1, segment, 0), hash);
            let longer = [segment, b"x"].concat();
            prop_assert_ne!(hashing.segment(number, &longer, 0), hash);
        }

        #[test]
        fn texts_are_the_same_if_no_byte_differs(text in text(), at in 0_usize..40) {
            prop_assert!(are_same(&text, &text.clone()));
            if let Some(changed) = at.checked_rem(text.len()) {
                let mut other = text.clone();
                other[changed] ^= 1;
                prop_assert!(!are_same(&text, &other));
                prop_assert!(!are_same(&text, &text[..changed]));
            }
        }
    }
}
