//! Who fetches what at this moment, and who waits for it?
//!
//! One table for all threads. The first who joins a key *leads*: it fetches, and lands the flight with
//! an outcome, of which each who *follows* gets a clone. A lead that is dropped before lets them know,
//! so that they can join anew.
//!
//! - There is never more than one lead a key.
//! - A flight is in the table from when its lead joins until it lands or is dropped, no longer.
//! - So many may wait for one flight and no more; nobody waits here for a time of its own.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::key::CacheKey;

#[cfg(test)]
mod tests;

/// Threads meet in one of so many parts of the table.
const SHARDS: usize = 64;

/// The fetches that are under way.
pub(crate) struct Flights<T> {
    shards: Box<[Mutex<Shard<T>>]>,
    hasher: foldhash::quality::RandomState,
    waiters_max: usize,
}

type Shard<T> = HashSet<ByKey<T>, foldhash::quality::RandomState>;

/// A flight under its key, which is in it alone.
struct ByKey<T>(Arc<Flight<T>>);

struct Flight<T> {
    key: CacheKey,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// How many have joined and not yet taken the outcome or gone.
    waiting: usize,
    /// Those that were polled, by their seats.
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
    /// The leader that has no client of its own, to hear that nobody waits any more.
    leader: Option<Waker>,
    progress: Progress<T>,
}

enum Progress<T> {
    Flying,
    /// The outcome goes with the last one that waits: nobody else holds the flight by now.
    Landed(T),
    /// It has landed, and who joins now gets this at once.
    Standing(T),
    Abandoned,
}

/// What a request becomes that joins a key.
pub(crate) enum Joined<T> {
    /// The first: it fetches.
    Leads(Lead<T>),
    /// Another fetches, and this one waits.
    Follows(Waiting<T>),
    /// Another fetches, and as many wait as may.
    Full,
    /// Another has landed, and its outcome still stands.
    Lands(T),
}

/// The duty to fetch; dropped without [`Lead::land`] the flight is abandoned.
pub(crate) struct Lead<T> {
    flights: Arc<Flights<T>>,
    flight: Arc<Flight<T>>,
    landed: bool,
}

/// An outcome that whoever joins gets, for as long as this lives.
pub(crate) struct Standing<T> {
    flights: Arc<Flights<T>>,
    flight: Arc<Flight<T>>,
}

/// One that waits for a flight; dropping it ends the wait.
pub(crate) struct Waiting<T> {
    /// None once it has ended.
    flight: Option<Arc<Flight<T>>>,
    seat: usize,
}

/// How a flight ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Landing<T> {
    /// With this outcome.
    Landed(T),
    /// Its lead was dropped; who still wants an outcome joins anew.
    Abandoned,
}

impl<T> PartialEq for ByKey<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<T> Eq for ByKey<T> {}

impl<T> Hash for ByKey<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

impl<T> Borrow<CacheKey> for ByKey<T> {
    fn borrow(&self) -> &CacheKey {
        &self.0.key
    }
}

impl<T> Flights<T> {
    /// An empty table in which at most `waiters_max` wait for one flight.
    pub(crate) fn new(waiters_max: usize) -> Arc<Self> {
        let hasher = foldhash::quality::RandomState::default();
        let shard = || Mutex::new(HashSet::with_hasher(hasher.clone()));
        Arc::new(Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher,
            waiters_max,
        })
    }

    /// How many flights there are.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Leads the flight of `key` if there is none, else waits for it.
    pub(crate) fn join(self: &Arc<Self>, key: &CacheKey) -> Joined<T>
    where
        T: Clone,
    {
        let mut shard = self.shard(key).lock();
        if let Some(ByKey(flight)) = shard.get(key) {
            // Under the shard's lock: a flight that can be found has not landed, or its outcome stands.
            let mut state = flight.state.lock();
            if let Progress::Standing(outcome) = &state.progress {
                return Joined::Lands(outcome.clone());
            }
            return match state.seat(self.waiters_max) {
                Some(seat) => Joined::Follows(Waiting {
                    flight: Some(Arc::clone(flight)),
                    seat,
                }),
                None => Joined::Full,
            };
        }
        let flight = Flight::new(key.clone(), Progress::Flying);
        shard.insert(ByKey(Arc::clone(&flight)));
        drop(shard);
        Joined::Leads(Lead {
            flights: Arc::clone(self),
            flight,
            landed: false,
        })
    }

    fn shard(&self, key: &CacheKey) -> &Mutex<Shard<T>> {
        // Bits that the set within the shard goes by last.
        let at = (self.hasher.hash_one(key) >> 40) & (SHARDS as u64 - 1);
        &self.shards[usize::try_from(at).unwrap_or_default()]
    }
}

impl<T> fmt::Debug for Flights<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Flights")
            .field("waiters_max", &self.waiters_max)
            .finish_non_exhaustive()
    }
}

impl<T> Flight<T> {
    fn new(key: CacheKey, progress: Progress<T>) -> Arc<Self> {
        Arc::new(Self {
            key,
            state: Mutex::new(State {
                waiting: 0,
                wakers: Vec::new(),
                free: Vec::new(),
                leader: None,
                progress,
            }),
        })
    }
}

