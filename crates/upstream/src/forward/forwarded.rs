//! `X-Forwarded-*`, `Forwarded` (RFC 7239), the request id and the trace context.

use std::io::Write as _;
use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName};

use super::fields::Fields;
use crate::client_info::Client;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Whether the client's field of this name does not pass, for it is written anew, or is a claim of somebody that is not
/// trusted.
pub(crate) fn replaces(name: &HeaderName, client: Option<&Client<'_>>) -> bool {
    if *name == X_FORWARDED_FOR || *name == X_FORWARDED_PROTO || *name == FORWARDED {
        return true;
    }
    let Some(client) = client else {
        return *name == X_FORWARDED_HOST;
    };
    (*name == X_FORWARDED_HOST && !client.keep_forwarded)
        || (*name == X_REQUEST_ID && client.request_id.is_some())
        || (*name == TRACEPARENT && client.traceparent.is_some())
}

/// Tells the upstream who asked. `received`: the client's own fields, of which the lists of a trusted proxy go on.
pub(crate) fn write(client: &Client<'_>, received: &HeaderMap, fields: &mut impl Fields) {
    fields.build(&X_FORWARDED_FOR, |out| {
        write_list(client, received, &X_FORWARDED_FOR, out);
        write_address(client.peer, out);
    });
    // As it was understood here, and as the key of a stored response has it.
    fields.put(&X_FORWARDED_PROTO, client.proto.as_bytes());
    // The first proxy knows the host, and all behind it only repeat what they were told.
    if let Some(host) = client.host
        && !(client.keep_forwarded && received.contains_key(&X_FORWARDED_HOST))
    {
        fields.put(&X_FORWARDED_HOST, host);
    }
    fields.build(&FORWARDED, |out| {
        write_list(client, received, &FORWARDED, out);
        write_forwarded(client, out);
    });
    if let Some(id) = client.request_id {
        fields.put(&X_REQUEST_ID, id);
    }
    if let Some(trace) = client.traceparent {
        fields.put(&TRACEPARENT, trace);
    }
}

/// The members that a list has already. Its lines become one: many applications look at the first line alone, and would
/// miss ours.
fn write_list(client: &Client<'_>, received: &HeaderMap, name: &HeaderName, out: &mut Vec<u8>) {
    if client.keep_forwarded {
        for line in received.get_all(name) {
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b", ");
        }
    }
}

/// One element of `Forwarded`: `for=…;host=…;proto=…`.
fn write_forwarded(client: &Client<'_>, out: &mut Vec<u8>) {
    match client.peer {
        IpAddr::V4(_) => {
            out.extend_from_slice(b"for=");
            write_address(client.peer, out);
        }
        IpAddr::V6(_) => {
            out.extend_from_slice(b"for=\"[");
            write_address(client.peer, out);
            out.extend_from_slice(b"]\"");
        }
    }
    // Quoted, for a port's colon is no token; what would end the quotes is no host.
    if let Some(host) = client.host
        && host
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(byte))
    {
        out.extend_from_slice(b";host=\"");
        out.extend_from_slice(host);
        out.push(b'"');
    }
    out.extend_from_slice(b";proto=");
    out.extend_from_slice(client.proto.as_bytes());
}

/// The address as text. `Display` takes a thousand instructions for four small numbers.
fn write_address(address: IpAddr, out: &mut Vec<u8>) {
    let IpAddr::V4(address) = address else {
        // Writing to memory cannot fail.
        let _ = write!(out, "{address}");
        return;
    };
    for (place, octet) in address.octets().into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        if octet >= 100 {
            out.push(b'0' + octet / 100);
        }
        if octet >= 10 {
            out.push(b'0' + octet / 10 % 10);
        }
        out.push(b'0' + octet % 10);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::client_info::ClientInfo;

    fn sent(client: Option<&ClientInfo>, fields: &[(&'static str, &'static str)]) -> Vec<String> {
        let client = client.map(Client::from);
        let client = client.as_ref();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let mut out = HeaderMap::new();
        for (name, value) in &headers {
            if !replaces(name, client) {
                out.append(name, value.clone());
            }
        }
        if let Some(client) = client {
            write(client, &headers, &mut out);
        }
        let mut lines: Vec<_> = out
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

    proptest! {
        #[test]
        fn an_address_is_written_as_it_is_displayed(octets: [u8; 4]) {
            let mut out = Vec::new();
            write_address(Ipv4Addr::from(octets).into(), &mut out);
            prop_assert_eq!(out, Ipv4Addr::from(octets).to_string().into_bytes());
        }
    }
}
