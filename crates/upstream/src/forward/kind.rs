//! Which limits a request lives under.

use http::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, UPGRADE};

use super::grpc;
use super::hop_by_hop::{has_token, is_token};
use super::names::Names;

/// What kind of exchange a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer with an end.
    Plain,
    /// An answer that goes on for as long as both like.
    EventStream,
    /// A call whose both bodies may go on.
    Grpc,
    /// Another protocol on the same connection.
    Upgrade,
}

impl Kind {
    /// `may_upgrade`: the route allows it and the client's connection can be taken over.
    pub(crate) fn of_request(headers: &HeaderMap, names: Names, may_upgrade: bool) -> Self {
        if may_upgrade && names.have(Names::CONNECTION) && wants_upgrade(headers) {
            Self::Upgrade
        } else if names.have(Names::CONTENT_TYPE) && grpc::is_grpc(headers) {
            Self::Grpc
        } else if names.have(Names::ACCEPT) && has_token(headers, &ACCEPT, "text/event-stream") {
            Self::EventStream
        } else {
            Self::Plain
        }
    }

    /// What the answer's body turned out to be.
    pub(crate) fn of_answer(headers: &HeaderMap) -> Self {
        let Some(kind) = headers.get(CONTENT_TYPE) else {
            return Self::Plain;
        };
        if grpc::is_grpc_type(kind) {
            Self::Grpc
        } else if is_token(kind, "text/event-stream") {
            Self::EventStream
        } else {
            Self::Plain
        }
    }

    /// Whether there is no total limit unless the route sets one.
    pub(crate) fn is_endless(self) -> bool {
        self != Self::Plain
    }
}

/// Whether the client wants to leave HTTP. `h2c` is not passed on: it would carry requests past
/// every rule of this gateway.
fn wants_upgrade(headers: &HeaderMap) -> bool {
    has_token(headers, &CONNECTION, "upgrade")
        && headers.contains_key(UPGRADE)
        && !has_token(headers, &UPGRADE, "h2c")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &'static str)], may_upgrade: bool, expected: Kind) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let kind = Kind::of_request(&headers, Names::of(&headers), may_upgrade);
        assert_eq!(kind, expected);
    }

    #[test]
    fn the_kind_follows_the_head() {
        check(&[("accept", "*/*")], true, Kind::Plain);
        check(
            &[("accept", "text/html, text/event-stream;q=0.9")],
            true,
            Kind::EventStream,
        );
        check(&[("content-type", "application/grpc")], true, Kind::Grpc);
        let websocket = [("connection", "Upgrade"), ("upgrade", "websocket")];
        check(&websocket, true, Kind::Upgrade);
        check(&websocket, false, Kind::Plain);
        check(&[("upgrade", "websocket")], true, Kind::Plain);
        check(
            &[
                ("connection", "upgrade, http2-settings"),
                ("upgrade", "h2c"),
            ],
            true,
            Kind::Plain,
        );
    }
}
