//! What passes from a fill to its readers.
//!
//! Pieces are held once for all of them. A reader only knows its place; each piece counts the readers
//! that stand before it, so to take one, to leave and to let go of what all have taken cost the same
//! however many read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Frame;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use crate::body::CacheBodyError;
use crate::fill_memory::FillMemory;

pub(super) struct Pipe {
    state: Mutex<State>,
    memory: Arc<FillMemory>,
}

#[derive(Default)]
struct State {
    /// What is held of the body, the oldest first.
    pieces: VecDeque<Piece>,
    /// How many pieces were let go.
    gone: usize,
    /// How many readers have taken all that has come.
    abreast: usize,
    /// The complete body, in which all readers go on: no piece is held beside it.
    whole: Option<Bytes>,
    ended: Option<Ended>,
    /// The body is still kept from its beginning.
    keeps: bool,
    readers: usize,
    tickets: usize,
    /// The fill goes on without a reader.
    unattended: bool,
    /// The readers that wait, by their seats.
    wakers: SmallVec<[Option<Waker>; 1]>,
    free: Vec<usize>,
    filler: Option<Waker>,
    /// Taken from the memory of all fills.
    charged: u64,
}

struct Piece {
    data: Bytes,
    /// How many readers take it next.
    here: usize,
    charged: u64,
}

pub(super) enum Ended {
    Complete(Option<HeaderMap>),
    Broken(CacheBodyError),
}

/// What a fill does next.
pub(super) enum Step {
    Read,
    Wait,
    Stop,
}

/// Where a reader is.
pub(super) struct Place {
    seat: usize,
    /// The number of the piece that it takes next.
    next: usize,
    /// How many bytes it has taken.
    taken: usize,
    /// It knows of the end.
    told: bool,
}

impl State {
    fn is_deserted(&self) -> bool {
        self.readers == 0 && self.tickets == 0
    }

    fn seat(&mut self) -> Place {
        let seat = self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        });
        self.readers += 1;
        if self.whole.is_none() {
            *self.count_at(0) += 1;
        }
        Place {
            seat,
            next: 0,
            taken: 0,
            told: false,
        }
    }

    fn unseat(&mut self, place: &Place) -> Option<Waker> {
        self.free.push(place.seat);
        self.readers -= 1;
        if self.whole.is_none() {
            *self.count_at(place.next) -= 1;
        }
        self.wakers[place.seat].take()
    }

    /// How many readers take the piece of this number next.
    fn count_at(&mut self, number: usize) -> &mut usize {
        // A piece with readers before it is never let go, so no reader is behind the first.
        match self.pieces.get_mut(number - self.gone) {
            Some(piece) => &mut piece.here,
            None => &mut self.abreast,
        }
    }

    fn take(&mut self, place: &mut Place) -> Option<Bytes> {
        let data = if let Some(whole) = &self.whole {
            whole.slice(place.taken..)
        } else {
            let data = self.pieces.get(place.next - self.gone)?.data.clone();
            *self.count_at(place.next) -= 1;
            place.next += 1;
            *self.count_at(place.next) += 1;
            data
        };
        place.taken += data.len();
        Some(data).filter(|data| !data.is_empty())
    }

    fn has_taken_all(&self, place: &Place) -> bool {
        match &self.whole {
            Some(whole) => place.taken == whole.len(),
            None => place.next == self.gone + self.pieces.len(),
        }
    }

    /// Lets go of what nobody will take any more.
    fn let_go(&mut self, memory: &FillMemory) {
        if self.keeps || self.tickets > 0 {
            return;
        }
        while let Some(piece) = self.pieces.pop_front_if(|piece| piece.here == 0) {
            self.gone += 1;
            self.charged -= piece.charged;
            memory.give_back(piece.charged);
        }
    }

    /// The fill, if what a reader has just done concerns it.
    fn filler_to_wake(&mut self) -> Option<Waker> {
        let is_due = self.is_deserted() || (!self.keeps && self.pieces.is_empty());
        self.filler.take_if(|_| is_due)
    }
}

type Wakers = SmallVec<[Waker; 4]>;

/// Wakes whom it concerns when the lock is free again.
fn wake(wakers: impl IntoIterator<Item = Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    for waker in wakers {
        waker.wake();
    }
}

/// Remembers whom to wake; what was remembered before is for the caller to drop, without the lock.
fn remember(held: &mut Option<Waker>, waker: &Waker) -> Option<Waker> {
    if held.as_ref().is_some_and(|held| held.will_wake(waker)) {
        return None;
    }
    held.replace(waker.clone())
}

