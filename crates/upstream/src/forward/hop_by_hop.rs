//! Fields that are meant for the next hop alone (RFC 9110 §7.6.1).

use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE,
};

/// Fields that belong to one connection whether or not `Connection` names them.
static ALWAYS: [HeaderName; 7] = [
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Whether a field belongs to one connection whether or not `Connection` names it.
pub(crate) fn is_always(name: &HeaderName) -> bool {
    ALWAYS.contains(name)
}

/// The fields that `Connection` names. The two words that nearly all values consist of name none.
pub(crate) fn named(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(tokens)
        .filter(|token| {
            !token.eq_ignore_ascii_case(b"close") && !token.eq_ignore_ascii_case(b"keep-alive")
        })
        .filter_map(|token| HeaderName::from_bytes(token).ok())
        .collect()
}

/// Removes every field of one hop: the known ones and those that `Connection` names.
pub(crate) fn strip(headers: &mut HeaderMap) {
    for name in named(headers) {
        headers.remove(name);
    }
    // Nearly all heads have none or one, and a look at the names costs less than seven searches.
    while let Some(name) = headers.keys().find(|name| is_always(name)) {
        let name = name.clone();
        headers.remove(name);
    }
}

/// Whether the list of values has `token`, in any case.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.any(|line| is_token(line, token))
}

/// Whether a list of tokens has `token`, whatever its parameters are.
pub(crate) fn is_token(line: &HeaderValue, token: &str) -> bool {
    tokens(line).any(|seen| seen.eq_ignore_ascii_case(token.as_bytes()))
}

/// The members of a comma-separated list, each without its parameters.
fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(|member| {
        let name = member.split(|byte| *byte == b';').next().unwrap_or(member);
        name.trim_ascii()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &'static str)], left: &[&str]) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        strip(&mut headers);
        let seen: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(seen, left);
    }

    #[test]
    fn fields_of_one_hop_do_not_pass() {
        check(&[("accept", "*/*")], &["accept"]);
        check(&[("connection", "keep-alive"), ("a", "1")], &["a"]);
        check(
            &[
                ("connection", "close, X-One"),
                ("connection", "x-two"),
                ("x-one", "1"),
                ("x-two", "2"),
                ("b", "3"),
            ],
            &["b"],
        );
        check(
            &[("keep-alive", "timeout=5"), ("proxy-connection", "x")],
            &[],
        );
        check(&[("upgrade", "h2c"), ("http2-settings", "AAA")], &[]);
        check(&[("te", "trailers"), ("transfer-encoding", "chunked")], &[]);
        check(&[("trailer", "x-sum")], &["trailer"]);
        check(&[("connection", " , ,\t;=, (,"), ("a", "1")], &["a"]);
    }

    #[test]
    fn tokens_are_compared_without_case_and_parameters() {
        let mut headers = HeaderMap::new();
        headers.append(TE, HeaderValue::from_static("gzip;q=0.5, Trailers ;q=1"));
        assert!(has_token(&headers, &TE, "trailers"));
        assert!(!has_token(&headers, &TE, "deflate"));
    }
}
