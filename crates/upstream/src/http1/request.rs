//! The request head, as it goes out.

use http::header::{HeaderName, TRAILER};

use crate::endpoint::Endpoint;
use crate::forward::request::Head;

/// Writes the head for `endpoint` behind what `out` has.
pub(super) fn write(head: &Head, endpoint: &Endpoint, out: &mut Vec<u8>) {
    let target = head.path().as_str();
    out.extend_from_slice(head.method().as_str().as_bytes());
    out.push(b' ');
    // A query alone is a target of clients that leave out the root (RFC 9112 §3.2.1).
    if !target.starts_with('/') && target != "*" {
        out.push(b'/');
    }
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\nhost: ");
    out.extend_from_slice(head.host(endpoint).as_bytes());
    out.extend_from_slice(b"\r\n");
    head.write(false, out);
    out.extend_from_slice(b"\r\n");
}

/// The trailer fields that the head announces, and that may be trailers at all (RFC 9110 §6.5.1).
pub(super) fn announced_trailers(head: &Head) -> Vec<HeaderName> {
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
    use crate::forward::request::Framing;
    use crate::settings::HostHeader;

    fn head(request: http::request::Builder) -> Head {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let names = Names::of(&parts.headers);
        Head::new(
            parts,
            names,
            Kind::Plain,
            Framing::Empty,
            &HostHeader::Client,
            None,
        )
    }

    fn written(request: http::request::Builder) -> String {
        let endpoint = Endpoint::new("http://up:81".parse().unwrap(), false);
        let mut out = Vec::new();
        write(&head(request), &endpoint, &mut out);
        String::from_utf8(out).unwrap()
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
    fn only_true_trailers_are_announced() {
        let named = announced_trailers(&head(
            Request::get("/")
                .header("trailer", "x-one, Content-Length ,(")
                .header("trailer", "x-two"),
        ));
        assert_eq!(named, ["x-one", "x-two"]);
    }
}
