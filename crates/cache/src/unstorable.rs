//! Whose answers are known not to be storable?
//!
//! Requests for them do not wait for one another. Remembered by a digest of the key, for two minutes, a bounded number
//! of them: one that is forgotten, or mistaken for another, only waits or does not.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::key::CacheKey;

const REMEMBERED: Duration = Duration::from_mins(2);
const KEYS_MAX: usize = 16_384;

#[derive(Debug, Default)]
pub(crate) struct Unstorable {
    until: Mutex<HashMap<u64, Instant, foldhash::fast::RandomState>>,
    hasher: foldhash::quality::RandomState,
}

impl Unstorable {
    /// Remembers that an answer was not storable.
    pub(crate) fn remember(&self, key: &CacheKey, now: Instant) {
        let mut until = self.until.lock();
        if until.len() >= KEYS_MAX {
            until.retain(|_, until| *until > now);
            if until.len() >= KEYS_MAX {
                until.clear();
            }
        }
        until.insert(self.hasher.hash_one(key), now + REMEMBERED);
    }

    /// Forgets it: an answer was storable.
    pub(crate) fn forget(&self, key: &CacheKey) {
        let mut until = self.until.lock();
        if !until.is_empty() {
            until.remove(&self.hasher.hash_one(key));
        }
    }

    pub(crate) fn knows(&self, key: &CacheKey, now: Instant) -> bool {
        let until = self.until.lock();
        !until.is_empty()
            && until
                .get(&self.hasher.hash_one(key))
                .is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_ends_and_is_bounded() {
        let (known, now) = (Unstorable::default(), Instant::now());
        let key = |number: usize| CacheKey::new("s", number.to_string());
        assert!(!known.knows(&key(0), now));
        known.remember(&key(0), now);
        assert!(known.knows(&key(0), now) && !known.knows(&key(1), now));
        assert!(!known.knows(&key(0), now + REMEMBERED));
        known.forget(&key(0));
        assert!(!known.knows(&key(0), now));
        for number in 0..2 * KEYS_MAX {
            known.remember(&key(number), now);
        }
        assert!(known.until.lock().len() <= KEYS_MAX);
    }
}
