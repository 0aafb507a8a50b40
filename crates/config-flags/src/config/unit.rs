//! Durations and sizes as people write them.
//!
//! A duration is a number with `ms`, `s`, `m`, `h` or `d`; a size one with `B`, `KiB`, `MiB`, `GiB`, `TiB` (powers of
//! 1024) or `kB`, `MB`, `GB`, `TB` (powers of 1000). Both take decimals (`1.5s`) and neither a sign nor a space. Reckoning is in whole
//! numbers, so that a text and what is shown for it agree exactly.

use std::time::Duration;

const NANOS_PER_MS: u128 = 1_000_000;
const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// Longest units first: showing takes the first that divides.
const DURATIONS: &[(&str, u128)] = &[
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", NANOS_PER_MS),
];

const SIZES: &[(&str, u128)] = &[
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// The duration that `text` says, to the nanosecond (what is finer is cut off).
pub fn duration(text: &str) -> Option<Duration> {
    let amount = amount(text, DURATIONS)?;
    let nanos = amount.whole + amount.rest;
    let seconds = u64::try_from(nanos / NANOS_PER_SECOND).ok()?;
    let subsec = u32::try_from(nanos % NANOS_PER_SECOND).ok()?;
    Some(Duration::new(seconds, subsec))
}

/// The bytes that `text` says; half a byte is not a size.
pub fn bytes(text: &str) -> Option<u64> {
    let amount = amount(text, SIZES)?;
    if amount.exact {
        u64::try_from(amount.whole + amount.rest).ok()
    } else {
        None
    }
}

/// `30s`, `5m`, `1.5ms`: the text that [`duration`] reads as `duration`.
pub(crate) fn show(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".into();
    }
    // Not days: "48h" reads better than "2d" beside "36h".
    let whole = |(_, unit): &&(&str, u128)| nanos.is_multiple_of(*unit);
    if let Some((name, unit)) = DURATIONS[1..].iter().find(whole) {
        return format!("{}{name}", nanos / unit);
    }
    let digits = format!("{}.{:06}", nanos / NANOS_PER_MS, nanos % NANOS_PER_MS);
    format!("{}ms", digits.trim_end_matches('0'))
}

/// A number times its unit: what comes of the digits before the point, and of those behind it.
struct Amount {
    whole: u128,
    rest: u128,
    exact: bool,
}

fn amount(text: &str, units: &[(&str, u128)]) -> Option<Amount> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, name) = text.split_at(end);
    let (_, unit) = units.iter().find(|(unit, _)| *unit == name)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    // Nineteen digits of either are more than any setting means, and far below what `u128` holds.
    let digits = |text: &str| match text.len() {
        1..=19 => text.parse::<u64>().ok().map(u128::from),
        _ => None,
    };
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok().filter(|n| *n <= 19)?);
    let behind = digits(fraction)? * unit;
    Some(Amount {
        whole: digits(whole)? * unit,
        rest: behind / scale,
        exact: behind % scale == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check_duration(text: &str, expected: Option<Duration>) {
        assert_eq!(duration(text), expected, "{text}");
    }

    #[track_caller]
    fn check_bytes(text: &str, expected: Option<u64>) {
        assert_eq!(bytes(text), expected, "{text}");
    }

    #[test]
    fn durations_have_units() {
        check_duration("250ms", Some(Duration::from_millis(250)));
        check_duration("30s", Some(Duration::from_secs(30)));
        check_duration("5m", Some(Duration::from_mins(5)));
        check_duration("1.5h", Some(Duration::from_mins(90)));
        check_duration("2d", Some(Duration::from_hours(48)));
        check_duration("0.1ms", Some(Duration::from_micros(100)));
        check_duration("0s", Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "-5s",
            "+5s",
            "5.s",
            ".5s",
            "1.2.3s",
            "5S",
            "5 parsecs",
            "5sx",
            "٣s",
            "99999999999999999999s",
        ] {
            check_duration(text, None);
        }
        check_duration("9999999999999999999d", None);
    }

    #[test]
    fn sizes_have_units_and_are_whole() {
        check_bytes("64KiB", Some(65_536));
        check_bytes("10MiB", Some(10_485_760));
        check_bytes("1.5kB", Some(1500));
        check_bytes("7B", Some(7));
        check_bytes("1.5B", None);
        check_bytes("10mb", None);
        check_bytes("99999999999TiB", None);
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same(seconds in 0..10_000_000_000_u64, nanos in 0..1_000_000_000_u32) {
            for duration in [Duration::new(seconds, nanos), Duration::from_secs(seconds), Duration::new(seconds, nanos / 1_000_000 * 1_000_000)] {
                prop_assert_eq!(super::duration(&show(duration)), Some(duration));
            }
        }

        #[test]
        fn no_text_panics(text in "[0-9.]{0,25}[a-zA-Z ]{0,4}") {
            let _ = (duration(&text), bytes(&text));
        }

        #[test]
        fn a_larger_number_is_a_longer_duration(a in 0..1_000_000_u64, b in 0..1_000_000_u64, unit in "ms|s|m|h|d") {
            let (shorter, longer) = (duration(&format!("{}{unit}", a.min(b))), duration(&format!("{}{unit}", a.max(b))));
            prop_assert!(shorter.is_some() && shorter <= longer);
        }
    }
}
