//! How does a response that may be stored reach its client?
//!
//! Through a *fill*: one reader of the upstream's body, which no client slows or stops, copies each
//! piece into memory of its own and hands it to the client's reader, which takes it at its own pace.
//!
//! - A complete body is stored; one that broke off, or is not as long as it said, never is.
//! - A fill that a client began ends when its reader is dropped: the upstream's body is dropped with it.
//!   Only a fill whose client needed no body (its answer was a 304) goes on by itself.
//! - Over the largest body to be stored, or when the memory of all fills is used up, a fill only
//!   streams: it reads on when its reader has taken what there was, and nothing is stored.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use parking_lot::Mutex;
use pin_project_lite::pin_project;

use crate::fill_memory::FillMemory;
use crate::provider::{CacheProvider, Fetch, StoreError};
use crate::stored::StoredHead;

/// What a piece costs beside its bytes: its handles, and what its allocation takes.
const PIECE_COST: u64 = 96;
/// After so many pieces in one go others get their turn.
const PIECES_A_TURN: u32 = 64;

/// What passes from the fill to its reader.
struct State<E> {
    pieces: VecDeque<Bytes>,
    /// How many bytes the reader has taken.
    taken: usize,
    ended: Option<Ended<E>>,
    reader: Option<Waker>,
    filler: Option<Waker>,
    presence: Presence,
    /// Taken from the memory of all fills.
    charged: u64,
    /// The body is still kept whole, so what the reader takes stays charged.
    keeps: bool,
}

/// Whether somebody reads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Here,
    /// Nobody ever will, and the fill goes on by itself.
    NotNeeded,
    /// The client has left.
    Gone,
}

enum Ended<E> {
    Complete(Option<HeaderMap>),
    Broken(E),
    /// The end has been told.
    Told,
}

struct Pipe<E> {
    state: Mutex<State<E>>,
    memory: Arc<FillMemory>,
}

impl<E> Drop for Pipe<E> {
    fn drop(&mut self) {
        self.memory.give_back(self.state.get_mut().charged);
    }
}

/// What is kept of the body so far.
struct Kept {
    head: StoredHead,
    pieces: Vec<Bytes>,
    hasher: Box<blake3::Hasher>,
    bytes: u64,
    /// What the response says that it has.
    declared: Option<u64>,
    max_object: u64,
    store: Arc<dyn CacheProvider>,
    fetch: Fetch,
    clock: fn() -> Instant,
}

type Storing = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>;

/// What a fill is made from, beside the body.
pub(crate) struct FillPlan {
    pub(crate) head: StoredHead,
    pub(crate) declared: Option<u64>,
    pub(crate) max_object: u64,
    pub(crate) store: Arc<dyn CacheProvider>,
    pub(crate) fetch: Fetch,
    pub(crate) clock: fn() -> Instant,
    pub(crate) memory: Arc<FillMemory>,
}

pin_project! {
    struct Filling<B>
    where
        B: Body,
    {
        #[pin]
        body: Option<B>,
        pipe: Arc<Pipe<B::Error>>,
        kept: Option<Kept>,
        storing: Option<Storing>,
    }
}

/// The work of one fill; whoever runs it polls it to its end.
///
/// The bound is here because what the body fails with is held for its reader.
pub struct Fill<B: Body>(Pin<Box<Filling<B>>>);

impl<B: Body> Fill<B> {
    /// A fill and its reader.
    pub(crate) fn new(body: B, plan: FillPlan) -> (Self, Reader<B::Error>) {
        let pipe = Arc::new(Pipe {
            state: Mutex::new(State {
                pieces: VecDeque::new(),
                taken: 0,
                ended: None,
                reader: None,
                filler: None,
                presence: Presence::Here,
                charged: 0,
                keeps: true,
            }),
            memory: plan.memory,
        });
        let kept = Kept {
            hasher: Box::new(plan.head.hasher()),
            head: plan.head,
            pieces: Vec::new(),
            bytes: 0,
            declared: plan.declared,
            max_object: plan.max_object,
            store: plan.store,
            fetch: plan.fetch,
            clock: plan.clock,
        };
        let filling = Filling {
            body: Some(body),
            pipe: Arc::clone(&pipe),
            kept: Some(kept),
            storing: None,
        };
        (Self(Box::pin(filling)), Reader { pipe })
    }
}

impl<B: Body> fmt::Debug for Fill<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fill")
    }
}

impl<B> Future for Fill<B>
where
    B: Body<Data = Bytes>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll_fill(cx)
    }
}

/// What a fill does next.
enum Step {
    Read,
    Wait,
    Stop,
}

