//! Dates in field values, in the three forms that RFC 9110 §5.6.7 knows.

use std::time::{Duration, SystemTime};

/// Fills in what stands in braces: `{now}`, `{now+60}`, `{rfc850:now-60}`, `{asctime:now}`, `{base}`.
pub(crate) fn fill(text: &str, base: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap();
        out.push_str(before);
        out.push_str(&value(name, base));
        rest = after;
    }
    out + rest
}

fn value(name: &str, base: &str) -> String {
    if name == "base" {
        return base.to_owned();
    }
    if name == "kept" {
        // Filled in later, by whoever knows it.
        return "{kept}".to_owned();
    }
    let (form, moment) = name.split_once(':').unwrap_or(("", name));
    let offset = moment.strip_prefix("now").unwrap();
    let seconds: i64 = if offset.is_empty() {
        0
    } else {
        offset.parse().unwrap()
    };
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let now = SystemTime::now();
    let at = if seconds < 0 {
        now - distance
    } else {
        now + distance
    };
    written(form, &httpdate::fmt_http_date(at))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` in another form.
fn written(form: &str, date: &str) -> String {
    let [weekday, day, month, year, time, _] = date.split(' ').collect::<Vec<_>>()[..] else {
        panic!("no date: {date}");
    };
    match form {
        "rfc850" => {
            let long = match weekday {
                "Mon," => "Monday",
                "Tue," => "Tuesday",
                "Wed," => "Wednesday",
                "Thu," => "Thursday",
                "Fri," => "Friday",
                "Sat," => "Saturday",
                _ => "Sunday",
            };
            format!("{long}, {day}-{month}-{} {time} GMT", &year[2..])
        }
        "asctime" => {
            let weekday = weekday.trim_end_matches(',');
            let day = day.trim_start_matches('0');
            format!("{weekday} {month} {day:>2} {time} {year}")
        }
        _ => date.to_owned(),
    }
}

#[test]
fn a_date_is_written_in_three_forms() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_eq!(written("rfc850", date), "Sunday, 06-Nov-94 08:49:37 GMT");
    assert_eq!(written("asctime", date), "Sun Nov  6 08:49:37 1994");
    assert_eq!(fill("a {base}/b", "/c"), "a /c/b");
}
