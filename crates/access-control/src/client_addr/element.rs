//! The elements of `Forwarded` (RFC 7239 §4), read from the right.
//!
//! The right end was written by the nearest proxy, the left by whoever came first. Reading from the right, no quote that
//! a client leaves open can swallow what the proxies appended: where an element begins depends only on what follows it.

use std::borrow::Cow;

/// What is used of one element.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Element<'a> {
    /// `for`: whom the proxy that wrote this heard.
    pub(super) client: Option<Cow<'a, str>>,
    /// `proto`: the scheme in which it was asked.
    pub(super) proto: Option<Cow<'a, str>>,
}

/// The elements of one line, the last first; empty ones are left out.
pub(super) fn from_the_right(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let comma = last_comma(line);
        rest = comma.map(|at| &line[..at]);
        Some(line[comma.map_or(0, |at| at + 1)..].trim_ascii())
    })
    .filter(|element| !element.is_empty())
}

/// Where the last comma outside quotes stands.
fn last_comma(line: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        match byte {
            b',' if !quoted => return Some(at),
            // Seen from the right, a quote closes first; inside, one behind an odd number of backslashes is text.
            b'"' if !quoted => quoted = true,
            b'"' => {
                let before = line[..at].iter().rev();
                let backslashes = before.take_while(|byte| **byte == b'\\').count();
                quoted = backslashes % 2 == 1;
            }
            _ => {}
        }
    }
    None
}

/// Reads the pairs of one element; `None` where they are not written as they must be, or one is there twice.
///
/// An address with a colon should be quoted; some proxies do not, and are understood.
pub(super) fn parse(element: &[u8]) -> Option<Element<'_>> {
    let mut rest = std::str::from_utf8(element).ok()?;
    let mut found = Element::default();
    loop {
        // A pair may be left out between two semicolons.
        rest = rest.trim_start_matches([';', ' ', '\t']);
        if rest.is_empty() {
            return Some(found);
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        let slot = match name.trim_ascii() {
            name if name.eq_ignore_ascii_case("for") => Some(&mut found.client),
            name if name.eq_ignore_ascii_case("proto") => Some(&mut found.proto),
            name if name.contains([';', '"']) => return None,
            _ => None,
        };
        if let Some(slot) = slot
            && slot.replace(value).is_some()
        {
            return None;
        }
        rest = after.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
    }
}

/// A value, quoted or plain, and what follows it.
fn value(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return Some((Cow::Borrowed(value.trim_ascii()), after));
    };
    let end = quoted.find(['"', '\\'])?;
    if quoted[end..].starts_with('"') {
        return Some((Cow::Borrowed(&quoted[..end]), &quoted[end + 1..]));
    }
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((Cow::Owned(value), &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(line: &str, elements: &[&str]) {
        let found: Vec<_> = from_the_right(line.as_bytes())
            .map(|element| String::from_utf8_lossy(element).into_owned())
            .collect();
        assert_eq!(found, elements, "{line:?}");
    }

    #[test]
    fn a_line_is_cut_from_the_right() {
        check("for=a, for=b", &["for=b", "for=a"]);
        check(" for=a ,, ", &["for=a"]);
        check("", &[]);
        check(
            r#"for=a, host="x,y";for=b"#,
            &[r#"host="x,y";for=b"#, "for=a"],
        );
        check(r#"for=a, host="x\",y""#, &[r#"host="x\",y""#, "for=a"]);
        check(r#"for=a, host="x\\""#, &[r#"host="x\\""#, "for=a"]);
    }

    #[test]
    fn a_quote_left_open_swallows_nothing_to_its_right() {
        check(r#"for="x, for=b"#, &["for=b", r#"for="x"#]);
        check(r#"for="x\", for="b""#, &[r#"for="b""#, r#"for="x\""#]);
    }

    #[track_caller]
    fn check_element(text: &str, expected: Option<(Option<&str>, Option<&str>)>) {
        let found = parse(text.as_bytes());
        let found = found
            .as_ref()
            .map(|element| (element.client.as_deref(), element.proto.as_deref()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn an_element_is_read_by_pairs() {
        check_element("for=192.0.2.1", Some((Some("192.0.2.1"), None)));
        check_element(
            r#"For="[2001:db8::1]:4711";Proto=https; by=203.0.113.43"#,
            Some((Some("[2001:db8::1]:4711"), Some("https"))),
        );
        check_element(r#"host="a;for=b";for=c"#, Some((Some("c"), None)));
        check_element(r#"for="a\"b""#, Some((Some("a\"b"), None)));
        check_element("proto=http", Some((None, Some("http"))));
        check_element("for=a;", Some((Some("a"), None)));
        check_element(";for=a;; proto=b", Some((Some("a"), Some("b"))));
    }

    #[test]
    fn an_element_with_a_fault_is_not_read() {
        for text in [
            "for",
            "for=a;for=b",
            "for=\"a",
            "for=\"a\"b",
            "for=\"a\\",
            "proto=a;proto=a",
            "x;for=a",
            "\"x\";for=a",
        ] {
            check_element(text, None);
        }
        assert_eq!(parse(b"for=\xff"), None);
    }

    proptest! {
        #[test]
        fn what_is_appended_is_read_whatever_came_before(invented in "[ -~]{0,40}", address: std::net::IpAddr) {
            let line = format!("{invented}, for=\"{address}\";proto=https");
            let last = from_the_right(line.as_bytes()).next().unwrap();
            let element = parse(last).unwrap();
            prop_assert_eq!(element.client.unwrap(), address.to_string());
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            for element in from_the_right(&bytes) {
                let _ = parse(element);
            }
        }

        #[test]
        fn a_quoted_value_is_read_back(value in "[ -~]{0,20}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!("host=\"{escaped}\";for=\"{escaped}\"");
            let found: Vec<_> = from_the_right(text.as_bytes()).collect();
            prop_assert_eq!(&found, &[text.as_bytes()]);
            prop_assert_eq!(parse(found[0]).unwrap().client.unwrap(), value);
        }
    }
}
