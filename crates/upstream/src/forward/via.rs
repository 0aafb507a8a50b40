//! `Via` (RFC 9110 §7.6.3) and the loops that it shows.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use http::Version;
use http::header::{HeaderMap, HeaderValue, VIA};

use super::fields::Fields;

/// A request that passed here this often comes round in a circle.
const LOOP: usize = 4;

/// This process's name in `Via`, and its field values for the protocol that was received.
struct Pseudonym {
    name: String,
    http10: HeaderValue,
    http11: HeaderValue,
    http2: HeaderValue,
}

fn own() -> &'static Pseudonym {
    static OWN: OnceLock<Pseudonym> = OnceLock::new();
    OWN.get_or_init(|| {
        // The standard hasher's keys are the process's own random numbers.
        let random = RandomState::new().hash_one("via") % 100_000_000;
        let name = format!("urm-{random:08}");
        let value = |protocol: &str| {
            HeaderValue::from_str(&format!("{protocol} {name}"))
                .unwrap_or_else(|_| HeaderValue::from_static("1.1 urm"))
        };
        Pseudonym {
            http10: value("1.0"),
            http11: value("1.1"),
            http2: value("2"),
            name,
        }
    })
}

/// Returns the name under which this process stands in `Via`: `urm-` and eight digits, picked anew
/// at each start.
pub fn pseudonym() -> &'static str {
    &own().name
}

/// Adds this process to the list of an answer.
pub(crate) fn append(headers: &mut HeaderMap, received: Version) {
    headers.append(VIA, entry(received).clone());
}

/// Adds this process to the list of a request.
pub(crate) fn write(received: Version, fields: &mut impl Fields) {
    fields.put(&VIA, entry(received).as_bytes());
}

fn entry(received: Version) -> &'static HeaderValue {
    let own = own();
    match received {
        Version::HTTP_10 | Version::HTTP_09 => &own.http10,
        Version::HTTP_2 => &own.http2,
        _ => &own.http11,
    }
}

/// Whether the request passed this process so often that it must be going round.
pub(crate) fn is_loop(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(VIA).iter().peekable();
    if values.peek().is_none() {
        return false;
    }
    let name = pseudonym().as_bytes();
    let passed = values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter(|member| {
            // `received-protocol RWS received-by [ RWS comment ]`
            let mut words = member
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty());
            words.nth(1).is_some_and(|by| by == name)
        })
        .count();
    passed >= LOOP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pseudonym_is_stable_and_of_eight_digits() {
        let digits = pseudonym().strip_prefix("urm-").unwrap();
        assert_eq!(digits.len(), 8);
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
        assert_eq!(pseudonym(), pseudonym());
    }

    #[test]
    fn the_fourth_own_entry_is_a_loop() {
        let mut headers = HeaderMap::new();
        headers.append(
            VIA,
            HeaderValue::from_static("1.1 other, 1.1 other, 1.1 other, 1.1 other"),
        );
        for version in [Version::HTTP_10, Version::HTTP_11, Version::HTTP_2] {
            append(&mut headers, version);
            assert!(!is_loop(&headers));
        }
        append(&mut headers, Version::HTTP_11);
        assert!(is_loop(&headers));
        let mut joined = HeaderMap::new();
        let entry = format!("1.1  {}  (a comment)", pseudonym());
        let list = [entry.as_str(); 4].join(" ,");
        joined.insert(VIA, HeaderValue::from_str(&list).unwrap());
        assert!(is_loop(&joined));
    }

    #[test]
    fn a_longer_name_is_another_one() {
        let mut headers = HeaderMap::new();
        let list = vec![format!("1.1 {}0", pseudonym()); 9].join(",");
        headers.insert(VIA, HeaderValue::from_str(&list).unwrap());
        assert!(!is_loop(&headers));
    }
}
