//! S3-FIFO: which value of a shard gives way?
//!
//! Values come in by a small queue, a tenth of the shard. Those that were asked for again by the time
//! they reach its end move to the main queue, the others go, and their keys are remembered for a
//! while: a key that comes back while it is remembered enters the main queue at once. At the end of
//! the main queue a value that was asked for gets another round. A hit only raises a small counter.
//!
//! The queues are chained through slots, so a value that expires or is purged leaves from anywhere.

use super::ghost::Ghost;

const NONE: u32 = u32::MAX;

/// The part of a shard's bytes that the small queue may have: one in this many.
const SMALL_PART: u64 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Small,
    Main,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    newer: u32,
    older: u32,
    which: Which,
    bytes: u64,
    hash: u64,
}

#[derive(Debug)]
struct Queue {
    newest: u32,
    oldest: u32,
    bytes: u64,
}

impl Queue {
    const EMPTY: Self = Self {
        newest: NONE,
        oldest: NONE,
        bytes: 0,
    };
}

/// The order in which the values of one shard give way.
#[derive(Debug)]
pub(super) struct S3Fifo {
    /// By slot; those of free slots mean nothing.
    links: Vec<Link>,
    small: Queue,
    main: Queue,
    ghost: Ghost,
    held: usize,
}

impl S3Fifo {
    pub(super) fn new() -> Self {
        Self {
            links: Vec::new(),
            small: Queue::EMPTY,
            main: Queue::EMPTY,
            ghost: Ghost::default(),
            held: 0,
        }
    }

    /// A value came into `slot`.
    pub(super) fn insert(&mut self, slot: u32, hash: u64, bytes: u64) {
        let which = if self.ghost.recall(hash) {
            Which::Main
        } else {
            Which::Small
        };
        let link = Link {
            newer: NONE,
            older: NONE,
            which,
            bytes,
            hash,
        };
        let index = slot as usize;
        if index < self.links.len() {
            self.links[index] = link;
        } else {
            self.links.resize(index + 1, link);
        }
        self.held += 1;
        self.push(slot, which);
    }

    /// The value in `slot` is gone.
    pub(super) fn remove(&mut self, slot: u32) {
        self.unlink(slot);
        self.held -= 1;
    }

    /// Takes out the slot that gives way; `spent` lowers a slot's counter and says whether it was zero.
    pub(super) fn evict(&mut self, counters: &impl Counters) -> Option<u32> {
        loop {
            let all = self.small.bytes + self.main.bytes;
            let from_small =
                self.main.oldest == NONE || self.small.bytes.saturating_mul(SMALL_PART) > all;
            if from_small && self.small.oldest != NONE {
                let slot = self.small.oldest;
                self.unlink(slot);
                if counters.take_all(slot) {
                    self.push(slot, Which::Main);
                } else {
                    self.ghost
                        .remember(self.links[slot as usize].hash, self.held);
                    self.held -= 1;
                    return Some(slot);
                }
            } else if self.main.oldest != NONE {
                let slot = self.main.oldest;
                self.unlink(slot);
                if counters.take_one(slot) {
                    self.push(slot, Which::Main);
                } else {
                    self.held -= 1;
                    return Some(slot);
                }
            } else {
                return None;
            }
        }
    }

    fn queue(&mut self, which: Which) -> &mut Queue {
        match which {
            Which::Small => &mut self.small,
            Which::Main => &mut self.main,
        }
    }

    fn push(&mut self, slot: u32, which: Which) {
        let bytes = self.links[slot as usize].bytes;
        let queue = self.queue(which);
        queue.bytes += bytes;
        let before = std::mem::replace(&mut queue.newest, slot);
        if before == NONE {
            queue.oldest = slot;
        } else {
            self.links[before as usize].newer = slot;
        }
        let link = &mut self.links[slot as usize];
        link.older = before;
        link.newer = NONE;
        link.which = which;
    }

    fn unlink(&mut self, slot: u32) {
        let link = self.links[slot as usize];
        let queue = self.queue(link.which);
        queue.bytes -= link.bytes;
        if link.newer == NONE {
            queue.newest = link.older;
        }
        if link.older == NONE {
            queue.oldest = link.newer;
        }
        if link.newer != NONE {
            self.links[link.newer as usize].older = link.older;
        }
        if link.older != NONE {
            self.links[link.older as usize].newer = link.newer;
        }
    }
}

/// The counters that hits raise, one a slot.
pub(super) trait Counters {
    /// Lowers a slot's counter by one; whether it was above zero.
    fn take_one(&self, slot: u32) -> bool;

    /// Sets a slot's counter to zero; whether it was above zero.
    fn take_all(&self, slot: u32) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    struct Counts(RefCell<Vec<u8>>);

    impl Counters for Counts {
        fn take_one(&self, slot: u32) -> bool {
            let count = &mut self.0.borrow_mut()[slot as usize];
            let some = *count > 0;
            *count = count.saturating_sub(1);
            some
        }

        fn take_all(&self, slot: u32) -> bool {
            std::mem::take(&mut self.0.borrow_mut()[slot as usize]) > 0
        }
    }

    #[test]
    fn what_was_asked_for_stays_and_a_scan_goes() {
        let counts = Counts(RefCell::new(vec![0; 100]));
        let mut order = S3Fifo::new();
        for slot in 0..10 {
            order.insert(slot, u64::from(slot) << 20, 1);
        }
        counts.0.borrow_mut()[3] = 1;
        for slot in 10..50 {
            order.insert(slot, u64::from(slot) << 20, 1);
            assert_ne!(order.evict(&counts), Some(3));
        }
        let left: Vec<_> = std::iter::from_fn(|| order.evict(&counts)).collect();
        assert_eq!(left.len(), 10);
        assert!(left.contains(&3));
        assert_eq!(order.held, 0);
    }

    #[test]
    fn a_key_that_comes_back_enters_the_main_queue() {
        let counts = Counts(RefCell::new(vec![0; 10]));
        let mut order = S3Fifo::new();
        order.insert(0, 7 << 20, 1);
        assert_eq!(order.evict(&counts), Some(0));
        order.insert(0, 7 << 20, 1);
        assert_eq!((order.small.bytes, order.main.bytes), (0, 1));
    }

    #[test]
    fn a_value_leaves_from_anywhere() {
        let counts = Counts(RefCell::new(vec![0; 10]));
        let mut order = S3Fifo::new();
        for slot in 0..5 {
            order.insert(slot, u64::from(slot) << 20, 2);
        }
        for slot in [2, 0, 4] {
            order.remove(slot);
        }
        assert_eq!(order.small.bytes, 4);
        let left: Vec<_> = std::iter::from_fn(|| order.evict(&counts)).collect();
        assert_eq!(left, [1, 3]);
        assert_eq!(order.small.bytes, 0);
    }
}