/// What the fill does.
impl Pipe {
    pub(super) fn new(memory: Arc<FillMemory>, unattended: bool) -> Arc<Self> {
        let state = State {
            keeps: true,
            unattended,
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            memory,
        })
    }

    pub(super) fn memory(&self) -> &FillMemory {
        &self.memory
    }

    pub(super) fn next_step(&self, cx: &Context<'_>) -> Step {
        let mut state = self.state.lock();
        if state.ended.is_some() {
            return Step::Stop;
        }
        // What is neither read nor stored is for nobody.
        if state.is_deserted() && !(state.unattended && state.keeps) {
            self.finish(state, Ended::Broken(CacheBodyError::abandoned()), None);
            return Step::Stop;
        }
        let before = remember(&mut state.filler, cx.waker());
        let step = if state.keeps || state.pieces.is_empty() {
            Step::Read
        } else {
            Step::Wait
        };
        drop(state);
        drop(before);
        step
    }

    /// Hands on a piece with what was taken from the memory for it; with nothing, none is kept any more.
    pub(super) fn put(&self, data: Bytes, charge: Option<u64>) {
        let mut state = self.state.lock();
        state.keeps &= charge.is_some();
        let charged = charge.unwrap_or_default();
        state.charged += charged;
        let piece = Piece {
            data,
            here: std::mem::take(&mut state.abreast),
            charged,
        };
        state.pieces.push_back(piece);
        state.let_go(&self.memory);
        let wakers: Wakers = state.wakers.iter_mut().filter_map(Option::take).collect();
        wake(wakers, state);
    }

    /// The whole body in one piece, where all of it was kept.
    pub(super) fn join(&self) -> Bytes {
        let pieces: Vec<Bytes> = {
            let state = self.state.lock();
            state
                .pieces
                .iter()
                .map(|piece| piece.data.clone())
                .collect()
        };
        match pieces.as_slice() {
            [one] => one.clone(),
            pieces => Bytes::from(pieces.concat()),
        }
    }

    /// Tells the end. Readers go on in `whole`, which its holder answers for: it is charged no more.
    pub(super) fn end(&self, ended: Ended, whole: Option<Bytes>) {
        self.finish(self.state.lock(), ended, whole);
    }

    /// Tells the end of a fill that is no more, if it had none.
    pub(super) fn abandon(&self) {
        let state = self.state.lock();
        if state.ended.is_none() {
            self.finish(state, Ended::Broken(CacheBodyError::abandoned()), None);
        }
    }

    fn finish(&self, mut state: MutexGuard<'_, State>, ended: Ended, whole: Option<Bytes>) {
        state.keeps = false;
        state.ended = Some(ended);
        let filler = state.filler.take();
        let mut pieces = VecDeque::new();
        if whole.is_some() {
            state.whole = whole;
            pieces = std::mem::take(&mut state.pieces);
            self.memory.give_back(std::mem::take(&mut state.charged));
        } else {
            state.let_go(&self.memory);
        }
        let wakers: Wakers = state.wakers.iter_mut().filter_map(Option::take).collect();
        wake(wakers, state);
        drop((filler, pieces));
    }
}

/// What readers do.
impl Pipe {
    pub(super) fn poll_frame(
        &self,
        place: &mut Place,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CacheBodyError>>> {
        let mut state = self.state.lock();
        if let Some(data) = state.take(place) {
            state.let_go(&self.memory);
            wake(state.filler_to_wake(), state);
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        let Some(ended) = &state.ended else {
            let before = remember(&mut state.wakers[place.seat], cx.waker());
            drop(state);
            drop(before);
            return Poll::Pending;
        };
        if std::mem::replace(&mut place.told, true) {
            return Poll::Ready(None);
        }
        Poll::Ready(match ended {
            Ended::Complete(trailers) => trailers
                .clone()
                .map(|trailers| Ok(Frame::trailers(trailers))),
            Ended::Broken(error) => Some(Err(error.clone())),
        })
    }

    pub(super) fn is_over(&self, place: &Place) -> bool {
        let state = self.state.lock();
        place.told
            || (matches!(state.ended, Some(Ended::Complete(None))) && state.has_taken_all(place))
    }

    /// A place at the beginning.
    pub(super) fn enter(&self) -> Place {
        self.state.lock().seat()
    }

    pub(super) fn leave(&self, place: &Place) {
        let mut state = self.state.lock();
        let own = state.unseat(place);
        state.let_go(&self.memory);
        wake(state.filler_to_wake(), state);
        drop(own);
    }

    /// Holds the beginning for one who will enter, where it is still there and the body not broken.
    pub(super) fn promise(&self) -> bool {
        let mut state = self.state.lock();
        let is_there = state.keeps || state.whole.is_some();
        state.tickets += usize::from(is_there);
        is_there
    }

    /// Holds the beginning, which is already held, for one more.
    pub(super) fn promise_another(&self) {
        self.state.lock().tickets += 1;
    }

    /// Ends one promise.
    pub(super) fn redeem(&self) {
        let mut state = self.state.lock();
        state.tickets -= 1;
        state.let_go(&self.memory);
        wake(state.filler_to_wake(), state);
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.memory.give_back(self.state.get_mut().charged);
    }
}
