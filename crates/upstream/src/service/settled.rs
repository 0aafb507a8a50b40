//! What goes to an upstream, settled before the first of its tries.

use std::sync::Arc;
use std::time::Instant;

use http::header::HeaderValue;
use http::{Method, request};

use crate::client_info::Client;
use crate::exchange::Outgoing;
use crate::feed::Feed;
use crate::forward::deadline::{Limits, response_limit};
use crate::forward::kind::Kind;
use crate::forward::names::Names;
use crate::forward::request::{Framing, Head, Http2Head};
use crate::forward::{grpc, via};
use crate::http1::Buffers;
use crate::policy::ForwardPolicy;
use crate::refusal::Refusal;

/// What goes to an upstream, and how long that may take.
pub(super) struct Settled {
    pub(super) method: Method,
    /// The protocol that is asked for, where the client may change it.
    pub(super) upgrade: Option<HeaderValue>,
    pub(super) head: Outgoing,
    pub(super) framing: Framing,
    pub(super) feed: Option<Arc<Feed>>,
    pub(super) limits: Limits,
}

impl Settled {
    pub(super) fn of(
        policy: &ForwardPolicy,
        (parts, client): (&request::Parts, Option<Client<'_>>),
        may_upgrade: bool,
        (framing, feed): (Framing, Option<Arc<Feed>>),
        start: Instant,
        buffers: &Buffers,
    ) -> Result<Self, Refusal> {
        let upstream = &policy.upstream;
        let settings = upstream.settings();
        let names = Names::of(&parts.headers);
        if names.have(Names::VIA) && via::is_loop(&parts.headers) {
            return Err(Refusal::Loop);
        }
        // An HTTP/2 connection to the upstream carries other requests and cannot be taken over.
        let may_upgrade = policy.upgrade && may_upgrade && !settings.http2;
        let kind = Kind::of_request(&parts.headers, names, may_upgrade);
        if kind == Kind::Upgrade && upstream.open_tunnels() >= settings.max_tunnels {
            return Err(Refusal::TooManyTunnels);
        }
        let head = Head::new(parts, names, kind, framing, &settings.host, client);
        Ok(Self {
            method: parts.method.clone(),
            upgrade: head.upgrade().cloned(),
            head: if settings.http2 {
                Outgoing::Http2(Box::new(Http2Head::of(&head)))
            } else {
                Outgoing::Http1(buffers.write(&head))
            },
            framing,
            feed,
            limits: limits(policy, kind, parts, start),
        })
    }
}

fn limits(policy: &ForwardPolicy, kind: Kind, parts: &request::Parts, start: Instant) -> Limits {
    let settings = policy.upstream.settings();
    let response = match kind {
        // Its answer begins when the call likes; `stream_idle` is what bounds its silences.
        Kind::Grpc => settings.stream_idle,
        _ => response_limit(settings.response_timeout, policy.timeout),
    };
    let call = (kind == Kind::Grpc)
        .then(|| grpc::timeout(&parts.headers))
        .flatten();
    Limits {
        response,
        total: policy.total(kind.is_endless()),
        absolute: call.and_then(|call| start.checked_add(call)),
    }
}
