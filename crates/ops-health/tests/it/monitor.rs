//! The monitor: side by side, under a timeout, behind a guard, from memory.

use std::future::{Future, pending};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use ops_health::{HealthMonitor, HealthReport, HealthSettings, PingCheck, Status};
use tokio::time::{Instant, advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn monitor() -> Arc<HealthMonitor> {
    HealthMonitor::new(&HealthSettings::default())
}

fn ping<F, Fut>(name: &str, ping: F) -> PingCheck<F>
where
    F: Fn() -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<()>> + Send,
{
    PingCheck::new(name, ping, Duration::from_millis(50))
}

fn status(report: &HealthReport, name: &str) -> Option<Status> {
    let check = report.checks.iter().find(|check| check.name == name)?;
    Some(check.last.as_ref()?.result.status)
}

fn detail<'a>(report: &'a HealthReport, name: &str, key: &str) -> &'a str {
    let check = report.checks.iter().find(|check| check.name == name);
    &check.unwrap().last.as_ref().unwrap().result.details[key]
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_hangs_or_panics_breaks_no_other() {
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("fails", || async {
        Err(io::Error::other("gone"))
    })));
    monitor.add_check(Arc::new(ping("hangs", pending)));
    monitor.add_check(Arc::new(ping("panics", || async { panic!("on purpose") })));
    monitor.add_check(Arc::new(ping("sound", || async { Ok(()) })));
    let began = Instant::now();
    let report = monitor.execute_all().await;
    assert_eq!(began.elapsed(), 2 * SECOND);
    assert_eq!(status(&report, "fails"), Some(Status::Unhealthy));
    assert_eq!(status(&report, "hangs"), Some(Status::Unhealthy));
    assert_eq!(status(&report, "panics"), Some(Status::Unhealthy));
    assert_eq!(status(&report, "sound"), Some(Status::Healthy));
    assert_eq!(detail(&report, "fails", "error"), "gone");
    assert_eq!(detail(&report, "hangs", "error"), "timed out");
    assert_eq!(detail(&report, "panics", "error"), "panicked: on purpose");
    assert_eq!(report.status, Status::Degraded);
}

#[tokio::test(start_paused = true)]
async fn checks_run_side_by_side() {
    let monitor = monitor();
    for name in ["a", "b", "c"] {
        let slow = || async {
            sleep(SECOND).await;
            Ok(())
        };
        monitor.add_check(Arc::new(ping(name, slow)));
    }
    let began = Instant::now();
    let report = monitor.execute_all().await;
    assert_eq!(began.elapsed(), SECOND);
    let check = report.checks[0].last.as_ref().unwrap();
    assert_eq!(check.result.latency, SECOND);
    assert_eq!(report.status, Status::Degraded);
}

#[tokio::test(start_paused = true)]
async fn a_critical_failure_is_the_whole_ones() {
    let monitor = monitor();
    let fails = ping("database", || async { Err(io::Error::other("gone")) });
    monitor.add_check(Arc::new(fails.critical()));
    assert_eq!(monitor.report().status, Status::Healthy);
    assert_eq!(monitor.execute_all().await.status, Status::Unhealthy);
}

#[tokio::test(start_paused = true)]
async fn reports_come_from_memory_and_tell_their_age() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("counts", move || {
        counted.fetch_add(1, SeqCst);
        async { Ok(()) }
    })));
    assert!(monitor.report().checks[0].last.is_none());
    monitor.execute_all().await;
    advance(3 * SECOND).await;
    for _ in 0..1000 {
        let report = monitor.report();
        assert_eq!(report.checks[0].last.as_ref().unwrap().age, 3 * SECOND);
        assert_eq!(report.uptime, 3 * SECOND);
    }
    assert_eq!(runs.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn rounds_come_at_the_interval_until_stopped() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("counts", move || {
        counted.fetch_add(1, SeqCst);
        async { Ok(()) }
    })));
    monitor.start_periodic_checks(10 * SECOND);
    sleep(25 * SECOND).await;
    assert_eq!(runs.load(SeqCst), 3);
    // A new interval takes over, the old one does not go on beside it.
    monitor.start_periodic_checks(SECOND);
    sleep(Duration::from_millis(4500)).await;
    assert_eq!(runs.load(SeqCst), 8);
    monitor.stop_periodic_checks();
    sleep(60 * SECOND).await;
    assert_eq!(runs.load(SeqCst), 8);
    assert_eq!(status(&monitor.report(), "counts"), Some(Status::Healthy));
}

