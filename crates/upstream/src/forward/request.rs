//! The head that goes to the upstream.

use http::header::{
    CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Request, Uri, Version, request};
use http_body::SizeHint;

use super::fields::Fields;
use super::hop_by_hop::{self, has_token};
use super::kind::Kind;
use super::names::Names;
use super::{forwarded, via};
use crate::client_info::Client;
use crate::endpoint::Endpoint;
use crate::feed::RequestBody;
use crate::settings::HostHeader;

/// Fields of the client's that are written anew, or were answered when the body was first read.
static WRITTEN: [HeaderName; 3] = [HOST, CONTENT_LENGTH, EXPECT];

/// What a request's outgoing head is made of: the client's fields as they came, and what was decided about
/// them.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    parts: &'a request::Parts,
    /// Fields that the client's `Connection` names.
    named: Vec<HeaderName>,
    framing: Framing,
    /// The protocol that is asked for, where the client may.
    upgrade: Option<&'a HeaderValue>,
    wants_trailers: bool,
    /// Whether it came with `Content-Length: 0`.
    says_empty: bool,
    /// The host to send; `None`: the endpoint's.
    host: Option<&'a [u8]>,
    client: Option<Client<'a>>,
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

impl<'a> Head<'a> {
    /// Makes the head from the client's.
    pub(crate) fn new(
        parts: &'a request::Parts,
        names: Names,
        kind: Kind,
        framing: Framing,
        host: &'a HostHeader,
        client: Option<Client<'a>>,
    ) -> Self {
        let headers = &parts.headers;
        let client = client.map(Client::sound);
        let host = match host {
            HostHeader::Client => client
                .and_then(|client| client.host)
                .or_else(|| received_host(parts)),
            HostHeader::Upstream => None,
            HostHeader::Literal(value) => Some(value.as_bytes()),
        };
        Self {
            parts,
            named: if names.have(Names::CONNECTION) {
                hop_by_hop::named(headers)
            } else {
                Vec::new()
            },
            wants_trailers: names.have(Names::TE) && has_token(headers, &TE, "trailers"),
            // A length without bytes would let the next request be read as this one's body.
            says_empty: framing == Framing::Empty
                && names.have(Names::CONTENT_LENGTH)
                && headers
                    .get(CONTENT_LENGTH)
                    .is_some_and(|length| length == "0"),
            framing,
            upgrade: (kind == Kind::Upgrade)
                .then(|| headers.get(UPGRADE))
                .flatten(),
            host,
            client,
        }
    }

    pub(crate) fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The target, without scheme and host.
    pub(crate) fn target(&self) -> &str {
        let path = self.parts.uri.path_and_query();
        path.map_or("/", PathAndQuery::as_str)
    }

