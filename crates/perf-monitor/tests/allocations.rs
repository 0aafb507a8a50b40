//! Recording allocates nothing once a route and a kind of answer are known.

use std::time::{Duration, Instant};

use allocation_counter::measure;
use perf_monitor::{CacheOutcome, Caller, Monitor, MonitorSettings, RouteLabel, Sample};

#[test]
fn a_sample_allocates_nothing_after_the_first() {
    let monitor = Monitor::new(&MonitorSettings::default(), 1, Instant::now);
    let route = monitor.slot(RouteLabel {
        id: "a",
        template: "/a",
    });
    let change = monitor.change("new");
    for shard in [monitor.shard(0), monitor.shared()] {
        let record = |status, millis| {
            let time = Duration::from_millis(millis);
            let mut sample = Sample::new(route.index(), status, time, Instant::now());
            sample.cache = CacheOutcome::Hit;
            sample.arms.set(change.id(), true);
            shard.record(&sample);
            shard.remember(&sample, Caller::new(None, "id", "agent"));
        };
        for status in [200, 304, 404, 503, 504] {
            record(status, 1);
        }
        let allocated = measure(|| {
            for millis in 0..1_000 {
                for status in [200, 304, 404, 503, 504] {
                    record(status, millis);
                }
            }
        });
        assert_eq!(allocated.count_total, 0);
    }
}
