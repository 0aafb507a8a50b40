//! How old is a response? (RFC 9111 §4.2.3)

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{AGE, DATE};

/// The age of a response in the moment in which its head came.
///
/// `waited` is the time from the request until then. The greater of the apparent age (by `Date`) and
/// the corrected `Age` counts. An `Age` that is malformed or said more than once is doubtful, so the
/// response counts as too old for any use.
pub(crate) fn at_receipt(headers: &HeaderMap, received: SystemTime, waited: Duration) -> Duration {
    let apparent = date(headers)
        .and_then(|date| received.duration_since(date).ok())
        .unwrap_or_default();
    let mut ages = headers.get_all(AGE).iter();
    let told = match (ages.next(), ages.next()) {
        (None, _) => Duration::ZERO,
        (Some(age), None) => age
            .to_str()
            .ok()
            .filter(|age| !age.is_empty() && age.bytes().all(|digit| digit.is_ascii_digit()))
            .map_or(Duration::MAX, |age| {
                // More digits than fit is an age beyond all lifetimes.
                age.parse().map_or(Duration::MAX, Duration::from_secs)
            }),
        (Some(_), Some(_)) => Duration::MAX,
    };
    // `Date` has whole seconds: a response of this second is not a second old.
    let apparent = if apparent < Duration::from_secs(1) {
        Duration::ZERO
    } else {
        apparent
    };
    apparent.max(told.saturating_add(waited))
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
    fn a_doubtful_age_is_beyond_all_lifetimes() {
        for age in ["", "-1", "1.5", "ten", "99999999999999999999999"] {
            check(&[(AGE, age)], 0, Duration::MAX);
        }
        check(&[(AGE, "1"), (AGE, "2")], 0, Duration::MAX);
    }
}
