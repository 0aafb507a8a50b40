//! Properties of the normal form.

use std::borrow::Cow;

use proptest::prelude::*;
use route_core::{as_next_hop_reads, normalize, readings};

/// Paths that are made of what normalising is about.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/"),
        Just("."),
        Just(".."),
        Just("%2e"),
        Just("%2F"),
        Just("%2f"),
        Just("%5c"),
        Just("%41"),
        Just("%C3%a9"),
        Just("é"),
        Just(";"),
        Just("a"),
        Just("b"),
        Just("%25"),
        Just("\\"),
        Just("{"),
        Just(" "),
        Just("%"),
        Just("%00"),
        Just("//"),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| format!("/{}", pieces.concat()))
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(path in path(), merge: bool) {
        if let Ok(normal) = normalize(&path, merge) {
            let again = normalize(&normal, merge);
            prop_assert!(matches!(again, Ok(Cow::Borrowed(same)) if same == normal), "{}", normal);
        }
    }

    #[test]
    fn a_normal_path_has_nothing_left_to_resolve(path in path(), merge: bool) {
        if let Ok(normal) = normalize(&path, merge) {
            prop_assert!(normal.starts_with('/') && normal.is_ascii());
            prop_assert!(!normal.split('/').any(|segment| segment == "." || segment == ".."));
            prop_assert!(!(merge && normal.contains("//")));
            let is_encoded = |byte: u8| byte <= b' ' || b"\"\\^[]{|}`?#".contains(&byte);
            let is_left = normal.bytes().any(is_encoded);
            prop_assert!(!is_left);
            prop_assert!(http::uri::PathAndQuery::try_from(&*normal).is_ok());
        }
    }

    #[test]
    fn only_a_bad_encoding_or_nul_has_no_normal_form(path in path(), merge: bool) {
        let bytes = path.as_bytes();
        let is_bad = |at: usize| {
            let digits = bytes.get(at + 1..at + 3);
            !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        let percents = || (0..bytes.len()).filter(|at| bytes[*at] == b'%');
        let expected = percents().any(is_bad) || path.contains("%00");
        prop_assert_eq!(normalize(&path, merge).is_err(), expected);
    }

    #[test]
    fn anything_at_all_is_read_without_a_panic(path in ".{0,40}", merge: bool) {
        let _ = normalize(&path, merge);
        let _ = readings(&path);
        let _ = as_next_hop_reads(&path);
    }

    #[test]
    fn readings_are_normal_and_other(path in path()) {
        if let Ok(normal) = normalize(&path, true) {
            let all = readings(&normal);
            prop_assert!(all.len() <= 14);
            for read in &all {
                prop_assert_ne!(read.as_str(), &*normal);
                prop_assert!(matches!(normalize(read, false), Ok(Cow::Borrowed(_))));
            }
            // The one that does the most is among them.
            if let Some(read) = as_next_hop_reads(&normal) {
                prop_assert!(all.contains(&read));
            }
        }
    }
}
