//! Points in time as text (RFC 3339), in UTC and to the millisecond.

use std::time::{SystemTime, UNIX_EPOCH};

/// `2026-03-01T12:00:00.000Z`; what is before 1970 counts as its start.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Years begin in March here, so that the day that some of them lack is the last one. 400 years
    // have 146,097 days, and 1970-01-01 is day 719,468 of year 0.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    format!(
        "{:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        era * 400 + year + next_year,
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60,
        since.subsec_millis(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[track_caller]
    fn check(seconds: u64, expected: &str) {
        let time = UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(1_500);
        assert_eq!(rfc3339(time), expected);
    }

    #[test]
    fn days_of_all_kinds() {
        check(0, "1970-01-01T00:00:00.001Z");
        check(951_782_400, "2000-02-29T00:00:00.001Z");
        check(951_868_799, "2000-02-29T23:59:59.001Z");
        check(951_868_800, "2000-03-01T00:00:00.001Z");
        check(1_772_366_400, "2026-03-01T12:00:00.001Z");
        check(4_102_444_799, "2099-12-31T23:59:59.001Z");
        check(4_107_542_400, "2100-03-01T00:00:00.001Z");
        assert!(rfc3339(UNIX_EPOCH - Duration::from_secs(1)).starts_with("1970-01-01T"));
    }
}
