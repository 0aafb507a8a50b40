//! The next segment of a path, read eight bytes at a time.
//!
//! Most segments have no more than eight bytes. One read then finds their end, tells them apart and
//! gives the hash, without a look at any other text.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::SeedableRandomState;

/// The bytes that [`Segment::first`] holds.
const FIRST: usize = 8;

/// A segment at the front of some text.
#[derive(Clone, Copy)]
pub(super) struct Segment<'a> {
    bytes: &'a [u8],
    /// Its first eight bytes as a number, the first one lowest; zeros where it has fewer.
    pub(super) first: u64,
}

impl<'a> Segment<'a> {
    /// What stands in `text` before the first slash, or all of it.
    #[inline]
    pub(super) fn before_slash(text: &'a [u8]) -> Self {
        let Some(word) = text.first_chunk::<FIRST>() else {
            return Self::short(text);
        };
        let first = u64::from_le_bytes(*word);
        let slashes = slashes(first);
        if slashes == 0 {
            let rest = &text[FIRST..];
            let end = rest.iter().position(|&byte| byte == b'/');
            let bytes = &text[..FIRST + end.unwrap_or(rest.len())];
            return Self { bytes, first };
        }
        let end = slashes.trailing_zeros() / 8;
        Self {
            bytes: &text[..end as usize],
            first: first & !(u64::MAX << (end * 8)),
        }
    }

    /// The same of fewer than eight bytes.
    fn short(text: &'a [u8]) -> Self {
        let (mut end, mut first) = (0, 0);
        while end < text.len() && text[end] != b'/' {
            first |= u64::from(text[end]) << (end * 8);
            end += 1;
        }
        let bytes = &text[..end];
        Self { bytes, first }
    }

    pub(super) fn len(self) -> usize {
        self.bytes.len()
    }

    /// What [`Segment::first`] does not hold.
    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes.get(FIRST..).unwrap_or_default()
    }
}

/// The highest bit of each byte of `word` that is a slash, and maybe of some above the lowest one.
fn slashes(word: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let zeros = word ^ u64::from_le_bytes([b'/'; 8]);
    zeros.wrapping_sub(ONES) & !zeros & (ONES << 7)
}

/// Hashes texts that belong to a number. Seeded anew for each table, so that nobody can choose texts that
/// meet in a slot.
pub(super) struct Hashing {
    texts: SeedableRandomState,
    seed: u64,
}

impl Hashing {
    pub(super) fn new() -> Self {
        let texts = SeedableRandomState::random();
        Self {
            seed: texts.hash_one(0),
            texts,
        }
    }

    /// The hash of `segment` under `number`.
    #[inline]
    pub(super) fn segment(&self, number: u32, segment: Segment<'_>) -> u64 {
        let mut first = segment.first;
        if segment.len() > FIRST {
            first ^= self.bytes(segment.rest());
        }
        folded(
            first ^ self.seed,
            spread(number) ^ self.seed.rotate_left(32),
        )
    }

    /// The hash of `text` under `number`.
    #[inline]
    pub(super) fn text(&self, number: u32, text: &[u8]) -> u64 {
        self.bytes(text) ^ spread(number)
    }

    #[inline]
    fn bytes(&self, text: &[u8]) -> u64 {
        let mut hasher = self.texts.build_hasher();
        hasher.write(text);
        hasher.finish()
    }
}

/// Numbers of ours, in a row, over all bits.
fn spread(number: u32) -> u64 {
    (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Both halves of the product, in which each bit of the factors has its part.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is wanted"
)]
fn folded(one: u64, another: u64) -> u64 {
    let product = u128::from(one) * u128::from(another);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let segment = Segment::before_slash(text.as_bytes());
        assert_eq!(segment.bytes, expected.as_bytes(), "{text}");
        let alone = Segment::before_slash(expected.as_bytes());
        assert_eq!(segment.first, alone.first, "{text}");
        assert_eq!(segment.len(), expected.len());
        let hashing = Hashing::new();
        assert_eq!(hashing.segment(7, segment), hashing.segment(7, alone));
    }

    #[test]
    fn a_segment_ends_before_the_first_slash() {
        check("", "");
        check("/", "");
        check("/abcdefgh", "");
        for length in 1..20 {
            let word = &"abcdefghijklmnopqrstuvwxyz"[..length];
            check(word, word);
            check(&format!("{word}/"), word);
            check(&format!("{word}//x/y"), word);
            check(&format!("{word}/0123456789"), word);
            // One above the slash, for which the trick with the borrow is known.
            check(&format!("{word}/0/0/0/0"), word);
            check(&format!("{word}0/0"), &format!("{word}0"));
        }
    }
}
