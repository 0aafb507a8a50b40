//! What a worker's exchanges read into and write from.

use parking_lot::{Mutex, MutexGuard};

use super::spellings::Spellings;

/// Room for a read: what one wake-up of the kernel's usually brings, and all of a small answer.
pub(super) const READ: usize = 64 * 1024;

/// An outgoing head that grew beyond this is not kept for the next.
const KEPT_MAX: usize = 16 * 1024;

/// Buffers that are used within one poll, or until a head is written: a worker needs one of each.
/// Where several threads share them each takes its own.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    reads: Mutex<Option<Box<[u8]>>>,
    heads: Mutex<Option<Vec<u8>>>,
    spellings: Mutex<Spellings>,
}

impl Buffers {
    /// Lends room for a read.
    pub(super) fn with_room<T>(&self, read: impl FnOnce(&mut [u8]) -> T) -> T {
        let kept = self.reads.lock().take();
        let mut room = kept.unwrap_or_else(|| vec![0; READ].into_boxed_slice());
        let result = read(&mut room);
        *self.reads.lock() = Some(room);
        result
    }

    /// How names were written before.
    pub(super) fn spellings(&self) -> MutexGuard<'_, Spellings> {
        self.spellings.lock()
    }

    /// An empty buffer for what goes out.
    pub(super) fn take(&self) -> Vec<u8> {
        self.heads.lock().take().unwrap_or_default()
    }

    /// Takes it back.
    pub(super) fn give(&self, mut head: Vec<u8>) {
        if (1..=KEPT_MAX).contains(&head.capacity()) {
            head.clear();
            *self.heads.lock() = Some(head);
        }
    }
}