    /// The protocol that is asked for, where the client may change it.
    pub(crate) fn upgrade(&self) -> Option<&'a HeaderValue> {
        self.upgrade
    }

    /// The client's own fields.
    pub(crate) fn received(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The `Host` to send; `None`: the endpoint's.
    pub(crate) fn host(&self) -> Option<&[u8]> {
        self.host
    }

    /// What is known of the body.
    pub(crate) fn framing(&self) -> Framing {
        self.framing
    }

    /// Writes all fields but `Host`. `http2`: what the endpoint speaks.
    pub(crate) fn write(&self, http2: bool, fields: &mut impl Fields) {
        let client = self.client.as_ref();
        let mut cookies = 0_usize;
        for (name, value) in &self.parts.headers {
            let passes = if *name == COOKIE {
                cookies += 1;
                http2
            } else {
                !WRITTEN.contains(name)
                    && !hop_by_hop::is_always(name)
                    && !forwarded::replaces(name, client)
            };
            if passes && (self.named.is_empty() || !self.named.contains(name)) {
                fields.put(name, value.as_bytes());
            }
        }
        if cookies > 0 && !http2 && !self.named.contains(&COOKIE) {
            self.write_cookies(cookies, fields);
        }
        self.write_framing(http2, fields);
        if self.wants_trailers {
            fields.put(&TE, b"trailers");
        }
        if let Some(protocol) = self.upgrade {
            fields.put(&UPGRADE, protocol.as_bytes());
            fields.put(&CONNECTION, b"upgrade");
        } else if self.wants_trailers && !http2 {
            // `TE` is of one hop and has to be named as such (RFC 9110 §10.1.4).
            fields.put(&CONNECTION, b"te");
        }
        via::write(self.parts.version, fields);
        if let Some(client) = client {
            forwarded::write(client, &self.parts.headers, fields);
        }
    }

    /// Sees to it that the length that is told is the one that comes.
    fn write_framing(&self, http2: bool, fields: &mut impl Fields) {
        match self.framing {
            Framing::Empty => {
                if self.says_empty {
                    fields.put(&CONTENT_LENGTH, b"0");
                }
            }
            Framing::Sized(length) => {
                fields.put(&CONTENT_LENGTH, HeaderValue::from(length).as_bytes());
            }
            Framing::Streamed => {
                if !http2 {
                    fields.put(&TRANSFER_ENCODING, b"chunked");
                }
            }
        }
    }

    /// HTTP/2 may split a cookie into crumbs; HTTP/1 knows one field only (RFC 9113 §8.2.3).
    fn write_cookies(&self, count: usize, fields: &mut impl Fields) {
        let crumbs = self.parts.headers.get_all(COOKIE);
        if count == 1 {
            for cookie in crumbs {
                fields.put(&COOKIE, cookie.as_bytes());
            }
            return;
        }
        fields.build(&COOKIE, |joined| {
            for (place, crumb) in crumbs.iter().enumerate() {
                if place > 0 {
                    joined.extend_from_slice(b"; ");
                }
                joined.extend_from_slice(crumb.as_bytes());
            }
        });
    }
}

/// What each try's head is made of over HTTP/2.
#[derive(Debug)]
pub(crate) struct Http2Head {
    method: Method,
    path: PathAndQuery,
    fields: HeaderMap,
    /// The host to send; `None`: the endpoint's.
    host: Option<HeaderValue>,
}

impl Http2Head {
    pub(crate) fn of(head: &Head<'_>) -> Self {
        let parts = head.parts;
        // Room for what is added.
        let mut fields = HeaderMap::with_capacity(parts.headers.len() + 8);
        head.write(true, &mut fields);
        Self {
            method: parts.method.clone(),
            path: parts
                .uri
                .path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/")),
            fields,
            host: head
                .host
                .and_then(|host| HeaderValue::from_bytes(host).ok()),
        }
    }

    /// The request of one try.
    pub(crate) fn request(&self, endpoint: &Endpoint, body: RequestBody) -> Request<RequestBody> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.fields.clone();
        *request.version_mut() = Version::HTTP_2;
        let host = self.host.as_ref().unwrap_or(endpoint.host());
        *request.uri_mut() = absolute(host, &self.path);
        request
    }
}

/// An absolute target and `:authority` win over the field (RFC 9112 §3.2.2).
fn received_host(parts: &request::Parts) -> Option<&[u8]> {
    match parts.uri.authority() {
        Some(authority) => Some(authority.as_str().as_bytes()),
        None => parts.headers.get(HOST).map(HeaderValue::as_bytes),
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
        let names = Names::of(&parts.headers);
        let head = Head::new(&parts, names, case.kind, case.framing, &case.host, None);
        let endpoint = Endpoint::new("http://up:81".parse().unwrap(), case.http2);
        if case.http2 {
            return Http2Head::of(&head).request(&endpoint, RequestBody::empty());
        }
        let mut request = Request::new(RequestBody::empty());
        *request.uri_mut() = head.target().parse().unwrap();
        head.write(false, request.headers_mut());
        let had_host = request.headers_mut().insert(
            HOST,
            HeaderValue::from_bytes(head.host().unwrap_or(endpoint.host().as_bytes())).unwrap(),
        );
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
