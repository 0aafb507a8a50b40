//! A request's body on its way to the upstream.
//!
//! Connections are kept for all callers, so the body they send has one concrete type,
//! [`RequestBody`]; the caller's own body is read by a [`Pump`] in the caller's future. Between the
//! two lies a [`Feed`] with room for one piece, so a slow upstream slows the client down.
//!
//! The feed holds what was already sent, up to 64 KiB, until the response head: as long as it holds
//! all of it, a further try can start from the first byte.

mod pump;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;

pub(crate) use self::pump::{BoxError, Pump};

/// How much of a body is held for a further try.
const HELD_MAX: usize = 64 * 1024;

/// The lock is never contended on HTTP/1, where one task drives both sides.
#[derive(Debug)]
pub(crate) struct Feed(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Which try reads: a body of an earlier one gets an error.
    reader: u32,
    /// What was sent already, while it can be held.
    held: Vec<Piece>,
    held_bytes: usize,
    /// How many of `held` the present reader has taken.
    taken: usize,
    /// Whether `held` is not all that was sent.
    lost: bool,
    /// Whether a further try is still possible at all.
    holding: bool,
    next: Option<Piece>,
    end: End,
    /// When the last byte came from the client.
    ended_at: Option<Instant>,
    /// Grows with each piece that a reader takes.
    progress: u64,
    wants: Option<Waker>,
    has_room: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Whole,
    Failed,
}

#[derive(Clone, Debug)]
enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
}

impl Piece {
    fn len(&self) -> usize {
        match self {
            Self::Data(data) => data.len(),
            // A rough figure bounds what is held as well as an exact one.
            Self::Trailers(trailers) => trailers.len() * 64,
        }
    }
}

impl From<Piece> for Frame<Bytes> {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Data(data) => Self::data(data),
            Piece::Trailers(trailers) => Self::trailers(trailers),
        }
    }
}

/// Where the body stands, as the time limits want to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The next byte is the client's to send: no limit of ours runs.
    pub(crate) on_client: bool,
    /// Differs between two looks when the upstream took something in between.
    pub(crate) progress: u64,
    /// When the client had sent all.
    pub(crate) ended_at: Option<Instant>,
}

impl Feed {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            reader: 0,
            held: Vec::new(),
            held_bytes: 0,
            taken: 0,
            lost: false,
            holding: true,
            next: None,
            end: End::Open,
            ended_at: None,
            progress: 0,
            wants: None,
            has_room: None,
        })))
    }

    /// A body that starts from the first byte, for a further try or the first; `None` where what was
    /// sent is not held any more.
    pub(crate) fn body(self: &Arc<Self>, size: SizeHint) -> Option<RequestBody> {
        let mut state = self.0.lock();
        if state.lost {
            return None;
        }
        state.reader += 1;
        state.taken = 0;
        Some(RequestBody(Some(Reader {
            feed: Arc::clone(self),
            number: state.reader,
            size,
        })))
    }

    /// Whether [`Feed::body`] would give one.
    pub(crate) fn is_held(&self) -> bool {
        !self.0.lock().lost
    }

    /// No further try will come: what is held is let go, and nothing more is held.
    pub(crate) fn let_go(&self) {
        let mut state = self.0.lock();
        state.holding = false;
        // What the reader still has to take stays.
        if state.taken == state.held.len() {
            state.release();
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        let state = self.0.lock();
        Standing {
            on_client: state.end == End::Open
                && state.next.is_none()
                && state.taken == state.held.len(),
            progress: state.progress,
            ended_at: state.ended_at,
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.0.lock().end == End::Failed
    }

    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if state.next.is_none() {
            return Poll::Ready(());
        }
        keep_waker(&mut state.has_room, cx);
        Poll::Pending
    }

    fn put(&self, piece: Piece) {
        let mut state = self.0.lock();
        state.next = Some(piece);
        wake(&mut state.wants);
    }

    fn end(&self, end: End, now: Instant) {
        let mut state = self.0.lock();
        state.end = end;
        state.ended_at = Some(now);
        wake(&mut state.wants);
    }
}

