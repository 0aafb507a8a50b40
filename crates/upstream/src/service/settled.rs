//! What goes to an upstream, settled before the first of its tries.

use std::sync::Arc;
use std::time::Instant;

use http::request;

use crate::client_info::ClientInfo;
use crate::feed::Feed;
use crate::forward::deadline::{Limits, response_limit};
use crate::forward::kind::Kind;
use crate::forward::names::Names;
use crate::forward::request::{Framing, Head};
use crate::forward::{grpc, via};
use crate::policy::ForwardPolicy;
use crate::refusal::Refusal;

/// What goes to an upstream, and how long that may take.
pub(super) struct Settled {
    pub(super) head: Head,
    pub(super) framing: Framing,
    pub(super) feed: Option<Arc<Feed>>,
    pub(super) limits: Limits,
}

impl Settled {
    pub(super) fn of(
        policy: &ForwardPolicy,
        (parts, client): (request::Parts, Option<ClientInfo>),
        may_upgrade: bool,
        (framing, feed): (Framing, Option<Arc<Feed>>),
        start: Instant,
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
        let limits = limits(policy, kind, &parts, start);
        Ok(Self {
            head: Head::new(parts, names, kind, framing, &settings.host, client),
            framing,
            feed,
            limits,
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