#[tokio::test(start_paused = true)]
async fn rounds_end_with_their_monitor() {
    let monitor = monitor();
    let held = Arc::new(());
    let kept = Arc::clone(&held);
    monitor.add_check(Arc::new(ping("keeps", move || {
        let _ = &kept;
        async { Ok(()) }
    })));
    monitor.start_periodic_checks(SECOND);
    sleep(3 * SECOND).await;
    drop(monitor);
    sleep(3 * SECOND).await;
    assert_eq!(Arc::strong_count(&held), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_check_stops_no_round() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("hangs", pending)));
    monitor.add_check(Arc::new(ping("counts", move || {
        counted.fetch_add(1, SeqCst);
        async { Ok(()) }
    })));
    monitor.start_periodic_checks(SECOND);
    sleep(20 * SECOND).await;
    assert!(runs.load(SeqCst) >= 6);
}

#[tokio::test(start_paused = true)]
async fn a_check_never_runs_twice_at_once() {
    let running = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (now, seen) = (Arc::clone(&running), Arc::clone(&most));
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("single", move || {
        let (now, seen) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            seen.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            sleep(SECOND / 2).await;
            now.fetch_sub(1, SeqCst);
            Ok(())
        }
    })));
    let (one, two, three) = tokio::join!(
        monitor.execute_check("single"),
        monitor.execute_check("single"),
        monitor.execute_all(),
    );
    assert_eq!(most.load(SeqCst), 1);
    for status in [one.unwrap().status, two.unwrap().status, three.status] {
        assert_eq!(status, Status::Degraded);
    }
}

#[tokio::test(start_paused = true)]
async fn checks_come_and_go() {
    let monitor = monitor();
    assert!(monitor.execute_check("a").await.is_none());
    monitor.add_check(Arc::new(ping("a", || async { Ok(()) })));
    assert_eq!(
        monitor.execute_check("a").await.unwrap().status,
        Status::Healthy
    );
    // The successor has nothing to tell yet: what was found before stands.
    monitor.add_check(Arc::new(ping("a", || async {
        Err(io::Error::other("gone"))
    })));
    assert_eq!(status(&monitor.report(), "a"), Some(Status::Healthy));
    monitor.execute_all().await;
    assert_eq!(status(&monitor.report(), "a"), Some(Status::Unhealthy));
    assert!(monitor.remove_check("a"));
    assert!(!monitor.remove_check("a"));
    assert!(monitor.report().checks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_removed_check_still_finds_is_not_kept() {
    let monitor = monitor();
    monitor.add_check(Arc::new(ping("slow", || async {
        sleep(SECOND).await;
        Ok(())
    })));
    let (result, ()) = tokio::join!(monitor.execute_check("slow"), async {
        monitor.remove_check("slow");
    });
    assert_eq!(result.unwrap().status, Status::Degraded);
    assert!(monitor.report().checks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_a_local_check_gates_readiness() {
    let monitor = monitor();
    let fails = || async { Err(io::Error::other("gone")) };
    monitor.add_check(Arc::new(ping("critical", fails).critical()));
    monitor.execute_all().await;
    assert_eq!(monitor.failing_gate(), None);

    monitor.add_check(Arc::new(
        ping("disk", || async { Ok(()) }).gating_readiness(),
    ));
    assert_eq!(
        monitor.failing_gate().as_deref(),
        Some("disk"),
        "it has not run yet"
    );
    monitor.execute_all().await;
    assert_eq!(monitor.failing_gate(), None);

    monitor.add_check(Arc::new(ping("disk", fails).gating_readiness()));
    monitor.execute_all().await;
    assert_eq!(monitor.failing_gate().as_deref(), Some("disk"));
}
