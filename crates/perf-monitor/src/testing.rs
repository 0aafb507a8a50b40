//! What every monitor promises, to be run against one's own.

use std::time::{Duration, Instant};

use crate::handle::RouteSlot;
use crate::monitor::PerformanceMonitor;
use crate::sample::{CacheOutcome, Outcome, Sample};
use crate::window::Window;

/// Checks that `monitor` keeps the promises of [`PerformanceMonitor`].
///
/// `route` is a route of it without any request yet, and so are all others.
///
/// # Panics
///
/// When a promise is not kept.
pub fn monitor_contract(monitor: &dyn PerformanceMonitor, route: &RouteSlot) {
    let read = |window| monitor.route_metrics(route.id(), window);
    assert!(
        monitor
            .route_metrics("no such route", Window::Retention)
            .is_none()
    );
    assert_eq!(monitor.all_metrics(Window::SinceStart).total.count, 0);

    let now = Instant::now();
    let sample = |status, millis| {
        let time = Duration::from_millis(millis);
        Sample::new(route.index(), status, time, now)
    };
    for millis in 1..=97 {
        monitor.record(&sample(200, millis));
    }
    monitor.record(&sample(404, 98));
    monitor.record(&sample(503, 99));
    let mut hit = sample(200, 100);
    (hit.cache, hit.request_bytes, hit.response_bytes) = (CacheOutcome::Hit, 10, 20);
    monitor.record(&hit);
    let mut miss = sample(200, 100);
    (miss.cache, miss.outcome) = (CacheOutcome::Miss, Outcome::Aborted);
    monitor.record(&miss);

    for window in [
        Window::Retention,
        Window::Last(Duration::from_mins(1)),
        Window::SinceStart,
    ] {
        let figures = read(window);
        assert!(figures.is_some(), "a route that has requests has figures");
        let figures = figures.unwrap_or_default();
        assert_eq!((figures.count, figures.aborted), (101, 1), "{window:?}");
        assert_eq!(
            (figures.client_errors, figures.server_errors),
            (1, 1),
            "{window:?}"
        );
        assert_close(figures.error_rate, 0.02);
        assert_close(figures.server_error_rate, 0.01);
        assert_close(figures.hit_rate, 0.5);
        assert_eq!((figures.bytes_in, figures.bytes_out), (10, 20));
        assert_close(figures.min.as_secs_f64(), 0.001);
        assert_close(figures.max.as_secs_f64(), 0.1);
        assert_close(figures.p50.as_secs_f64(), 0.051);
        assert_close(figures.p95.as_secs_f64(), 0.096);
        assert_close(figures.p99.as_secs_f64(), 0.1);
        assert!(figures.rate > 0.0 && figures.last_updated.is_some());
        let all = monitor.all_metrics(window);
        assert_eq!((all.total.count, all.routes.len()), (101, 1), "{window:?}");
        assert_eq!(&*all.routes[0].id, route.id());
    }

    monitor.clear();
    let count = |window| read(window).map(|figures| figures.count);
    assert_eq!(count(Window::Retention), Some(0), "windows are emptied");
    assert_eq!(
        count(Window::SinceStart),
        Some(101),
        "what counts since the start goes on"
    );
    monitor.record(&sample(200, 1));
    assert_eq!(count(Window::Retention), Some(1));
}

#[track_caller]
fn assert_close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() <= expected * 0.01,
        "{found} is not {expected} within 1 %"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handle::RouteLabel;
    use crate::monitor::Monitor;
    use crate::settings::MonitorSettings;

    #[test]
    fn our_monitor_keeps_the_contract() {
        let monitor = Monitor::new(&MonitorSettings::default(), 2, Instant::now);
        let route = monitor.slot(RouteLabel {
            id: "a",
            template: "/a",
        });
        monitor_contract(&*monitor, &route);
    }
}
