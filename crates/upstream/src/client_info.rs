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
