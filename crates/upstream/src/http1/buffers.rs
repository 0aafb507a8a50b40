//! What a worker's exchanges read into and write from.

use parking_lot::{Mutex, MutexGuard};

use super::request::Head;
use super::shapes::Shapes;
use crate::forward::request as forward;

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
    shapes: Mutex<Shapes>,
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

    /// How heads were written before.
    pub(super) fn shapes(&self) -> MutexGuard<'_, Shapes> {
        self.shapes.lock()
    }

    /// An empty buffer for what goes out.
    pub(super) fn take(&self) -> Vec<u8> {
        self.heads.lock().take().unwrap_or_default()
    }

    /// Writes a head.
    pub(crate) fn write(&self, head: &forward::Head<'_>) -> Head {
        let mut out = self.take();
        let head = Head::of(head, &mut out);
        self.give(out);
        head
    }

    /// Takes it back.
    pub(super) fn give(&self, mut head: Vec<u8>) {
        if (1..=KEPT_MAX).contains(&head.capacity()) {
            head.clear();
            *self.heads.lock() = Some(head);
        }
    }
}
