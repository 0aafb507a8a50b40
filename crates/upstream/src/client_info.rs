//! What the upstream is told about the client.

use std::net::IpAddr;

use http::HeaderValue;

/// The client, as the layers above know it, and the request's names.
///
/// A program that uses [`Forward`](crate::Forward) alone puts one into the request's extensions.
/// Without one, no `X-Forwarded-*` and no `Forwarded` go out, and those that came in are dropped,
/// for nobody says that they may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address at the other end of the client's connection. Behind a trusted proxy
    /// ([`ClientInfo::keep_forwarded`]) that is the proxy's, which is what a further entry of
    /// `X-Forwarded-For` has to name.
    pub peer: IpAddr,
    /// `http` or `https`: how the client asked.
    pub proto: &'static str,
    /// The `Host` or `:authority` that the client sent, where it is to be told.
    pub host: Option<HeaderValue>,
    /// The request's name, sent as `X-Request-Id`; without one the client's own passes.
    pub request_id: Option<HeaderValue>,
    /// The trace context to send; without one the client's own passes.
    pub traceparent: Option<HeaderValue>,
    /// Whether the other end is a trusted proxy, so that what it says of the client is kept and
    /// added to. From anyone else it is replaced.
    pub keep_forwarded: bool,
}

/// What the upstream is told about the client, as a view of what the layers above keep of it.
///
/// A value that no field may have (RFC 9110 §5.5) is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client<'a> {
    /// As [`ClientInfo::peer`].
    pub peer: IpAddr,
    /// As [`ClientInfo::proto`].
    pub proto: &'static str,
    /// As [`ClientInfo::host`].
    pub host: Option<&'a [u8]>,
    /// As [`ClientInfo::request_id`].
    pub request_id: Option<&'a [u8]>,
    /// As [`ClientInfo::traceparent`].
    pub traceparent: Option<&'a [u8]>,
    /// As [`ClientInfo::keep_forwarded`].
    pub keep_forwarded: bool,
}

impl Client<'_> {
    /// Without what must not be written into a head.
    pub(crate) fn sound(mut self) -> Self {
        for told in [&mut self.host, &mut self.request_id, &mut self.traceparent] {
            *told = told.filter(|value| is_value(value));
        }
        self
    }
}

/// Whether a field may have `value`: the bytes that [`HeaderValue`] takes.
fn is_value(value: &[u8]) -> bool {
    // Without branches, so that many bytes are looked at at once.
    let bad = value.iter().fold(0, |found, byte| {
        let is_control = u8::from(*byte < b' ') & u8::from(*byte != b'\t');
        found | is_control | u8::from(*byte == 0x7f)
    });
    bad == 0
}

impl<'a> From<&'a ClientInfo> for Client<'a> {
    fn from(client: &'a ClientInfo) -> Self {
        let bytes = |value: &'a Option<HeaderValue>| value.as_ref().map(HeaderValue::as_bytes);
        Self {
            peer: client.peer,
            proto: client.proto,
            host: bytes(&client.host),
            request_id: bytes(&client.request_id),
            traceparent: bytes(&client.traceparent),
            keep_forwarded: client.keep_forwarded,
        }
    }
}

impl ClientInfo {
    /// A client that is no trusted proxy and asked over plain HTTP.
    pub fn new(peer: IpAddr) -> Self {
        Self {
            peer,
            proto: "http",
            host: None,
            request_id: None,
            traceparent: None,
            keep_forwarded: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_what_a_field_may_have_is_told(value: Vec<u8>) {
            let client = ClientInfo::new("192.0.2.1".parse().unwrap());
            let client = Client { host: Some(&value), ..Client::from(&client) };
            prop_assert_eq!(client.sound().host.is_some(), HeaderValue::from_bytes(&value).is_ok());
        }
    }

    #[test]
    fn no_byte_ends_a_line() {
        for byte in 0..=u8::MAX {
            assert_eq!(
                is_value(&[b'a', byte]),
                HeaderValue::from_bytes(&[b'a', byte]).is_ok()
            );
        }
    }
}
