//! The head that goes to the upstream.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri, Version, request};
use http_body::SizeHint;

use super::hop_by_hop::has_token;
use super::kind::Kind;
use super::{forwarded, hop_by_hop, via};
use crate::client_info::ClientInfo;
use crate::endpoint::Endpoint;
use crate::feed::RequestBody;
use crate::settings::HostHeader;

/// What each try's head is made of. Made once a request; a try adds only what differs.
#[derive(Debug)]
pub(crate) struct Head {
    method: Method,
    path: PathAndQuery,
    headers: HeaderMap,
    /// The host to send; `None`: the endpoint's.
    host: Option<HeaderValue>,
}

/// What is known of the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// No byte will come.
    Empty,
    /// So many bytes will come.
    Sized(u64),
    /// Bytes will come until an end.
    Streamed,
}

impl Framing {
    /// The same for a body that is sent.
    pub(crate) fn size_hint(self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Sized(length) => SizeHint::with_exact(length),
            Self::Streamed => SizeHint::default(),
        }
    }
}

impl Head {
    /// Makes the head from the client's. `http2`: what the upstream speaks.
    pub(crate) fn new(
        parts: request::Parts,
        kind: Kind,
        framing: Framing,
        host: &HostHeader,
        client: Option<&ClientInfo>,
        http2: bool,
    ) -> Self {
        let mut headers = parts.headers;
        // An absolute target and `:authority` win over the field (RFC 9112 §3.2.2).
        let field = headers.remove(HOST);
        let received_host = match parts.uri.authority() {
            Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
            None => field,
        };
        let upgrade = (kind == Kind::Upgrade)
            .then(|| headers.get(UPGRADE).cloned())
            .flatten();
        let wants_trailers = has_token(&headers, &TE, "trailers");
        hop_by_hop::strip(&mut headers);
        // hyper has answered it when the body was first read; the upstream need not.
        headers.remove(EXPECT);
        frame(&mut headers, framing, http2);
        if wants_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if let Some(protocol) = upgrade {
            headers.insert(UPGRADE, protocol);
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        } else if wants_trailers && !http2 {
            // `TE` is of one hop and has to be named as such (RFC 9110 §10.1.4).
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        if !http2 {
            join_crumbs(&mut headers);
        }
        via::append(&mut headers, parts.version);
        forwarded::set(&mut headers, client);
        let host = match host {
            HostHeader::Client => client
                .and_then(|client| client.host.clone())
                .or(received_host),
            HostHeader::Upstream => None,
            HostHeader::Literal(value) => Some(value.clone()),
        };
        let path = parts
            .uri
            .into_parts()
            .path_and_query
            .unwrap_or_else(|| PathAndQuery::from_static("/"));
        Self {
            method: parts.method,
            path,
            headers,
            host,
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The target, without scheme and host.
    pub(crate) fn path(&self) -> &PathAndQuery {
        &self.path
    }

    /// All fields but `Host`.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The `Host` for `endpoint`.
    pub(crate) fn host<'a>(&'a self, endpoint: &'a Endpoint) -> &'a HeaderValue {
        self.host.as_ref().unwrap_or(endpoint.host())
    }

    /// The request of one try over HTTP/2.
    pub(crate) fn request(&self, endpoint: &Endpoint, body: RequestBody) -> Request<RequestBody> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = absolute(self.host(endpoint), &self.path);
        request
    }
}

/// HTTP/2 has its host in the target.
fn absolute(host: &HeaderValue, path: &PathAndQuery) -> Uri {
    let authority = Authority::try_from(host.as_bytes()).ok();
    let mut parts = http::uri::Parts::default();
    if authority.is_some() {
        parts.scheme = Some(Scheme::HTTP);
    }
    parts.authority = authority;
    parts.path_and_query = Some(path.clone());
    Uri::from_parts(parts).unwrap_or_else(|_| Uri::from(path.clone()))
}

/// Sees to it that the length that is told is the one that comes.
fn frame(headers: &mut HeaderMap, framing: Framing, http2: bool) {
    match framing {
        Framing::Empty => {
            // A length without bytes would let the next request be read as this one's body.
            if headers
                .get(CONTENT_LENGTH)
                .is_some_and(|length| length != "0")
            {
                headers.remove(CONTENT_LENGTH);
            }
        }
        Framing::Sized(length) => {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        Framing::Streamed => {
            headers.remove(CONTENT_LENGTH);
            if !http2 {
                headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
    }
}

/// HTTP/2 may split a cookie into crumbs; HTTP/1 knows one field only (RFC 9113 §8.2.3).
fn join_crumbs(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let mut joined = Vec::new();
    for crumb in headers.get_all(COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(crumb.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        kind: Kind,
        framing: Framing,
        host: HostHeader,
        http2: bool,
    }

    const PLAIN: Case = Case {
        kind: Kind::Plain,
        framing: Framing::Empty,
        host: HostHeader::Client,
        http2: false,
    };

    fn sent(case: &Case, request: request::Builder) -> Request<RequestBody> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = Head::new(parts, case.kind, case.framing, &case.host, None, case.http2);
        let endpoint = Endpoint::new("http://up:81".parse().unwrap(), case.http2);
        if case.http2 {
            return head.request(&endpoint, RequestBody::empty());
        }
        let mut request = Request::new(RequestBody::empty());
        *request.uri_mut() = head.path().clone().into();
        *request.headers_mut() = head.headers().clone();
        let had_host = request
            .headers_mut()
            .insert(HOST, head.host(&endpoint).clone());
        assert_eq!(had_host, None, "the host would be sent twice");
        request
    }

    fn field<'a>(request: &'a Request<RequestBody>, name: &str) -> Option<&'a str> {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap())
    }

    #[test]
    fn the_target_is_a_path_and_the_host_a_field() {
        let request = sent(&PLAIN, Request::get("http://shop:80/a?b"));
        assert_eq!(request.uri(), "/a?b");
        assert_eq!(field(&request, "host"), Some("shop:80"));
        let request = sent(
            &PLAIN,
            Request::get("http://shop/a").header("host", "other"),
        );
        assert_eq!(field(&request, "host"), Some("shop"));
        let request = sent(&PLAIN, Request::get("/a").header("host", "shop"));
        assert_eq!(field(&request, "host"), Some("shop"));
        assert_eq!(
            field(&sent(&PLAIN, Request::get("/a")), "host"),
            Some("up:81")
        );
        let upstream = Case {
            host: HostHeader::Upstream,
            ..PLAIN
        };
        let request = sent(&upstream, Request::get("/a").header("host", "shop"));
        assert_eq!(field(&request, "host"), Some("up:81"));
        let literal = Case {
            host: HostHeader::try_from("lit".to_owned()).unwrap(),
            ..PLAIN
        };
        let request = sent(&literal, Request::get("/a").header("host", "shop"));
        assert_eq!(field(&request, "host"), Some("lit"));
        let asterisk = sent(&PLAIN, Request::builder().method("OPTIONS").uri("*"));
        assert_eq!(asterisk.uri(), "*");
    }

    #[test]
    fn over_http2_the_host_is_the_targets() {
        let http2 = Case {
            http2: true,
            ..PLAIN
        };
        let request = sent(&http2, Request::get("/a").header("host", "shop"));
        assert_eq!(request.uri(), "http://shop/a");
        assert_eq!(field(&request, "host"), None);
    }

    #[test]
    fn the_length_is_the_bodys() {
        let lying = || Request::post("/").header("content-length", "5");
        assert_eq!(field(&sent(&PLAIN, lying()), "content-length"), None);
        let sized = Case {
            framing: Framing::Sized(7),
            ..PLAIN
        };
        assert_eq!(field(&sent(&sized, lying()), "content-length"), Some("7"));
        let streamed = Case {
            framing: Framing::Streamed,
            ..PLAIN
        };
        let request = sent(
            &streamed,
            lying().header("transfer-encoding", "gzip, chunked"),
        );
        assert_eq!(field(&request, "content-length"), None);
        assert_eq!(field(&request, "transfer-encoding"), Some("chunked"));
        let http2 = Case {
            http2: true,
            ..streamed
        };
        assert_eq!(field(&sent(&http2, lying()), "transfer-encoding"), None);
    }

    #[test]
    fn expect_and_hop_by_hop_stay_here() {
        let request = sent(
            &PLAIN,
            Request::post("/")
                .header("expect", "100-continue")
                .header("connection", "x-hop")
                .header("x-hop", "1")
                .header("upgrade", "websocket"),
        );
        for name in ["expect", "connection", "x-hop", "upgrade"] {
            assert_eq!(field(&request, name), None, "{name}");
        }
    }

    #[test]
    fn an_upgrade_is_asked_for_where_it_may() {
        let upgrade = Case {
            kind: Kind::Upgrade,
            ..PLAIN
        };
        let request = sent(
            &upgrade,
            Request::get("/")
                .header("connection", "keep-alive, Upgrade")
                .header("upgrade", "websocket"),
        );
        assert_eq!(field(&request, "connection"), Some("upgrade"));
        assert_eq!(field(&request, "upgrade"), Some("websocket"));
    }

    #[test]
    fn trailers_are_asked_for_where_the_client_does() {
        let request = sent(&PLAIN, Request::get("/").header("te", "gzip, trailers"));
        assert_eq!(field(&request, "te"), Some("trailers"));
        assert_eq!(field(&request, "connection"), Some("te"));
        let http2 = Case {
            http2: true,
            ..PLAIN
        };
        let request = sent(&http2, Request::get("/").header("te", "trailers"));
        assert_eq!(field(&request, "te"), Some("trailers"));
        assert_eq!(field(&request, "connection"), None);
        assert_eq!(
            field(&sent(&PLAIN, Request::get("/").header("te", "gzip")), "te"),
            None
        );
    }

    #[test]
    fn crumbs_are_joined_for_http1() {
        let crumbs = || {
            Request::get("/")
                .header("cookie", "a=1")
                .header("cookie", "b=2")
        };
        assert_eq!(field(&sent(&PLAIN, crumbs()), "cookie"), Some("a=1; b=2"));
        assert_eq!(
            sent(&PLAIN, crumbs())
                .headers()
                .get_all("cookie")
                .iter()
                .count(),
            1
        );
        let http2 = Case {
            http2: true,
            ..PLAIN
        };
        assert_eq!(
            sent(&http2, crumbs())
                .headers()
                .get_all("cookie")
                .iter()
                .count(),
            2
        );
    }
}
