//! What can be configured, and what is refused.

use std::time::Duration;

use ops_health::{HealthSettings, ShutdownSettings};
use validator::Validate;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn defaults_are_sound() {
    let health = HealthSettings::default();
    assert_eq!((health.interval, health.timeout), (10 * SECOND, 2 * SECOND));
    assert!(health.validate().is_ok());
    let shutdown = ShutdownSettings::default();
    assert_eq!(
        (shutdown.delay(), shutdown.timeout),
        (5 * SECOND, 30 * SECOND)
    );
    assert!(shutdown.validate().is_ok());
}

#[test]
fn times_of_checks_are_bounded() {
    #[track_caller]
    fn health(interval: Duration, timeout: Duration, sound: bool) {
        let settings = HealthSettings { interval, timeout };
        assert_eq!(settings.validate().is_ok(), sound);
    }
    health(Duration::from_millis(100), SECOND, true);
    health(Duration::from_millis(99), SECOND, false);
    health(SECOND, Duration::ZERO, false);
}

#[test]
fn the_delay_lies_within_the_whole() {
    #[track_caller]
    fn shutdown(delay: Duration, timeout: Duration, sound: bool) {
        let settings = ShutdownSettings {
            delay: Some(delay),
            timeout,
        };
        assert_eq!(settings.validate().is_ok(), sound);
    }
    shutdown(Duration::ZERO, SECOND, true);
    shutdown(SECOND, SECOND, false);
    shutdown(Duration::ZERO, Duration::ZERO, false);
}
