//! How does a response that may be stored reach its clients?
//!
//! Through a *fill*: one reader of the upstream's body, which no client slows or stops, copies each
//! piece into memory of its own and hands it to the clients' readers, each of which takes it at its own
//! pace.
//!
//! - A complete body is stored, and then its end is told; one that broke off, or is not as long as it
//!   said, never is.
//! - A fill that clients began ends when the last reader leaves: the upstream's body is dropped with it.
//!   One without a client (a refresh; a client whose answer was a 304) goes on by itself.
//! - Over the largest body to be stored, or when the memory of all fills is used up, a fill only
//!   streams: it reads on when all readers have taken what there was, nobody can join from the beginning
//!   any more, and nothing is stored.
//! - A fill that is dropped before its end (its body panicked, its executor stopped) ends its readers
//!   with an error: an end that looks whole would be a lie, and to wait would be for ever.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::body::{BoxError, CacheBodyError};
use crate::fill_memory::FillMemory;
use crate::lookup::Index;
use crate::provider::{CacheProvider, Fetch, StoreError};
use crate::stored::StoredHead;
use pipe::{Ended, Pipe, Step};

pub(crate) use reader::{Reader, Source, Ticket};

mod pipe;
mod reader;
#[cfg(test)]
mod tests;

/// What a piece costs beside its bytes: its handle, and what its allocation takes.
const PIECE_COST: u64 = 96;
/// After so many pieces in one go others get their turn.
const PIECES_A_TURN: u32 = 64;

/// What is known of the body so far, as long as it is kept.
struct Kept {
    head: Arc<StoredHead>,
    hasher: Box<blake3::Hasher>,
    bytes: u64,
    /// What the response says that it has.
    declared: Option<u64>,
    max_object: u64,
    store: Arc<dyn CacheProvider>,
    fetch: Fetch,
    clock: fn() -> Instant,
    index: Option<Index>,
    /// What lives until the response is stored, or will not be.
    held: Option<Box<dyn Any + Send>>,
}

type Storing = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// What a fill is made from, beside the body.
pub(crate) struct FillPlan {
    pub(crate) head: Arc<StoredHead>,
    /// Where the response is one of several under its key.
    pub(crate) index: Option<Index>,
    pub(crate) declared: Option<u64>,
    pub(crate) max_object: u64,
    pub(crate) store: Arc<dyn CacheProvider>,
    pub(crate) fetch: Fetch,
    pub(crate) clock: fn() -> Instant,
    pub(crate) memory: Arc<FillMemory>,
}

pin_project! {
    struct Filling<B> {
        #[pin]
        body: Option<B>,
        end: FillEnd,
        kept: Option<Kept>,
        storing: Option<Storing>,
    }
}

/// The fill's end of the pipe; no reader waits for one that is dropped.
struct FillEnd(Arc<Pipe>);

impl Drop for FillEnd {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

/// The work of one fill; whoever runs it polls it to its end.
///
/// Dropped before its end it leaves nothing stored, and its readers get an error.
pub struct Fill<B>(Pin<Box<Filling<B>>>);

impl<B> Fill<B> {
    /// A fill and its first reader.
    pub(crate) fn new(body: B, plan: FillPlan) -> (Self, Reader) {
        let (fill, pipe) = Self::over(body, plan, false);
        (fill, Reader::new(pipe))
    }

    /// A fill that goes on without a reader, as long as it can be stored.
    pub(crate) fn unattended(body: B, plan: FillPlan) -> (Self, Source) {
        let (fill, pipe) = Self::over(body, plan, true);
        (fill, Source::new(pipe))
    }

    /// Keeps `held` until the response is stored, or will not be.
    pub(crate) fn hold(&mut self, held: impl Any + Send) {
        if let Some(kept) = self.0.as_mut().project().kept {
            kept.held = Some(Box::new(held));
        }
    }

