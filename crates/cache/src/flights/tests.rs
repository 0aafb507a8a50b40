use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::Wake;

use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn key(number: usize) -> CacheKey {
    CacheKey::new("space", format!("GET https://example.com/{number}"))
}

fn lead<T: Clone>(flights: &Arc<Flights<T>>, key: &CacheKey) -> Lead<T> {
    match flights.join(key) {
        Joined::Leads(lead) => lead,
        _ => panic!("another leads"),
    }
}

fn follow<T: Clone>(flights: &Arc<Flights<T>>, key: &CacheKey) -> Waiting<T> {
    match flights.join(key) {
        Joined::Follows(waiting) => waiting,
        _ => panic!("nothing to wait for"),
    }
}

fn poll<T: Clone>(waiting: &mut Waiting<T>, woken: &Arc<Woken>) -> Option<Landing<T>> {
    let waker = Waker::from(Arc::clone(woken));
    match Pin::new(waiting).poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(landing) => Some(landing),
        Poll::Pending => None,
    }
}

#[test]
fn each_who_waits_gets_the_outcome_and_the_flight_is_gone() {
    let (flights, woken) = (Flights::new(9), Arc::default());
    let first = lead(&flights, &key(1));
    assert!(!first.is_awaited());
    let mut waiting = [follow(&flights, &key(1)), follow(&flights, &key(1))];
    assert!(first.is_awaited());
    assert_eq!(poll(&mut waiting[0], &woken), None);
    // Another key has nothing to do with it.
    drop(lead(&flights, &key(2)));
    assert_eq!((flights.len(), woken.0.load(SeqCst)), (1, 0));

    let outcome = Arc::new(());
    first.land(Arc::clone(&outcome));
    assert_eq!((flights.len(), woken.0.load(SeqCst)), (0, 1));
    for waiting in &mut waiting {
        assert!(matches!(poll(waiting, &woken), Some(Landing::Landed(_))));
        assert_eq!(poll(waiting, &woken), None, "told once");
    }
    assert_eq!(Arc::strong_count(&outcome), 1, "held by nobody");
    lead(&flights, &key(1)).land(Arc::default());
}

#[test]
fn a_lead_that_is_dropped_lets_one_of_the_others_lead() {
    let (flights, woken) = (Flights::<u8>::new(9), Arc::default());
    let first = lead(&flights, &key(1));
    let mut waiting = follow(&flights, &key(1));
    assert_eq!(poll(&mut waiting, &woken), None);
    drop(first);
    assert_eq!(woken.0.load(SeqCst), 1);
    assert_eq!(poll(&mut waiting, &woken), Some(Landing::Abandoned));
    assert_eq!(flights.len(), 0);
    lead(&flights, &key(1)).land(1);
}

#[test]
fn no_more_wait_than_may() {
    let flights = Flights::new(2);
    let first = lead(&flights, &key(1));
    let waiting = [follow(&flights, &key(1)), follow(&flights, &key(1))];
    assert!(matches!(flights.join(&key(1)), Joined::Full));
    drop(waiting);
    assert!(!first.is_awaited());
    // Whoever leaves makes room, and its seat is used again.
    for _ in 0..1000 {
        follow(&flights, &key(1));
    }
    let state = first.flight.state.lock();
    assert!(state.wakers.len() <= 2 && state.free.len() <= 2);
    drop(state);
    first.land(1);
    assert!(matches!(
        Flights::new(0).join(&key(1)),
        Joined::Leads(Lead::<u8> { .. })
    ));
}

#[test]
fn a_wait_that_ends_leaves_no_waker_and_no_outcome() {
    let (flights, woken) = (Flights::new(9), Arc::<Woken>::default());
    let first = lead(&flights, &key(1));
    let mut left = follow(&flights, &key(1));
    assert_eq!(poll(&mut left, &woken), None);
    assert_eq!(Arc::strong_count(&woken), 2);
    drop(left);
    assert_eq!(Arc::strong_count(&woken), 1);

    let slow = follow(&flights, &key(1));
    let outcome = Arc::new(());
    first.land(Arc::clone(&outcome));
    assert_eq!(Arc::strong_count(&outcome), 2, "for the one that waits");
    drop(slow);
    assert_eq!(Arc::strong_count(&outcome), 1);
}

#[test]
fn over_several_threads_one_leads_at_a_time_and_nobody_is_forgotten() {
    const THREADS: usize = 4;
    const JOINS: usize = 2000;
    const KEYS: usize = 3;
    let flights = Flights::<usize>::new(THREADS);
    let leads: [AtomicUsize; KEYS] = std::array::from_fn(|_| AtomicUsize::new(0));
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (flights, leads) = (&flights, &leads);
            scope.spawn(move || {
                runtime().block_on(async {
                    for join in 0..JOINS {
                        let at = (thread + join) % KEYS;
                        loop {
                            match flights.join(&key(at)) {
                                Joined::Leads(lead) => {
                                    assert_eq!(leads[at].fetch_add(1, SeqCst), 0);
                                    if join % 5 == 0 {
                                        std::thread::yield_now();
                                    }
                                    assert_eq!(leads[at].fetch_sub(1, SeqCst), 1);
                                    if join % 3 == 0 {
                                        drop(lead);
                                    } else {
                                        lead.land(at);
                                    }
                                    break;
                                }
                                Joined::Lands(_) => unreachable!("nothing stands"),
                                Joined::Follows(waiting) => match waiting.await {
                                    Landing::Landed(landed) => {
                                        assert_eq!(landed, at);
                                        break;
                                    }
                                    Landing::Abandoned => {}
                                },
                                Joined::Full => panic!("there are not so many threads"),
                            }
                        }
                    }
                });
            });
        }
    });
    assert_eq!(flights.len(), 0);
}

