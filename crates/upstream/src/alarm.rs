//! One timer for all that waits on a worker.
//!
//! Nearly every wait for a response ends long before its limit. A timer of the runtime's for each is set and taken off for nothing, at
//! a cost of five hundred instructions; here a wait is a place in a list, and a single timer, set for the first limit that was seen,
//! looks through the list when it fires.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time;

/// The waits of one worker.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    waits: Mutex<Waits>,
    /// Tells the timer of a limit that is before the one that it is set for.
    earlier: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Waits {
    all: Vec<Option<Wait>>,
    free: Vec<usize>,
    /// When the timer fires next; `None` where there is no timer.
    next: Option<Instant>,
}

#[derive(Debug)]
struct Wait {
    end: Instant,
    waker: Waker,
    /// Its end has passed.
    is_over: bool,
}

/// One wait, begun when it is first polled.
#[derive(Debug)]
pub(crate) struct Alarm<'a> {
    alarms: &'a Arc<Alarms>,
    place: Option<usize>,
}

impl<'a> Alarm<'a> {
    pub(crate) fn of(alarms: &'a Arc<Alarms>) -> Self {
        Self {
            alarms,
            place: None,
        }
    }

    /// Ready when `end`, which may be another at each call, has passed. Must be called inside a tokio runtime with time.
    pub(crate) fn poll(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut waits = self.alarms.waits.lock();
        match self.place.and_then(|place| waits.all[place].as_mut()) {
            Some(wait) if wait.is_over && wait.end >= end => return Poll::Ready(()),
            Some(wait) => {
                wait.end = end;
                wait.is_over = false;
                wait.waker.clone_from(cx.waker());
            }
            None => {
                self.place = Some(waits.begin(Wait {
                    end,
                    waker: cx.waker().clone(),
                    is_over: false,
                }));
            }
        }
        match waits.next {
            Some(next) if next <= end => {}
            Some(_) => {
                waits.next = Some(end);
                self.alarms.earlier.notify_one();
            }
            None => {
                waits.next = Some(end);
                tokio::spawn(run(Timer::of(self.alarms)));
            }
        }
        Poll::Pending
    }

    /// Ends the wait.
    pub(crate) fn clear(&mut self) {
        if let Some(place) = self.place.take() {
            self.alarms.waits.lock().end(place);
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Waits {
    fn begin(&mut self, wait: Wait) -> usize {
        if let Some(place) = self.free.pop() {
            self.all[place] = Some(wait);
            return place;
        }
        self.all.push(Some(wait));
        self.all.len() - 1
    }

    fn end(&mut self, place: usize) {
        self.all[place] = None;
        self.free.push(place);
    }

    /// Marks what is over, and says when to look again, and who is to be woken.
    fn ring(&mut self, now: Instant) -> (Option<Instant>, Vec<Waker>) {
        let mut over = Vec::new();
        self.next = None;
        for wait in self.all.iter_mut().flatten() {
            if wait.end <= now {
                if !wait.is_over {
                    over.push(wait.waker.clone());
                }
                wait.is_over = true;
            } else {
                self.next = Some(self.next.map_or(wait.end, |next| next.min(wait.end)));
            }
        }
        if self.free.len() == self.all.len() {
            // A crowd's room is not kept when it is gone.
            (self.all, self.free) = (Vec::new(), Vec::new());
        }
        (self.next, over)
    }
}

/// Looks after waits as long as there are some; says that nobody does when it ends, also when its runtime is gone.
struct Timer {
    alarms: Weak<Alarms>,
    earlier: Arc<Notify>,
    is_done: bool,
}

impl Timer {
    fn of(alarms: &Arc<Alarms>) -> Self {
        Self {
            alarms: Arc::downgrade(alarms),
            earlier: Arc::clone(&alarms.earlier),
            is_done: false,
        }
    }

    /// Wakes whom it is time to; until when there is nothing to do.
    fn ring(&mut self) -> Option<Instant> {
        let alarms = self.alarms.upgrade()?;
        let (next, over) = alarms.waits.lock().ring(time::Instant::now().into_std());
        self.is_done = next.is_none();
        for waker in over {
            waker.wake();
        }
        next
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // Else there may be another one by now.
        if !self.is_done
            && let Some(alarms) = self.alarms.upgrade()
        {
            alarms.waits.lock().next = None;
        }
    }
}

async fn run(mut timer: Timer) {
    while let Some(next) = timer.ring() {
        tokio::select! {
            () = time::sleep_until(next.into()) => {}
            () = timer.earlier.notified() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Waits, and says how long it took.
    async fn wait(alarms: &Arc<Alarms>, length: Duration) -> Duration {
        let start = time::Instant::now();
        let mut alarm = Alarm::of(alarms);
        let end = (start + length).into_std();
        poll_fn(|cx| alarm.poll(end, cx)).await;
        start.elapsed()
    }

    #[track_caller]
    fn check(took: Duration, wanted: Duration) {
        assert!(
            took >= wanted && took < wanted + Duration::from_millis(5),
            "{took:?} for {wanted:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_ends_at_its_own_time() {
        let alarms = Arc::new(Alarms::default());
        let (long, short, middle) = tokio::join!(
            wait(&alarms, s(15)),
            wait(&alarms, s(1)),
            wait(&alarms, s(4))
        );
        check(long, s(15));
        check(short, s(1));
        check(middle, s(4));
        check(wait(&alarms, s(2)).await, s(2));
        assert!(alarms.waits.lock().all.iter().all(Option::is_none));
    }

    #[tokio::test(start_paused = true)]
    async fn a_shorter_wait_may_begin_later() {
        let alarms = Arc::new(Alarms::default());
        let later = async {
            sleep(s(3)).await;
            wait(&alarms, s(1)).await
        };
        let (long, short) = tokio::join!(wait(&alarms, s(15)), later);
        check(long, s(15));
        check(short, s(1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_may_move() {
        let alarms = Arc::new(Alarms::default());
        let start = time::Instant::now();
        let at = |seconds| (start + s(seconds)).into_std();
        let mut alarm = Alarm::of(&alarms);
        let early = timeout(s(2), poll_fn(|cx| alarm.poll(at(10), cx))).await;
        assert!(early.is_err());
        let early = timeout(s(10), poll_fn(|cx| alarm.poll(at(20), cx))).await;
        assert!(early.is_err(), "the end before does not count");
        poll_fn(|cx| alarm.poll(at(14), cx)).await;
        check(start.elapsed(), s(14));
        alarm.clear();
        poll_fn(|cx| alarm.poll(at(30), cx)).await;
        check(start.elapsed(), s(30));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_is_given_up_leaves_nothing() {
        let alarms = Arc::new(Alarms::default());
        for _ in 0..100 {
            let given_up = timeout(s(1), wait(&alarms, s(15))).await;
            assert!(given_up.is_err());
        }
        assert_eq!(alarms.waits.lock().all.len(), 1);
        sleep(s(31)).await;
        let waits = alarms.waits.lock();
        assert!(waits.all.is_empty() && waits.next.is_none());
    }

    #[test]
    fn the_timer_of_a_runtime_that_is_gone_is_replaced() {
        let alarms = Arc::new(Alarms::default());
        let runtime = || {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            builder.enable_time().start_paused(true).build().unwrap()
        };
        let given_up = runtime().block_on(async { timeout(s(1), wait(&alarms, s(15))).await });
        assert!(given_up.is_err());
        check(
            runtime().block_on(async { wait(&alarms, s(3)).await }),
            s(3),
        );
    }
}