    fn over(body: B, plan: FillPlan, unattended: bool) -> (Self, Arc<Pipe>) {
        let pipe = Pipe::new(plan.memory, unattended);
        let kept = Kept {
            hasher: Box::new(plan.head.hasher()),
            head: plan.head,
            bytes: 0,
            declared: plan.declared,
            max_object: plan.max_object,
            store: plan.store,
            fetch: plan.fetch,
            clock: plan.clock,
            index: plan.index,
            held: None,
        };
        let filling = Filling {
            body: Some(body),
            end: FillEnd(Arc::clone(&pipe)),
            kept: Some(kept),
            storing: None,
        };
        (Self(Box::pin(filling)), pipe)
    }
}

impl<B> fmt::Debug for Fill<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fill")
    }
}

impl<B> Future for Fill<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll_fill(cx)
    }
}

impl<B> Filling<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn poll_fill(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let Some(storing) = this.storing {
            return storing.as_mut().poll(cx).map(drop);
        }
        let FillEnd(pipe) = this.end;
        for _ in 0..PIECES_A_TURN {
            match pipe.next_step(cx) {
                Step::Read => {}
                Step::Wait => return Poll::Pending,
                Step::Stop => {
                    // The upstream sees now that nobody wants the rest.
                    this.body.set(None);
                    *this.kept = None;
                    return Poll::Ready(());
                }
            }
            let Some(mut body) = this.body.as_mut().as_pin_mut() else {
                return Poll::Ready(());
            };
            let frame = match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return Poll::Pending,
            };
            let ended = match frame {
                None => Some(Ended::Complete(None)),
                Some(Err(error)) => Some(Ended::Broken(CacheBodyError::failed(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        hand_on(pipe, this.kept, data);
                        body.is_end_stream().then_some(Ended::Complete(None))
                    }
                    Err(frame) => frame
                        .into_trailers()
                        .ok()
                        .map(|trailers| Ended::Complete(Some(trailers))),
                },
            };
            if let Some(ended) = ended {
                this.body.set(None);
                *this.storing = end(pipe, this.kept.take(), ended, cx);
                return match this.storing {
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(()),
                };
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Hands on a piece, and keeps it if there is room.
fn hand_on(pipe: &Pipe, kept: &mut Option<Kept>, data: Bytes) {
    if data.is_empty() {
        return;
    }
    let length = data.len() as u64;
    let cost = length + PIECE_COST;
    let room = |kept: &&mut Kept| {
        kept.bytes.saturating_add(length) <= kept.max_object && pipe.memory().take(cost)
    };
    if let Some(kept) = kept.as_mut().filter(room) {
        // A copy: what the connection hands out may pin far more than it shows.
        let piece = Bytes::copy_from_slice(&data);
        kept.hasher.update(&piece);
        kept.bytes += length;
        pipe.put(piece, Some(cost));
    } else {
        *kept = None;
        pipe.put(data, None);
    }
}

/// Stores what is complete, then tells the readers. What is left to wait for is handed back.
fn end(pipe: &Pipe, kept: Option<Kept>, ended: Ended, cx: &mut Context<'_>) -> Option<Storing> {
    // Trailers are passed on, and nothing here could store them.
    let complete = kept.filter(|kept| {
        matches!(ended, Ended::Complete(None))
            && kept.declared.is_none_or(|declared| declared == kept.bytes)
    });
    let Some(kept) = complete else {
        pipe.end(ended, None);
        return None;
    };
    let body = pipe.join();
    let now = (kept.clock)();
    let keep = kept.head.keep(now);
    let stored = Arc::new(kept.head.complete(body.clone(), &kept.hasher));
    let (store, fetch, index, held) = (kept.store, kept.fetch, kept.index, kept.held);
    let mut storing: Storing = Box::pin(async move {
        store.store(fetch, stored, keep).await?;
        if let Some(index) = index {
            index.write(&*store, keep, now).await;
        }
        drop(held);
        Ok(())
    });
    // First stored, then told: who has read to the end finds it.
    let waits = storing.as_mut().poll(cx).is_pending();
    pipe.end(ended, Some(body));
    waits.then_some(storing)
}
