use std::time::Duration;

use perf_monitor::{
    Arms, Monitor, MonitorSettings, Outcome, PerformanceMonitor, RouteLabel, RouteSlot, Sample,
    Window,
};

use crate::stage::{clock, monitor, pass, route};

fn sample(route: &RouteSlot, status: u16, millis: u64) -> Sample {
    Sample::new(
        route.index(),
        status,
        Duration::from_millis(millis),
        clock(),
    )
}

fn minutes(minutes: u64) -> Window {
    Window::Last(Duration::from_mins(minutes))
}

/// Records `per_step` samples every five seconds for `time`, folding as a program does.
fn load(monitor: &Monitor, route: &RouteSlot, time: Duration, per_step: u64) {
    let step = Duration::from_secs(5);
    for _ in 0..time.as_secs() / 5 {
        for _ in 0..per_step {
            monitor.shard(0).record(&sample(route, 200, 1));
        }
        pass(step);
        monitor.fold(clock());
    }
}

#[test]
fn windows_forget_and_the_start_does_not() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    load(&monitor, &route, Duration::from_hours(2), 10);
    let count = |window| monitor.route_metrics("a", window).unwrap().count;
    assert_eq!(count(Window::SinceStart), 14_400);
    // A window reaches back to a boundary of the slots of its age, at most a minute before it.
    for (window, expected) in [(1, 120), (5, 600), (15, 1_800), (60, 7_200)] {
        let found = count(minutes(window));
        assert!(
            (expected..=expected + 120).contains(&found),
            "{window}: {found}"
        );
        let rate = monitor.route_metrics("a", minutes(window)).unwrap().rate;
        assert!((rate - 2.0).abs() < 0.2, "{window}: {rate}");
    }
    assert_eq!(count(Window::Retention), count(minutes(60)));
    assert_eq!(count(minutes(600)), count(minutes(60)));
    pass(Duration::from_mins(62));
    monitor.fold(clock());
    assert_eq!(count(Window::Retention), 0);
    assert_eq!(monitor.stats().window_bytes, 0);
}

#[test]
fn what_is_read_is_never_older_than_the_question() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    monitor.shard(0).record(&sample(&route, 200, 3));
    monitor.shared().record(&sample(&route, 500, 5));
    let figures = monitor.route_metrics("a", minutes(1)).unwrap();
    assert_eq!((figures.count, figures.server_errors), (2, 1));
    assert_eq!(
        (figures.min, figures.max),
        (Duration::from_millis(3), Duration::from_millis(5))
    );
    assert_eq!(figures.avg, Duration::from_millis(4));
}

#[test]
fn extremes_belong_to_their_window() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    monitor.shard(0).record(&sample(&route, 200, 7_000));
    pass(Duration::from_secs(5));
    monitor.fold(clock());
    load(&monitor, &route, Duration::from_mins(3), 3);
    let max = |window| monitor.route_metrics("a", window).unwrap().max;
    assert_eq!(max(minutes(1)), Duration::from_millis(1));
    assert_eq!(max(minutes(5)), Duration::from_secs(7));
}

#[test]
fn the_arms_of_a_change_are_read_apart() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    let change = monitor.change("new-search");
    for (treated, status) in [(false, 200), (false, 200), (true, 200), (true, 503)] {
        let mut sample = sample(&route, status, 1);
        assert!(sample.arms.set(change.id(), treated));
        monitor.shard(0).record(&sample);
        monitor.fold(clock());
    }
    let arms = monitor.arm_metrics("a", "new-search", minutes(1)).unwrap();
    assert_eq!((arms.control.count, arms.control.server_errors), (2, 0));
    assert_eq!((arms.treated.count, arms.treated.server_errors), (2, 1));
    assert_eq!(monitor.route_metrics("a", minutes(1)).unwrap().count, 4);
    assert!(monitor.arm_metrics("a", "unknown", minutes(1)).is_none());
    assert!(
        monitor
            .arm_metrics("unknown", "new-search", minutes(1))
            .is_none()
    );
}

#[test]
fn a_change_that_is_over_gives_its_number_away_without_its_figures() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    let old = monitor.change("old");
    let (mut of_old, number) = (sample(&route, 500, 1), old.id());
    of_old.arms.set(number, true);
    monitor.shard(0).record(&of_old);
    monitor.fold(clock());
    drop(old);
    pass(Duration::from_hours(2));
    monitor.fold(clock());
    monitor.fold(clock());
    let new = monitor.change("new");
    assert_eq!(new.id(), number);
    assert!(
        monitor
            .arm_metrics("a", "old", Window::SinceStart)
            .is_none()
    );
    let arms = monitor.arm_metrics("a", "new", Window::SinceStart).unwrap();
    assert_eq!((arms.treated.count, arms.treated.server_errors), (0, 0));
    let mut of_new = sample(&route, 200, 1);
    of_new.arms.set(new.id(), true);
    monitor.shard(0).record(&of_new);
    let arms = monitor.arm_metrics("a", "new", Window::SinceStart).unwrap();
    assert_eq!((arms.treated.count, arms.treated.server_errors), (1, 0));
}

