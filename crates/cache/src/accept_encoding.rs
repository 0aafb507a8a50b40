//! Which content codings does a request take, as far as that matters? (RFC 9110 §12.5.3)
//!
//! What clients write differs in order, weights and codings that nobody has; each would be a variant of its own. Reduced
//! to the codings that are known, in one order, there are few.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// In the order in which they are told.
const KNOWN: [&str; 3] = ["br", "gzip", "zstd"];

/// What a request's `Accept-Encoding` comes to; `None` where it has none.
pub(crate) fn reduced(request: &HeaderMap) -> Option<String> {
    let mut lines = request.get_all(ACCEPT_ENCODING).iter().peekable();
    lines.peek()?;
    let mut takes = [None; KNOWN.len()];
    let (mut identity, mut any) = (None, None);
    for line in lines {
        for member in line.as_bytes().split(|byte| *byte == b',') {
            let mut parts = member.split(|byte| *byte == b';');
            let coding = parts.next().unwrap_or_default().trim_ascii();
            let is_taken = !parts.any(|parameter| is_zero_weight(parameter.trim_ascii()));
            let coding = coding.to_ascii_lowercase();
            match coding.as_slice() {
                b"*" => any = Some(is_taken),
                b"identity" => identity = Some(is_taken),
                b"x-gzip" => takes[1] = Some(is_taken),
                other => {
                    for (known, place) in KNOWN.iter().zip(&mut takes) {
                        if known.as_bytes() == other {
                            *place = Some(is_taken);
                        }
                    }
                }
            }
        }
    }
    let mut told: Vec<&str> = Vec::new();
    for (known, takes) in KNOWN.into_iter().zip(takes) {
        if takes.or(any).unwrap_or(false) {
            told.push(known);
        }
    }
    if !identity.or(any).unwrap_or(true) {
        told.push("identity;q=0");
    } else if told.is_empty() {
        told.push("identity");
    }
    Some(told.join(", "))
}

fn is_zero_weight(parameter: &[u8]) -> bool {
    let Some((b'q' | b'Q', rest)) = parameter.split_first() else {
        return false;
    };
    let Some(weight) = rest.trim_ascii().strip_prefix(b"=") else {
        return false;
    };
    let weight = weight.trim_ascii();
    weight.starts_with(b"0") && weight.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[track_caller]
    fn check(lines: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        }
        assert_eq!(reduced(&headers).as_deref(), Some(expected));
    }

    #[test]
    fn order_weights_and_unknown_codings_do_not_matter() {
        check(&["gzip, deflate, br"], "br, gzip");
        check(&["br;q=0.5", "GZIP;q=1.0, zstd"], "br, gzip, zstd");
        check(&["x-gzip"], "gzip");
        check(&["*"], "br, gzip, zstd");
        check(&["*;q=0, gzip"], "gzip, identity;q=0");
        check(&["br;q=0, *"], "gzip, zstd");
        check(&["gzip;q=0.000"], "identity");
        check(&["gzip;q=0.001"], "gzip");
        check(&["identity; Q = 0"], "identity;q=0");
        check(&[""], "identity");
        check(&["compress"], "identity");
        assert_eq!(reduced(&HeaderMap::new()), None);
    }
}
