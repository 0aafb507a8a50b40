//! How old is a response? (RFC 9111 §4.2.3)

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

/// The age of a response in the moment in which its head came.
///
/// `waited` is the time from the request until then. The greater of the apparent age (by `Date`) and
/// the corrected `Age` counts. Of several values of `Age` the first one does; one that is malformed is passed over
/// (§5.1).
pub(crate) fn at_receipt(headers: &HeaderMap, received: SystemTime, waited: Duration) -> Duration {
    let apparent = date(headers)
        .and_then(|date| received.duration_since(date).ok())
        .unwrap_or_default();
    // `Date` has whole seconds: a response of this second is not a second old.
    let apparent = if apparent < Duration::from_secs(1) {
        Duration::ZERO
    } else {
        apparent
    };
    let told = told(headers).unwrap_or_default();
    apparent.max(told.saturating_add(waited))
}

fn told(headers: &HeaderMap) -> Option<Duration> {
    let line = headers.get(AGE)?.as_bytes();
    let first = line.split(|byte| *byte == b',').next()?.trim_ascii();
    if first.is_empty() || !first.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let seconds = first.iter().fold(0_u64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_secs(seconds))
}

/// When the origin made the response, where it says so legibly and once.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let mut dates = headers.get_all(DATE).iter();
    match (dates.next(), dates.next()) {
        (Some(date), None) => httpdate::parse_http_date(date.to_str().ok()?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const NOW: u64 = 1_700_000_000;

    #[track_caller]
    fn check(fields: &[(HeaderName, &str)], waited: u64, expected: Duration) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
        let age = at_receipt(&headers, now, Duration::from_secs(waited));
        assert_eq!(age, expected);
    }

    fn date_before(seconds: u64) -> String {
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW - seconds))
    }

    #[test]
    fn the_greater_of_apparent_and_corrected_age_counts() {
        let seconds = Duration::from_secs;
        check(&[], 0, seconds(0));
        check(&[], 3, seconds(3));
        check(&[(AGE, "10")], 3, seconds(13));
        check(&[(AGE, "10"), (DATE, &date_before(60))], 3, seconds(60));
        check(&[(DATE, &date_before(0))], 3, seconds(3));
        check(&[(DATE, "yesterday")], 0, seconds(0));
    }

    #[test]
    fn the_first_age_counts_and_a_malformed_one_does_not() {
        for age in ["", "-1", "1.5", "ten", "x, 5", "7s"] {
            check(&[(AGE, age)], 0, Duration::ZERO);
            check(
                &[(AGE, age), (DATE, &date_before(60))],
                0,
                Duration::from_mins(1),
            );
        }
        check(&[(AGE, "1"), (AGE, "2")], 0, Duration::from_secs(1));
        check(&[(AGE, "7, 2")], 3, Duration::from_secs(10));
        check(
            &[(AGE, "99999999999999999999999")],
            0,
            Duration::from_secs(u64::MAX),
        );
    }
}
