//! `X-Forwarded-*`, `Forwarded` (RFC 7239), the request id and the trace context.

use std::fmt::Write;
use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};

use crate::client_info::ClientInfo;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Tells the upstream who asked. What came from somebody that is not trusted is dropped first.
pub(crate) fn set(headers: &mut HeaderMap, client: Option<&ClientInfo>) {
    if !client.is_some_and(|client| client.keep_forwarded) {
        for name in [
            &X_FORWARDED_FOR,
            &X_FORWARDED_PROTO,
            &X_FORWARDED_HOST,
            &FORWARDED,
        ] {
            headers.remove(name);
        }
    }
    let Some(client) = client else {
        return;
    };
    let mut text = String::with_capacity(96);
    // `write!` to a `String` cannot fail.
    let _ = write!(text, "{}", client.peer);
    append_to_list(headers, X_FORWARDED_FOR, &text);
    // As it was understood here, and as the key of a stored response has it.
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(client.proto));
    // The first proxy knows the host, and all behind it only repeat what they were told.
    if let Some(host) = &client.host
        && !headers.contains_key(&X_FORWARDED_HOST)
    {
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    text.clear();
    write_forwarded(&mut text, client);
    append_to_list(headers, FORWARDED, &text);
    if let Some(id) = &client.request_id {
        headers.insert(X_REQUEST_ID, id.clone());
    }
    if let Some(trace) = &client.traceparent {
        headers.insert(TRACEPARENT, trace.clone());
    }
}

/// One element of `Forwarded`: `for=…;host=…;proto=…`.
fn write_forwarded(text: &mut String, client: &ClientInfo) {
    let _ = match client.peer {
        IpAddr::V4(v4) => write!(text, "for={v4}"),
        IpAddr::V6(v6) => write!(text, "for=\"[{v6}]\""),
    };
    let host = client.host.as_ref().and_then(|host| host.to_str().ok());
    // Quoted, for a port's colon is no token; what would end the quotes is no host.
    if let Some(host) = host.filter(|host| !host.contains(['"', '\\'])) {
        let _ = write!(text, ";host=\"{host}\"");
    }
    let _ = write!(text, ";proto={}", client.proto);
}

/// Adds a member to a list, whose lines become one: many applications look at the first line alone, and would miss us.
fn append_to_list(headers: &mut HeaderMap, name: HeaderName, member: &str) {
    let mut list = Vec::new();
    for line in headers.get_all(&name) {
        list.extend_from_slice(line.as_bytes());
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(member.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&list) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(client: Option<&ClientInfo>, fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        set(&mut headers, client);
        let mut lines: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        lines.sort();
        lines
    }

    const CLAIMS: [(&str, &str); 4] = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("forwarded", "for=6.6.6.6"),
    ];

    #[test]
    fn claims_of_a_stranger_are_replaced() {
        let client = ClientInfo {
            host: Some(HeaderValue::from_static("shop:80")),
            ..ClientInfo::new("192.0.2.1".parse().unwrap())
        };
        assert_eq!(
            sent(Some(&client), &CLAIMS),
            [
                "forwarded: for=192.0.2.1;host=\"shop:80\";proto=http",
                "x-forwarded-for: 192.0.2.1",
                "x-forwarded-host: shop:80",
                "x-forwarded-proto: http",
            ]
        );
    }

    #[test]
    fn what_a_trusted_proxy_says_is_kept_and_added_to() {
        let client = ClientInfo {
            keep_forwarded: true,
            host: Some(HeaderValue::from_static("shop")),
            ..ClientInfo::new("2001:db8::1".parse().unwrap())
        };
        assert_eq!(
            sent(Some(&client), &CLAIMS),
            [
                "forwarded: for=6.6.6.6, for=\"[2001:db8::1]\";host=\"shop\";proto=http",
                "x-forwarded-for: 6.6.6.6, 2001:db8::1",
                "x-forwarded-host: evil",
                "x-forwarded-proto: http",
            ]
        );
    }

    #[test]
    fn nothing_is_believed_where_nobody_is_known() {
        assert!(sent(None, &CLAIMS).is_empty());
    }

    #[test]
    fn names_of_the_request_are_set_or_pass() {
        let own = [("x-request-id", "theirs"), ("traceparent", "00-theirs")];
        let mut client = ClientInfo::new("192.0.2.1".parse().unwrap());
        let passed = sent(Some(&client), &own);
        assert!(passed.contains(&"x-request-id: theirs".to_owned()));
        assert!(passed.contains(&"traceparent: 00-theirs".to_owned()));
        client.request_id = Some(HeaderValue::from_static("ours"));
        client.traceparent = Some(HeaderValue::from_static("00-ours"));
        let set = sent(Some(&client), &own);
        assert!(set.contains(&"x-request-id: ours".to_owned()));
        assert!(set.contains(&"traceparent: 00-ours".to_owned()));
    }

    #[test]
    fn a_host_cannot_leave_its_quotes() {
        let client = ClientInfo {
            host: Some(HeaderValue::from_static("a\";for=evil")),
            ..ClientInfo::new("192.0.2.1".parse().unwrap())
        };
        assert!(
            sent(Some(&client), &[]).contains(&"forwarded: for=192.0.2.1;proto=http".to_owned())
        );
    }
}