impl State {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Piece, BodyGone>>> {
        if let Some(again) = self.held.get(self.taken) {
            let piece = again.clone();
            self.taken += 1;
            self.progress += 1;
            if !self.holding && self.taken == self.held.len() {
                self.release();
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        if let Some(piece) = self.next.take() {
            self.progress += 1;
            self.hold(&piece);
            wake(&mut self.has_room);
            return Poll::Ready(Some(Ok(piece)));
        }
        match self.end {
            End::Whole => Poll::Ready(None),
            End::Failed => Poll::Ready(Some(Err(BodyGone))),
            End::Open => {
                keep_waker(&mut self.wants, cx);
                Poll::Pending
            }
        }
    }

    fn hold(&mut self, piece: &Piece) {
        if self.lost {
            return;
        }
        if self.holding && self.held_bytes + piece.len() <= HELD_MAX {
            self.held_bytes += piece.len();
            self.held.push(piece.clone());
            self.taken += 1;
        } else {
            self.release();
        }
    }

    fn release(&mut self) {
        // A body of which nothing was sent yet is not lost, even where nothing is held.
        self.lost = true;
        self.held = Vec::new();
        self.held_bytes = 0;
        self.taken = 0;
    }

    fn is_end(&self) -> bool {
        self.end == End::Whole && self.next.is_none() && self.taken == self.held.len()
    }
}

fn keep_waker(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

fn wake(place: &mut Option<Waker>) {
    if let Some(waker) = place.take() {
        waker.wake();
    }
}

/// What a connection sends: nothing, or what a feed brings.
#[derive(Debug)]
pub(crate) struct RequestBody(Option<Reader>);

#[derive(Debug)]
struct Reader {
    feed: Arc<Feed>,
    number: u32,
    size: SizeHint,
}

impl RequestBody {
    /// A body without a byte; it allocates nothing.
    pub(crate) fn empty() -> Self {
        Self(None)
    }
}

/// The client's body failed, or another try reads it now. The cause stays with the pump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request body came to no good end")]
pub(crate) struct BodyGone;

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyGone;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyGone>>> {
        let Some(reader) = &self.0 else {
            return Poll::Ready(None);
        };
        let mut state = reader.feed.0.lock();
        if state.reader != reader.number {
            return Poll::Ready(Some(Err(BodyGone)));
        }
        state
            .poll_next(cx)
            .map(|next| next.map(|piece| piece.map(Frame::from)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            None => true,
            Some(reader) => {
                let state = reader.feed.0.lock();
                state.reader == reader.number && state.is_end()
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            None => SizeHint::with_exact(0),
            Some(reader) => reader.size,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn next(body: &mut RequestBody) -> Poll<Option<Result<Bytes, BodyGone>>> {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(body)
            .poll_frame(&mut cx)
            .map(|frame| frame.map(|frame| frame.map(|frame| frame.into_data().unwrap())))
    }

    fn data(text: &'static [u8]) -> Piece {
        Piece::Data(Bytes::from_static(text))
    }

    fn ready(text: &'static [u8]) -> Poll<Option<Result<Bytes, BodyGone>>> {
        Poll::Ready(Some(Ok(Bytes::from_static(text))))
    }

    #[test]
    fn a_further_try_starts_from_the_first_byte() {
        let feed = Feed::new();
        let mut first = feed.body(SizeHint::default()).unwrap();
        feed.put(data(b"one"));
        assert_eq!(next(&mut first), ready(b"one"));
        feed.put(data(b"two"));
        let mut second = feed.body(SizeHint::default()).unwrap();
        assert_eq!(next(&mut first), Poll::Ready(Some(Err(BodyGone))));
        assert_eq!(next(&mut second), ready(b"one"));
        assert_eq!(next(&mut second), ready(b"two"));
        assert_eq!(next(&mut second), Poll::Pending);
        feed.end(End::Whole, Instant::now());
        assert!(second.is_end_stream());
        assert_eq!(next(&mut second), Poll::Ready(None));
        let mut third = feed.body(SizeHint::default()).unwrap();
        assert_eq!(next(&mut third), ready(b"one"));
    }

    #[test]
    fn more_than_the_bound_is_not_held() {
        let feed = Feed::new();
        let mut body = feed.body(SizeHint::default()).unwrap();
        for _ in 0..64 {
            feed.put(Piece::Data(Bytes::from(vec![0; 1024])));
            assert!(next(&mut body).is_ready());
        }
        assert!(feed.is_held());
        feed.put(data(b"x"));
        assert_eq!(next(&mut body), ready(b"x"));
        assert!(!feed.is_held());
        assert!(feed.body(SizeHint::default()).is_none());
        feed.put(data(b"y"));
        assert_eq!(next(&mut body), ready(b"y"));
    }

    #[test]
    fn what_was_let_go_still_reaches_the_present_try() {
        let feed = Feed::new();
        let mut first = feed.body(SizeHint::default()).unwrap();
        feed.put(data(b"one"));
        assert_eq!(next(&mut first), ready(b"one"));
        let mut second = feed.body(SizeHint::default()).unwrap();
        feed.let_go();
        assert_eq!(next(&mut second), ready(b"one"));
        feed.put(data(b"two"));
        assert_eq!(next(&mut second), ready(b"two"));
        assert!(!feed.is_held());
    }

    #[test]
    fn the_standing_tells_whose_turn_it_is() {
        let feed = Feed::new();
        let mut body = feed.body(SizeHint::default()).unwrap();
        assert!(feed.standing().on_client);
        feed.put(data(b"one"));
        assert!(!feed.standing().on_client);
        let before = feed.standing().progress;
        assert!(next(&mut body).is_ready());
        assert!(feed.standing().on_client);
        assert_ne!(feed.standing().progress, before);
        let now = Instant::now();
        feed.end(End::Whole, now);
        let standing = feed.standing();
        assert!(!standing.on_client && standing.ended_at == Some(now));
    }
}