#[test]
fn a_route_that_is_gone_gives_its_place_away_without_its_figures() {
    let monitor = monitor();
    let old = route(&monitor, "old");
    let place = old.index();
    monitor.shard(0).record(&sample(&old, 500, 1));
    monitor.fold(clock());
    drop(old);
    monitor.fold(clock());
    // Its figures can still be read, and nobody gets its place.
    assert_eq!(
        monitor
            .route_metrics("old", Window::Retention)
            .unwrap()
            .count,
        1
    );
    let other = route(&monitor, "other");
    assert_ne!(other.index(), place);
    // The same name gets it back.
    assert_eq!(route(&monitor, "old").index(), place);
    pass(Duration::from_hours(2));
    monitor.fold(clock());
    assert!(monitor.route_metrics("old", Window::Retention).is_none());
    let new = route(&monitor, "new");
    assert_eq!(new.index(), place);
    assert_eq!(
        monitor
            .route_metrics("new", Window::SinceStart)
            .unwrap()
            .count,
        0
    );
    monitor.shard(0).record(&sample(&new, 200, 1));
    let figures = monitor.route_metrics("new", Window::SinceStart).unwrap();
    assert_eq!((figures.count, figures.server_errors), (1, 0));
    let text = monitor.text(perf_monitor::Format::Prometheus);
    assert!(
        !text.contains("http_response_status_code=\"500\""),
        "{text}"
    );
}

#[test]
fn a_route_that_is_held_keeps_its_place_however_quiet() {
    let monitor = monitor();
    let quiet = route(&monitor, "quiet");
    pass(Duration::from_hours(5));
    monitor.fold(clock());
    assert_ne!(route(&monitor, "other").index(), quiet.index());
    let label = RouteLabel {
        id: "quiet",
        template: "/elsewhere",
    };
    assert_eq!(monitor.slot(label).index(), quiet.index());
}

#[test]
fn memory_is_bounded_and_what_is_dropped_is_told() {
    let settings = MonitorSettings {
        memory: 1 << 20,
        ..MonitorSettings::default()
    };
    let monitor = Monitor::new(&settings, 1, clock);
    let routes: Vec<_> = (0..40)
        .map(|number| route(&monitor, &number.to_string()))
        .collect();
    let mut dropped = 0;
    for round in 0..120_u64 {
        for (number, route) in routes.iter().enumerate() {
            for step in 0..40 {
                let millis = 1 + (round * 37 + step * 11) % 500 * (1 + number as u64 / 20);
                monitor.shard(0).record(&sample(route, 200, millis));
            }
        }
        pass(Duration::from_secs(5));
        let folded = monitor.fold(clock());
        assert!(folded.window_bytes <= 1 << 20);
        dropped += folded.dropped;
    }
    assert!(dropped > 0);
    assert_eq!(monitor.stats().dropped, dropped);
    assert_eq!(
        monitor.all_metrics(Window::SinceStart).total.count,
        40 * 120 * 40
    );
    assert!(monitor.all_metrics(minutes(1)).total.count >= 40 * 12 * 40);
}

#[test]
fn all_routes_together_are_their_sum() {
    let monitor = monitor();
    let (one, other) = (route(&monitor, "b"), route(&monitor, "a"));
    let _unused = route(&monitor, "c");
    monitor.shard(0).record(&sample(&one, 200, 10));
    monitor.shared().record(&sample(&other, 404, 30));
    let mut aborted = sample(monitor.none(), 499, 20);
    aborted.outcome = Outcome::Aborted;
    aborted.arms = Arms::NONE;
    monitor.shared().record(&aborted);
    let all = monitor.all_metrics(Window::Retention);
    let ids: Vec<_> = all.routes.iter().map(|route| &*route.id).collect();
    assert_eq!(ids, ["_NONE", "a", "b"]);
    assert_eq!(
        (all.total.count, all.total.client_errors, all.total.aborted),
        (3, 1, 1)
    );
    assert_eq!(all.total.max, Duration::from_millis(30));
    assert!((all.total.error_rate - 0.5).abs() < 1e-9);
}

#[test]
fn threads_lose_nothing_in_the_shared_cells() {
    let monitor = monitor();
    let route = route(&monitor, "a");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for millis in 0..5_000 {
                    monitor.record(&sample(&route, 200, millis % 100));
                }
            });
        }
        for _ in 0..50 {
            monitor.fold(clock());
        }
    });
    let figures = monitor.route_metrics("a", Window::SinceStart).unwrap();
    assert_eq!((figures.count, figures.timed), (20_000, 20_000));
    assert_eq!(
        monitor.route_metrics("a", Window::Retention).unwrap().count,
        20_000
    );
    assert_eq!(
        (figures.min, figures.max),
        (Duration::ZERO, Duration::from_millis(99))
    );
}
