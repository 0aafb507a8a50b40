//! The request head, as it goes out.

use http::header::{HeaderName, TRAILER};

use crate::endpoint::Endpoint;
use crate::forward::request as forward;

/// A head as it goes out, but for the host where that is the endpoint's.
#[derive(Debug)]
pub(crate) struct Head {
    text: Box<[u8]>,
    /// Where the endpoint's host belongs.
    host_at: Option<usize>,
    trailers: Vec<HeaderName>,
}

impl Head {
    /// Writes `head` by way of `out`, which is empty.
    pub(super) fn of(head: &forward::Head<'_>, out: &mut Vec<u8>) -> Self {
        let target = head.target();
        out.extend_from_slice(head.method().as_str().as_bytes());
        out.push(b' ');
        // A query alone is a target of clients that leave out the root (RFC 9112 §3.2.1).
        if !target.starts_with('/') && target != "*" {
            out.push(b'/');
        }
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
        let host_at = match head.host() {
            Some(host) => {
                out.extend_from_slice(host);
                None
            }
            None => Some(out.len()),
        };
        out.extend_from_slice(b"\r\n");
        head.write(false, out);
        out.extend_from_slice(b"\r\n");
        Self {
            text: out.as_slice().into(),
            host_at,
            trailers: if head.framing() == forward::Framing::Streamed {
                announced_trailers(head)
            } else {
                Vec::new()
            },
        }
    }

    /// Writes the head for `endpoint` behind what `out` has.
    pub(super) fn write(&self, endpoint: &Endpoint, out: &mut Vec<u8>) {
        match self.host_at.and_then(|at| self.text.split_at_checked(at)) {
            None => out.extend_from_slice(&self.text),
            Some((before, behind)) => {
                out.extend_from_slice(before);
                out.extend_from_slice(endpoint.host().as_bytes());
                out.extend_from_slice(behind);
            }
        }
    }

    /// The trailer fields that may follow the body.
    pub(super) fn trailers(&self) -> &[HeaderName] {
        &self.trailers
    }
}

/// The trailer fields that the head announces, and that may be trailers at all (RFC 9110 §6.5.1).
fn announced_trailers(head: &forward::Head<'_>) -> Vec<HeaderName> {
    head.received()
        .get_all(TRAILER)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(may_be_trailer)
        .collect()
}

/// What frames, routes, authenticates or describes a message belongs before it.
fn may_be_trailer(name: &HeaderName) -> bool {
    !matches!(
        name.as_str(),
        "authorization"
            | "cache-control"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-range"
            | "content-type"
            | "cookie"
            | "host"
            | "max-forwards"
            | "te"
            | "trailer"
            | "transfer-encoding"
    )
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::forward::kind::Kind;
    use crate::forward::names::Names;
    use crate::settings::HostHeader;

    fn parts(request: http::request::Builder) -> http::request::Parts {
        request.body(()).unwrap().into_parts().0
    }

    fn head<'a>(parts: &'a http::request::Parts, host: &'a HostHeader) -> forward::Head<'a> {
        let names = Names::of(&parts.headers);
        forward::Head::new(
            parts,
            names,
            Kind::Plain,
            forward::Framing::Empty,
            host,
            None,
        )
    }

    fn written_to(request: http::request::Builder, host: &HostHeader) -> String {
        let endpoint = Endpoint::new("http://up:81".parse().unwrap(), false);
        let head = Head::of(&head(&parts(request), host), &mut Vec::new());
        let mut out = Vec::new();
        head.write(&endpoint, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn written(request: http::request::Builder) -> String {
        written_to(request, &HostHeader::Client)
    }

    #[test]
    fn a_head_is_written_line_by_line() {
        let text = written(
            Request::put("/a?b")
                .header("host", "shop")
                .header("x-one", "1"),
        );
        assert!(
            text.starts_with("PUT /a?b HTTP/1.1\r\nhost: shop\r\nx-one: 1\r\nvia: 1.1 urm-"),
            "{text}"
        );
        assert!(text.ends_with("\r\n\r\n"), "{text}");
        assert_eq!(text.matches("host:").count(), 1);
    }

    #[test]
    fn the_target_is_a_path_or_an_asterisk() {
        let target = |request| {
            let text = written(request);
            text.split(' ').nth(1).map(str::to_owned).unwrap()
        };
        assert_eq!(target(Request::get("http://shop?q")), "/?q");
        assert_eq!(target(Request::get("http://shop")), "/");
        assert_eq!(target(Request::builder().method("OPTIONS").uri("*")), "*");
    }

    #[test]
    fn the_endpoints_host_is_known_when_it_is_sent() {
        let of_client = written(
            Request::get("/a")
                .header("host", "up:81")
                .header("x-one", "1"),
        );
        let request = Request::get("/a")
            .header("host", "shop")
            .header("x-one", "1");
        assert_eq!(written_to(request, &HostHeader::Upstream), of_client);
    }

    #[test]
    fn only_true_trailers_are_announced() {
        let parts = parts(
            Request::get("/")
                .header("trailer", "x-one, Content-Length ,(")
                .header("trailer", "x-two"),
        );
        let named = announced_trailers(&head(&parts, &HostHeader::Client));
        assert_eq!(named, ["x-one", "x-two"]);
    }
}
