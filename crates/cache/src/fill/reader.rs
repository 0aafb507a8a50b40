//! Who reads a fill: a reader, one who will be, and where more of them come from.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;

use super::pipe::{Pipe, Place};
use crate::body::CacheBodyError;

/// A client's place in a fill; dropping it leaves.
pub(crate) struct Reader {
    pipe: Arc<Pipe>,
    place: Place,
}

impl Reader {
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        let place = pipe.enter();
        Self { pipe, place }
    }

    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CacheBodyError>>> {
        self.pipe.poll_frame(&mut self.place, cx)
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.pipe.is_over(&self.place)
    }

    /// Where others may read the same from.
    pub(crate) fn source(&self) -> Source {
        Source {
            pipe: Arc::clone(&self.pipe),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.pipe.leave(&self.place);
    }
}

/// Where further readers of a fill come from.
///
/// It keeps no fill alive. It holds a complete body for as long as it lives, so it should not be kept
/// for long.
#[derive(Clone)]
pub(crate) struct Source {
    pipe: Arc<Pipe>,
}

impl Source {
    pub(super) fn new(pipe: Arc<Pipe>) -> Self {
        Self { pipe }
    }

    /// A further reader, from the beginning of the body.
    ///
    /// None when that is no longer kept (the body is too large, or there was no memory), when the body
    /// broke off or ended in a way that cannot be stored, and when the fill stopped since nobody read.
    pub(crate) fn reader(&self) -> Option<Reader> {
        self.ticket().map(Ticket::attach)
    }

    /// The promise of a reader, where there could be one now.
    pub(crate) fn ticket(&self) -> Option<Ticket> {
        self.pipe.promise().then(|| Ticket {
            pipe: Arc::clone(&self.pipe),
        })
    }
}

/// The promise of a reader for one who cannot read yet.
///
/// It counts as a reader that has taken nothing: the fill goes on for it, and the beginning of the body
/// stays. Each clone is a promise of its own.
pub(crate) struct Ticket {
    pipe: Arc<Pipe>,
}

impl Ticket {
    /// The reader that was promised, from the beginning of the body.
    pub(crate) fn attach(self) -> Reader {
        // The promise ends after the reader is there, so the fill is never without both.
        Reader::new(Arc::clone(&self.pipe))
    }
}

impl Clone for Ticket {
    fn clone(&self) -> Self {
        self.pipe.promise_another();
        Self {
            pipe: Arc::clone(&self.pipe),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.pipe.redeem();
    }
}