#[derive(Clone, Debug)]
enum Event {
    Joins(usize),
    Lands(usize),
    Abandons(usize),
    Polls(prop::sample::Index),
    Leaves(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        5 => (0_usize..3).prop_map(Event::Joins),
        1 => (0_usize..3).prop_map(Event::Lands),
        1 => (0_usize..3).prop_map(Event::Abandons),
        3 => any::<prop::sample::Index>().prop_map(Event::Polls),
        2 => any::<prop::sample::Index>().prop_map(Event::Leaves),
    ]
}

/// One that waits, as the model knows it.
struct Follower {
    waiting: Waiting<Arc<usize>>,
    at: usize,
    woken: Arc<Woken>,
    polled: bool,
    /// How its flight ended.
    ended: Option<Landing<Arc<usize>>>,
}

proptest! {
    /// Whatever happens in whatever order: everybody is told how the own flight ended and is woken for
    /// it, and nothing stays behind.
    #[test]
    fn whatever_happens_everybody_is_told(events in prop::collection::vec(event(), 0..80)) {
        const MAX: usize = 4;
        let flights = Flights::new(MAX);
        let mut leads: [Option<Lead<Arc<usize>>>; 3] = [None, None, None];
        let mut followers: Vec<Follower> = Vec::new();
        let outcomes: Vec<_> = (0..events.len()).map(Arc::new).collect();
        for (number, event) in events.into_iter().enumerate() {
            match event {
                Event::Joins(at) => {
                    let waiting = |follower: &&Follower| follower.at == at && follower.ended.is_none();
                    let count = followers.iter().filter(waiting).count();
                    match flights.join(&key(at)) {
                        Joined::Leads(lead) => assert!(leads[at].replace(lead).is_none()),
                        Joined::Lands(_) => unreachable!("nothing stands"),
                        Joined::Full => assert!(leads[at].is_some() && count == MAX),
                        Joined::Follows(waiting) => {
                            assert!(leads[at].is_some() && count < MAX);
                            followers.push(Follower {
                                waiting,
                                at,
                                woken: Arc::default(),
                                polled: false,
                                ended: None,
                            });
                        }
                    }
                }
                Event::Lands(at) => if let Some(lead) = leads[at].take() {
                    lead.land(Arc::clone(&outcomes[number]));
                    end(&mut followers, at, Some(&outcomes[number]));
                },
                Event::Abandons(at) => if leads[at].take().is_some() {
                    end(&mut followers, at, None);
                },
                Event::Polls(index) => if !followers.is_empty() {
                    let at = index.index(followers.len());
                    let follower = &mut followers[at];
                    let woken = follower.woken.0.load(SeqCst);
                    let landing = poll(&mut follower.waiting, &follower.woken);
                    assert_eq!(landing, follower.ended);
                    if landing.is_some() {
                        assert_eq!(woken, usize::from(follower.polled));
                        followers.swap_remove(at);
                    } else {
                        follower.polled = true;
                    }
                },
                Event::Leaves(index) => if !followers.is_empty() {
                    followers.swap_remove(index.index(followers.len()));
                },
            }
            assert_eq!(flights.len(), leads.iter().flatten().count());
            for (at, lead) in leads.iter().enumerate() {
                let awaited = followers.iter().any(|one| one.at == at && one.ended.is_none());
                assert!(lead.as_ref().is_none_or(|lead| lead.is_awaited() == awaited));
            }
        }
        drop((leads, followers));
        assert_eq!(flights.len(), 0);
        assert!(outcomes.iter().all(|outcome| Arc::strong_count(outcome) == 1));
    }
}

fn end(followers: &mut [Follower], at: usize, outcome: Option<&Arc<usize>>) {
    for follower in followers.iter_mut().filter(|one| one.at == at) {
        let landing = outcome.map_or(Landing::Abandoned, |outcome| {
            Landing::Landed(Arc::clone(outcome))
        });
        follower.ended.get_or_insert(landing);
    }
}

#[test]
fn what_stands_is_there_at_once_until_it_ends() {
    let flights = Flights::new(9);
    let lead = lead(&flights, &key(0));
    let mut waiting = follow(&flights, &key(0));
    let standing = lead.stand("now", "later");
    let woken = Arc::default();
    assert_eq!(poll(&mut waiting, &woken), Some(Landing::Landed("now")));
    assert!(matches!(flights.join(&key(0)), Joined::Lands("later")));
    drop(standing);
    assert_eq!(flights.len(), 0);
    assert!(matches!(flights.join(&key(0)), Joined::Leads(_)));
}

#[test]
fn a_lead_hears_when_nobody_waits_any_more() {
    let flights: Arc<Flights<()>> = Flights::new(9);
    let lead = lead(&flights, &key(0));
    let waits = [follow(&flights, &key(0)), follow(&flights, &key(0))];
    let woken: Arc<Woken> = Arc::default();
    let waker = Waker::from(Arc::clone(&woken));
    let cx = Context::from_waker(&waker);
    assert!(lead.poll_awaited(&cx));
    let [one, other] = waits;
    drop(one);
    assert_eq!(woken.0.load(SeqCst), 0);
    drop(other);
    assert_eq!(woken.0.load(SeqCst), 1);
    assert!(!lead.poll_awaited(&cx));
}
