//! The head that comes back.

use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderValue, UPGRADE};
use http::{StatusCode, Version, response};

use super::hop_by_hop;
use super::names::Names;
use super::via;

/// Makes the upstream's head the gateway's.
pub(crate) fn prepare(parts: &mut response::Parts, names: Names) {
    if names.have(Names::ONE_HOP) {
        hop_by_hop::strip(&mut parts.headers);
    }
    if !names.have(Names::OUR_VIA) {
        via::append(&mut parts.headers, parts.version);
    }
    if parts.status == StatusCode::NOT_MODIFIED {
        // It tells the length of what was not sent; a server that is given no body complains.
        parts.headers.remove(CONTENT_LENGTH);
    }
    // The upstream's version ends here.
    parts.version = Version::HTTP_11;
}

/// Makes the head of a 101 the gateway's; the client and it agree on the upgrade anew.
pub(crate) fn prepare_switch(parts: &mut response::Parts) {
    let protocol = parts.headers.remove(UPGRADE);
    hop_by_hop::strip(&mut parts.headers);
    if let Some(protocol) = protocol {
        parts.headers.insert(UPGRADE, protocol);
    }
    parts
        .headers
        .insert(CONNECTION, HeaderValue::from_static("upgrade"));
    via::append(&mut parts.headers, parts.version);
    parts.version = Version::HTTP_11;
    // hyper's own handle on the upstream's socket; the tunnel has the socket itself.
    parts.extensions.clear();
}

/// Whether every protocol that a 101 names was asked for (RFC 9110 §7.8).
pub(crate) fn is_asked_protocol(asked: &HeaderValue, headers: &HeaderMap) -> bool {
    let Ok(asked) = asked.to_str() else {
        return false;
    };
    let mut named = headers.get_all(UPGRADE).iter().peekable();
    named.peek().is_some()
        && named.all(|line| {
            line.to_str().is_ok_and(|line| {
                line.split(',').all(|name| {
                    let mut asked = asked.split(',');
                    asked.any(|known| known.trim().eq_ignore_ascii_case(name.trim()))
                })
            })
        })
}

/// How long the endpoint keeps the connection, where its `Keep-Alive` says so (`timeout=5`).
pub(crate) fn keep_alive(value: &[u8]) -> Option<Duration> {
    let value = str::from_utf8(value)
        .ok()
        .filter(|value| value.is_ascii())?;
    value.split(',').find_map(|member| {
        let (name, seconds) = member.split_once('=')?;
        if !name.trim().eq_ignore_ascii_case("timeout") {
            return None;
        }
        seconds.trim().parse().ok().map(Duration::from_secs)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_what_was_asked_for_is_switched_to() {
        let asked = HeaderValue::from_static("websocket, foo/2");
        let answered = |name| is_asked_protocol(&asked, &headers(&[("upgrade", name)]));
        assert!(answered("WebSocket") && answered("foo/2"));
        assert!(!answered("other") && !answered("websocket, other"));
        assert!(!is_asked_protocol(&asked, &headers(&[])));
    }

    #[test]
    fn the_endpoints_own_time_is_read() {
        let read = |value: &str| keep_alive(value.as_bytes());
        assert_eq!(read("timeout=5, max=100"), Some(Duration::from_secs(5)));
        assert_eq!(read("max=100, Timeout = 7"), Some(Duration::from_secs(7)));
        assert_eq!(read("max=100"), None);
        assert_eq!(read("timeout=x"), None);
    }

    #[test]
    fn the_head_becomes_the_gateways() {
        let (mut parts, ()) = http::Response::builder()
            .status(304)
            .version(Version::HTTP_10)
            .header("connection", "close")
            .header("content-length", "9")
            .header("etag", "\"a\"")
            .body(())
            .unwrap()
            .into_parts();
        let names = Names::of(&parts.headers);
        prepare(&mut parts, names);
        assert_eq!(parts.version, Version::HTTP_11);
        let names: Vec<_> = parts.headers.keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["etag", "via"]);
        let via = parts.headers["via"].to_str().unwrap();
        assert!(via.starts_with("1.0 urm-"), "{via}");
    }
}