impl<B> Filling<B>
where
    B: Body<Data = Bytes>,
{
    fn poll_fill(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if let Some(storing) = this.storing {
            return storing.as_mut().poll(cx).map(drop);
        }
        for _ in 0..PIECES_A_TURN {
            match this.pipe.next_step(this.kept.is_some(), cx) {
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
                Some(Err(error)) => Some(Ended::Broken(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        this.pipe.put(this.kept, data);
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
                *this.storing = this.pipe.end(this.kept.take(), ended, cx);
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

impl<E> Pipe<E> {
    fn next_step(&self, keeps: bool, cx: &mut Context<'_>) -> Step {
        let mut state = self.state.lock();
        match state.presence {
            Presence::Gone => return Step::Stop,
            // Neither stored nor read: for nobody.
            Presence::NotNeeded if !keeps => return Step::Stop,
            Presence::NotNeeded | Presence::Here => {}
        }
        if state
            .filler
            .as_ref()
            .is_none_or(|filler| !filler.will_wake(cx.waker()))
        {
            state.filler = Some(cx.waker().clone());
        }
        if keeps || state.pieces.is_empty() {
            Step::Read
        } else {
            Step::Wait
        }
    }

    /// Hands on a piece, and keeps it if there is room.
    fn put(&self, kept: &mut Option<Kept>, data: Bytes) {
        if data.is_empty() {
            return;
        }
        let cost = data.len() as u64 + PIECE_COST;
        let bytes = kept.as_ref().map_or(0, |kept| kept.bytes) + data.len() as u64;
        let fits = |kept: &&mut Kept| bytes <= kept.max_object && self.memory.take(cost);
        let piece = if let Some(kept) = kept.as_mut().filter(fits) {
            // A copy: what the connection hands out may pin far more than it shows.
            let piece = Bytes::copy_from_slice(&data);
            kept.hasher.update(&piece);
            kept.pieces.push(piece.clone());
            kept.bytes = bytes;
            Some(piece)
        } else {
            *kept = None;
            None
        };
        let mut state = self.state.lock();
        if piece.is_some() {
            state.charged += cost;
        } else {
            self.stop_keeping(&mut state);
        }
        if state.presence == Presence::Here {
            state.pieces.push_back(piece.unwrap_or(data));
        }
        wake(state.reader.take(), state);
    }

    /// From now on only what the reader has not yet taken is charged.
    fn stop_keeping(&self, state: &mut State<E>) {
        if state.keeps {
            state.keeps = false;
            let waiting = state
                .pieces
                .iter()
                .map(|piece| piece.len() as u64 + PIECE_COST);
            let waiting = waiting.sum::<u64>().min(state.charged);
            self.memory.give_back(state.charged - waiting);
            state.charged = waiting;
        }
    }

    /// Stores what is complete, then tells the reader. What is left to wait for is handed back.
    fn end(&self, kept: Option<Kept>, ended: Ended<E>, cx: &mut Context<'_>) -> Option<Storing> {
        // Trailers are passed on, and nothing here could store them.
        let complete = kept.filter(|kept| {
            matches!(ended, Ended::Complete(None))
                && kept.declared.is_none_or(|declared| declared == kept.bytes)
        });
        let whole = complete.map(|kept| {
            let body = match kept.pieces.as_slice() {
                [one] => one.clone(),
                pieces => {
                    let mut whole = Vec::with_capacity(pieces.iter().map(Bytes::len).sum());
                    for piece in pieces {
                        whole.extend_from_slice(piece);
                    }
                    Bytes::from(whole)
                }
            };
            let keep = kept.head.left((kept.clock)());
            let stored = Arc::new(kept.head.complete(body.clone(), &kept.hasher));
            let (store, fetch) = (kept.store, kept.fetch);
            let mut storing: Storing =
                Box::pin(async move { store.store(fetch, stored, keep).await });
            // First stored, then told: who has read to the end finds it.
            let waits = storing.as_mut().poll(cx).is_pending();
            (body, waits.then_some(storing))
        });
        let mut state = self.state.lock();
        self.stop_keeping(&mut state);
        let storing = whole.and_then(|(body, storing)| {
            // The reader goes on in the stored bytes: the same ones are not held twice.
            let rest = body.slice(state.taken.min(body.len())..);
            state.pieces.clear();
            if !rest.is_empty() {
                state.pieces.push_back(rest);
            }
            self.memory.give_back(std::mem::take(&mut state.charged));
            storing
        });
        state.ended = Some(ended);
        wake(state.reader.take(), state);
        storing
    }
}

/// Wakes whom it concerns when the lock is free again.
fn wake<E>(waker: Option<Waker>, state: parking_lot::MutexGuard<'_, State<E>>) {
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// A client's place in a fill.
pub(crate) struct Reader<E> {
    pipe: Arc<Pipe<E>>,
}

impl<E> Reader<E> {
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let mut state = self.pipe.state.lock();
        if let Some(piece) = state.pieces.pop_front() {
            state.taken += piece.len();
            if !state.keeps {
                let cost = (piece.len() as u64 + PIECE_COST).min(state.charged);
                state.charged -= cost;
                self.pipe.memory.give_back(cost);
            }
            let wants_more = !state.keeps && state.pieces.is_empty();
            let filler = state.filler.take_if(|_| wants_more);
            wake(filler, state);
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match state.ended.replace(Ended::Told) {
            Some(Ended::Complete(trailers)) => {
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            Some(Ended::Broken(error)) => Poll::Ready(Some(Err(error))),
            Some(Ended::Told) => Poll::Ready(None),
            None => {
                state.ended = None;
                // A fill that its executor dropped never ends. To wait is right: an end told here
                // would make half a body look whole.
                if state
                    .reader
                    .as_ref()
                    .is_none_or(|reader| !reader.will_wake(cx.waker()))
                {
                    state.reader = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        let state = self.pipe.state.lock();
        let over = matches!(state.ended, Some(Ended::Told | Ended::Complete(None)));
        over && state.pieces.is_empty()
    }

    /// Lets the fill go on by itself: the client needs no body.
    pub(crate) fn leave_running(self) {
        let mut state = self.pipe.state.lock();
        state.presence = Presence::NotNeeded;
        state.pieces.clear();
    }
}

impl<E> Drop for Reader<E> {
    fn drop(&mut self) {
        let mut state = self.pipe.state.lock();
        if state.presence == Presence::Here {
            state.presence = Presence::Gone;
            state.pieces.clear();
            wake(state.filler.take(), state);
        }
    }
}
