//! Draining: everyone hears the signal, and nobody is forgotten.

use ops_health::Drain;
use tokio::task::yield_now;

#[tokio::test]
async fn drained_waits_for_the_last_watch() {
    let drain = Drain::new();
    let (first, second) = (drain.watch(), drain.watch());
    let third = second.clone();
    assert_eq!(drain.under_way(), 3);
    drain.begin();
    let drained = drain.drained();
    tokio::pin!(drained);
    for watch in [first, second, third] {
        tokio::select! {
            biased;
            () = &mut drained => panic!("a watch is still held"),
            () = yield_now() => {}
        }
        assert!(watch.is_signaled());
        drop(watch);
    }
    drained.await;
}

#[tokio::test]
async fn the_signal_is_heard_early_and_late() {
    let drain = Drain::new();
    let mut early = drain.watch();
    assert!(!early.is_signaled());
    let waits = tokio::spawn(async move { early.signaled().await });
    yield_now().await;
    assert!(!waits.is_finished());
    drain.begin();
    waits.await.unwrap();
    drain.watch().signaled().await;
}

#[tokio::test]
async fn without_anyone_there_is_nothing_to_wait_for() {
    Drain::new().drained().await;
    let mut left = Drain::new().watch();
    left.signaled().await;
}
