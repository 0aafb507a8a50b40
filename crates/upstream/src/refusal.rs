//! Why the gateway answers in the upstream's place.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};

/// The field that tells who made an error (RFC 9209).
pub(crate) const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");

/// Why there is no answer of the upstream; in the extensions of the answer that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// No policy says where the request goes: 500.
    Unconfigured,
    /// The upstream has no endpoint: 503.
    NoEndpoint,
    /// `max_in_flight` requests are under way: 503.
    TooManyRequests,
    /// `max_tunnels` tunnels and event streams are open: 503.
    TooManyTunnels,
    /// The request passed this process before, four times: 508.
    Loop,
    /// The endpoint's name has no address: 502.
    Dns,
    /// Nothing accepts at the endpoint's address: 502.
    ConnectionRefused,
    /// The endpoint cannot be reached: 502.
    Unreachable,
    /// No connection within `connect_timeout`: 504.
    ConnectTimeout,
    /// No response head in time: 504.
    ResponseTimeout,
    /// The connection was lost before a byte of an answer: 502.
    ConnectionLost,
    /// The connection was lost inside the response head: 502.
    Incomplete,
    /// The response head is no HTTP: 502.
    Malformed,
    /// The response head is larger than 64 KiB or has more than 100 fields: 502.
    HeadTooLarge,
    /// The response's transfer coding is none that may be passed on: 502.
    TransferCoding,
    /// The upstream left HTTP without being asked, or the connection could not be taken over: 502.
    Upgrade,
    /// The client's body failed; the cause is beside it as [`RequestBodyError`]: 400.
    RequestBody,
}

impl Refusal {
    /// Returns the status that the client is answered with.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unconfigured => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NoEndpoint | Self::TooManyRequests | Self::TooManyTunnels => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::RequestBody => StatusCode::BAD_REQUEST,
            Self::Dns
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::ConnectionLost
            | Self::Incomplete
            | Self::Malformed
            | Self::HeadTooLarge
            | Self::TransferCoding
            | Self::Upgrade => StatusCode::BAD_GATEWAY,
        }
    }

    /// Returns the word for it in `Proxy-Status` (RFC 9209 §2.3), metrics and logs.
    pub fn proxy_error(self) -> &'static str {
        match self {
            Self::Unconfigured => "proxy_configuration_error",
            Self::NoEndpoint => "destination_unavailable",
            Self::TooManyRequests | Self::TooManyTunnels => "connection_limit_reached",
            Self::Loop => "proxy_loop_detected",
            Self::Dns => "dns_error",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "destination_ip_unroutable",
            Self::ConnectTimeout => "connection_timeout",
            Self::ResponseTimeout => "http_response_timeout",
            Self::ConnectionLost => "connection_terminated",
            Self::Incomplete => "http_response_incomplete",
            Self::Malformed => "http_protocol_error",
            Self::HeadTooLarge => "http_response_header_section_size",
            Self::TransferCoding => "http_response_transfer_coding",
            Self::Upgrade => "http_upgrade_failed",
            Self::RequestBody => "http_request_error",
        }
    }

    /// Returns when to come back, where the gateway has an idea.
    pub fn retry_after(self) -> Option<Duration> {
        matches!(
            self,
            Self::TooManyRequests | Self::TooManyTunnels | Self::NoEndpoint
        )
        .then_some(Duration::from_secs(1))
    }

    /// Whether no connection came about, so that nothing of the request was sent.
    pub(crate) fn is_connect(self) -> bool {
        matches!(
            self,
            Self::Dns | Self::ConnectionRefused | Self::Unreachable | Self::ConnectTimeout
        )
    }

    /// The answer that stands for the upstream's.
    pub(crate) fn answer<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(PROXY_STATUS, proxy_status(self.proxy_error()));
        if let Some(after) = self.retry_after() {
            headers.insert(RETRY_AFTER, after.as_secs().into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.proxy_error())
    }
}

/// The cause of [`Refusal::RequestBody`]: the error of the request body that was passed in.
///
/// It stands beside the refusal in the answer's extensions, so that a layer above can tell its own
/// errors (too large, too slow) by downcasting, and answer with another status.
#[derive(Clone, Debug)]
pub struct RequestBodyError(Arc<dyn Error + Send + Sync>);

impl RequestBodyError {
    pub(crate) fn new(cause: Box<dyn Error + Send + Sync>) -> Self {
        Self(cause.into())
    }

    /// Returns the error as the body gave it.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// Looks for an error of this type among the cause and its causes.
    pub fn find<E: Error + 'static>(&self) -> Option<&E> {
        let mut next: Option<&(dyn Error + 'static)> = Some(&*self.0);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for RequestBodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request body failed")
    }
}

impl Error for RequestBodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// Returns the value of `Proxy-Status` for an error of the gateway's own: `urm; error=…`.
///
/// `word` is one of RFC 9209 §2.3 or of the gateway's own making, of lower-case letters, digits and
/// `_`; with any other character the field has no `error`.
pub fn proxy_status(word: &str) -> HeaderValue {
    let is_token = word
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_token && !word.is_empty() {
        HeaderValue::try_from(format!("urm; error={word}")).ok()
    } else {
        None
    }
    .unwrap_or(HeaderValue::from_static("urm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_our_own_says_so() {
        let response: Response<()> = Refusal::TooManyRequests.answer();
        assert_eq!(response.status(), 503);
        assert_eq!(
            response.headers()["proxy-status"],
            "urm; error=connection_limit_reached"
        );
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.extensions().get(), Some(&Refusal::TooManyRequests));
        let response: Response<()> = Refusal::ResponseTimeout.answer();
        assert_eq!(response.status(), 504);
        assert!(!response.headers().contains_key("retry-after"));
    }

    #[test]
    fn a_word_cannot_smuggle_a_parameter() {
        assert_eq!(proxy_status("dns_error"), "urm; error=dns_error");
        assert_eq!(proxy_status("a; b=c"), "urm");
        assert_eq!(proxy_status(""), "urm");
    }

    #[test]
    fn the_cause_is_found_in_the_chain() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);
        let error = RequestBodyError::new(Box::new(Outer(std::io::ErrorKind::TimedOut.into())));
        assert!(error.find::<std::io::Error>().is_some());
        assert!(error.find::<Outer>().is_some());
        assert!(error.find::<fmt::Error>().is_none());
    }
}
