//! Stopping: the order, the time each hook has, and what becomes of one that fails, hangs or panics.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ops_health::{
    CLOSE_LISTENERS, HookError, HookTime, Lifecycle, Priority, Shutdown, ShutdownSettings,
};
use tokio::time::{Instant, sleep, sleep_until};

const SECOND: Duration = Duration::from_secs(1);

/// The hooks that ran, each with the second in which it began.
type Row = Arc<Mutex<Vec<(&'static str, u64)>>>;

fn shutdown(delay: Duration) -> (Shutdown, Lifecycle) {
    let settings = ShutdownSettings {
        delay: Some(delay),
        timeout: 30 * SECOND,
    };
    let lifecycle = Lifecycle::new();
    lifecycle.mark_started();
    (Shutdown::new(&settings, lifecycle.clone()), lifecycle)
}

/// Registers a hook that notes its turn and then does `work`.
fn hook<W, Fut>(shutdown: &Shutdown, row: &Row, name: &'static str, priority: Priority, work: W)
where
    W: Fn(HookTime) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), HookError>> + Send + 'static,
{
    let (row, began) = (Arc::clone(row), Instant::now());
    shutdown.register_fn(name, priority, move |time| {
        row.lock().unwrap().push((name, began.elapsed().as_secs()));
        work(time)
    });
}

fn row(row: &Row) -> Vec<(&'static str, u64)> {
    row.lock().unwrap().clone()
}

async fn nothing(_: HookTime) -> Result<(), HookError> {
    Ok(())
}

async fn hangs(_: HookTime) -> Result<(), HookError> {
    pending().await
}

#[tokio::test(start_paused = true)]
async fn hooks_run_by_priority_after_the_delay() {
    let (shutdown, lifecycle) = shutdown(5 * SECOND);
    let ran = Row::default();
    hook(&shutdown, &ran, "flush", Priority::FLUSH, nothing);
    hook(&shutdown, &ran, "last", Priority::new(-5), nothing);
    hook(
        &shutdown,
        &ran,
        "stop-checks",
        Priority::STOP_CHECKS,
        nothing,
    );
    hook(
        &shutdown,
        &ran,
        CLOSE_LISTENERS,
        Priority::CLOSE_LISTENERS,
        |_| async {
            sleep(2 * SECOND).await;
            Ok(())
        },
    );
    hook(&shutdown, &ran, "flush-too", Priority::FLUSH, nothing);
    assert!(!shutdown.is_shutting_down() && !lifecycle.is_shutting_down());
    assert!(shutdown.begin());
    assert!(shutdown.is_shutting_down() && lifecycle.is_shutting_down());
    let report = shutdown.run().await;
    assert_eq!(
        row(&ran),
        [
            ("stop-checks", 5),
            (CLOSE_LISTENERS, 5),
            ("flush", 7),
            ("flush-too", 7),
            ("last", 7)
        ],
    );
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.took, 7 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_and_stops_nobody() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    let ran = Row::default();
    hook(&shutdown, &ran, "fails", Priority::new(3), |_| async {
        Err(HookError::failed("no room"))
    });
    hook(&shutdown, &ran, "fails-too", Priority::new(2), |_| async {
        Err(io::Error::other("gone").into())
    });
    hook(&shutdown, &ran, "panics", Priority::new(1), |_| async {
        panic!("on purpose")
    });
    hook(&shutdown, &ran, "last", Priority::new(0), nothing);
    let report = shutdown.run().await;
    assert_eq!(row(&ran).len(), 4);
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|(hook, how)| (hook.as_str(), how.as_str()))
        .collect();
    assert_eq!(
        failed,
        [
            ("fails", "no room"),
            ("fails-too", "gone"),
            ("panics", "panicked: on purpose")
        ],
    );
    assert_eq!(report.exit_code(), 0);
    assert!(report.cut.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_is_cut_at_half_and_named() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    let ran = Row::default();
    hook(&shutdown, &ran, "hangs", Priority::new(2), hangs);
    hook(&shutdown, &ran, "hangs-too", Priority::new(1), hangs);
    hook(&shutdown, &ran, "last", Priority::new(0), nothing);
    let report = shutdown.run().await;
    assert_eq!(row(&ran), [("hangs", 0), ("hangs-too", 15), ("last", 22)]);
    assert_eq!(report.cut, ["hangs", "hangs-too"]);
    assert_eq!(report.exit_code(), 124);
}

#[tokio::test(start_paused = true)]
async fn close_listeners_gets_all_but_the_last_tenth() {
    let (shutdown, _) = shutdown(5 * SECOND);
    let ran = Row::default();
    hook(
        &shutdown,
        &ran,
        CLOSE_LISTENERS,
        Priority::CLOSE_LISTENERS,
        hangs,
    );
    hook(&shutdown, &ran, "flush", Priority::FLUSH, nothing);
    let report = shutdown.run().await;
    assert_eq!(row(&ran), [(CLOSE_LISTENERS, 5), ("flush", 27)]);
    assert_eq!(report.cut, [CLOSE_LISTENERS]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_name_what_it_leaves_behind() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    let ran = Row::default();
    hook(
        &shutdown,
        &ran,
        CLOSE_LISTENERS,
        Priority::CLOSE_LISTENERS,
        |time| async move {
            // Tunnels are told at 80 % of the whole, the rest is named just before the end.
            let began = Instant::now();
            sleep_until(time.when_gone(0.8).into()).await;
            assert_eq!(began.elapsed(), 24 * SECOND);
            sleep_until(time.when_gone(0.95).into()).await;
            assert_eq!(began.elapsed(), 27 * SECOND, "never after its end");
            Err(HookError::StillRunning("2 requests".into()))
        },
    );
    let report = shutdown.run().await;
    assert_eq!(report.exit_code(), 124);
    assert!(report.cut[0].starts_with(CLOSE_LISTENERS), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_says_is_still_running_is_in_the_report() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    shutdown.register_fn(CLOSE_LISTENERS, Priority::CLOSE_LISTENERS, |_| async {
        Err(HookError::StillRunning("2 requests".into()))
    });
    assert_eq!(shutdown.run().await.cut, ["close-listeners: 2 requests"]);
}

#[tokio::test(start_paused = true)]
async fn the_delay_counts_and_leaves_hooks_without_time_named() {
    let settings = ShutdownSettings {
        delay: Some(60 * SECOND),
        timeout: 30 * SECOND,
    };
    let lifecycle = Lifecycle::new();
    lifecycle.mark_started();
    let shutdown = Shutdown::new(&settings, lifecycle);
    shutdown.register_fn("flush", Priority::FLUSH, nothing);
    let report = shutdown.run().await;
    assert_eq!(report.took, 30 * SECOND);
    assert_eq!(report.cut, ["flush"]);
    assert_eq!(report.exit_code(), 124);
}

#[tokio::test(start_paused = true)]
async fn the_whole_is_bounded_whatever_hangs() {
    let (shutdown, _) = shutdown(5 * SECOND);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        shutdown.register_fn(name, Priority::FLUSH, hangs);
    }
    let report = shutdown.run().await;
    assert!(report.took <= 30 * SECOND, "{:?}", report.took);
    assert_eq!(report.cut.len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_started_does_not_wait() {
    let shutdown = Shutdown::new(&ShutdownSettings::default(), Lifecycle::new());
    assert_eq!(shutdown.run().await.took, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn asking_twice_joins_the_first() {
    let (shutdown, _) = shutdown(SECOND);
    let ran = Row::default();
    hook(&shutdown, &ran, "once", Priority::FLUSH, nothing);
    assert!(shutdown.begin());
    sleep(SECOND / 2).await;
    assert!(!shutdown.begin());
    let (one, two) = tokio::join!(shutdown.run(), shutdown.run());
    assert_eq!(one, two);
    assert_eq!(one.took, SECOND);
    assert_eq!(shutdown.run().await, one);
    assert_eq!(row(&ran), [("once", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_leaves_the_rest_to_the_next() {
    let (shutdown, _) = shutdown(SECOND);
    let ran = Row::default();
    hook(&shutdown, &ran, "flush", Priority::FLUSH, nothing);
    let first = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    sleep(SECOND / 2).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(shutdown.run().await.took, SECOND);
    assert_eq!(row(&ran), [("flush", 1)]);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_hears_it() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    let waits = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.wait_for_shutdown().await }
    });
    sleep(SECOND).await;
    assert!(!waits.is_finished());
    shutdown.begin();
    waits.await.unwrap();
    shutdown.wait_for_shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_comes_late_has_its_turn() {
    let (shutdown, _) = shutdown(Duration::ZERO);
    let ran = Row::default();
    let (handle, late) = (shutdown.clone(), Arc::clone(&ran));
    hook(&shutdown, &ran, "first", Priority::FLUSH, move |_| {
        hook(&handle, &late, "late", Priority::FLUSH, nothing);
        async { Ok(()) }
    });
    shutdown.run().await;
    assert_eq!(row(&ran), [("first", 0), ("late", 0)]);
}