impl<T> Lead<T> {
    /// Gives `outcome` to all who wait, and `later` to all who join while what is returned lives.
    pub(crate) fn stand(mut self, outcome: T, later: T) -> Standing<T> {
        self.landed = true;
        let key = &self.flight.key;
        let flight = Flight::new(key.clone(), Progress::Standing(later));
        let taken = {
            let mut shard = self.flights.shard(key).lock();
            let taken = shard.take(key);
            shard.insert(ByKey(Arc::clone(&flight)));
            taken
        };
        self.tell(taken, Progress::Landed(outcome));
        Standing {
            flights: Arc::clone(&self.flights),
            flight,
        }
    }

    /// As [`Lead::is_awaited`]; wakes the task of `cx` when the last one who waits has gone.
    pub(crate) fn poll_awaited(&self, cx: &Context<'_>) -> bool {
        let mut state = self.flight.state.lock();
        let is_same = state
            .leader
            .as_ref()
            .is_some_and(|leader| leader.will_wake(cx.waker()));
        let before = (!is_same).then(|| state.leader.replace(cx.waker().clone()));
        let is_awaited = state.waiting > 0;
        drop(state);
        drop(before);
        is_awaited
    }

    /// Gives `outcome` to all who wait; whoever joins from now on leads anew.
    pub(crate) fn land(mut self, outcome: T) {
        self.landed = true;
        self.finish(Progress::Landed(outcome));
    }

    /// Whether anybody waits at this moment.
    pub(crate) fn is_awaited(&self) -> bool {
        self.flight.state.lock().waiting > 0
    }

    fn finish(&self, progress: Progress<T>) {
        let key = &self.flight.key;
        let taken = self.flights.shard(key).lock().take(key);
        self.tell(taken, progress);
    }

    /// Ends the flight, which is out of the table, for those who wait.
    fn tell(&self, taken: Option<ByKey<T>>, progress: Progress<T>) {
        let mut state = self.flight.state.lock();
        let wakers = std::mem::take(&mut state.wakers);
        let unwanted = if state.waiting == 0 {
            Some(progress)
        } else {
            state.progress = progress;
            None
        };
        let leader = state.leader.take();
        drop(state);
        // Whatever is dropped or woken may do as it likes: no lock is held any more.
        drop((taken, unwanted, leader));
        for waker in wakers.into_iter().flatten() {
            waker.wake();
        }
    }
}

impl<T> Drop for Lead<T> {
    fn drop(&mut self) {
        if !self.landed {
            self.finish(Progress::Abandoned);
        }
    }
}

impl<T> Drop for Standing<T> {
    fn drop(&mut self) {
        let key = &self.flight.key;
        let mut shard = self.flights.shard(key).lock();
        let is_own = shard
            .get(key)
            .is_some_and(|ByKey(flight)| Arc::ptr_eq(flight, &self.flight));
        let taken = if is_own { shard.take(key) } else { None };
        drop(shard);
        drop(taken);
    }
}

impl<T> State<T> {
    fn seat(&mut self, waiters_max: usize) -> Option<usize> {
        if self.waiting >= waiters_max {
            return None;
        }
        self.waiting += 1;
        Some(self.free.pop().unwrap_or_else(|| {
            self.wakers.push(None);
            self.wakers.len() - 1
        }))
    }

    /// Ends one wait; the waker is for the caller to drop, without the lock.
    fn unseat(&mut self, seat: usize) -> Option<Waker> {
        self.waiting -= 1;
        self.free.push(seat);
        self.wakers.get_mut(seat).and_then(Option::take)
    }
}

impl<T: Clone> Future for Waiting<T> {
    type Output = Landing<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Landing<T>> {
        let Some(flight) = &self.flight else {
            return Poll::Pending;
        };
        let mut state = flight.state.lock();
        let landing = match &state.progress {
            Progress::Flying | Progress::Standing(_) => {
                let held = &mut state.wakers[self.seat];
                let is_same = held.as_ref().is_some_and(|held| held.will_wake(cx.waker()));
                let before = (!is_same).then(|| held.replace(cx.waker().clone()));
                drop(state);
                drop(before);
                return Poll::Pending;
            }
            Progress::Abandoned => Landing::Abandoned,
            Progress::Landed(outcome) => Landing::Landed(outcome.clone()),
        };
        drop(state);
        // It ends its wait as a drop does.
        drop(Waiting {
            flight: self.flight.take(),
            seat: self.seat,
        });
        Poll::Ready(landing)
    }
}

impl<T> Drop for Waiting<T> {
    fn drop(&mut self) {
        if let Some(flight) = self.flight.take() {
            let mut state = flight.state.lock();
            let waker = state.unseat(self.seat);
            let is_over = state.waiting == 0;
            let leader = state.leader.take_if(|_| is_over);
            drop(state);
            drop(waker);
            if let Some(leader) = leader {
                leader.wake();
            }
        }
    }
}
