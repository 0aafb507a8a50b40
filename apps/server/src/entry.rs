//! The outermost layer: every request has an id, a client and one extension before anything else looks
//! at it.
//!
//! What the client may not say is taken off here: forwarding fields of untrusted peers, field names with
//! `_`. A head that two parsers could read differently is marked, and refused further down, where
//! refusals are measured and get their document.
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Uri};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::clock;
use crate::ids::Ids;
use crate::listen::head;
use crate::snapshot::Held;
use crate::trip::{Edge, Text, Trip};

/// The peer's address, as a request extension, where the stack is a service of another server.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Begins a request's [`Trip`].
#[derive(Clone, Debug)]
pub struct EntryLayer {
    held: Held,
}

impl EntryLayer {
    /// For requests that `held`'s worker serves.
    pub fn new(held: Held) -> Self {
        Self { held }
    }
}

impl<S> Layer<S> for EntryLayer {
    type Service = Entry<S>;

    fn layer(&self, inner: S) -> Entry<S> {
        Entry {
            inner,
            held: self.held.clone(),
        }
    }
}

/// The service of [`EntryLayer`].
#[derive(Clone, Debug)]
pub struct Entry<S> {
    inner: S,
    held: Held,
}

/// A stack that takes a request and its peer, without a request extension for the latter.
pub trait Enter<R>: Service<R> {
    /// As [`Service::call`], for a request of `peer`.
    fn enter(&mut self, request: R, peer: Option<SocketAddr>) -> Self::Future;
}

impl<S, A> Enter<Request<A>> for Entry<S>
where
    S: Service<Request<A>>,
    A: Body,
{
    fn enter(&mut self, mut request: Request<A>, peer: Option<SocketAddr>) -> Asked<S::Future> {
        let snapshot = &self.held.snapshot;
        let names = head::Names::of(request.headers());
        let fault = head::inspect(&request, &names, snapshot.head).err();
        let host = asked_host(request.uri(), &names);
        let names = names.kinds;
        let client = peer.map(|peer| snapshot.trust.client(peer.ip(), request.headers()));
        let trusted = client.as_ref().is_some_and(|client| client.trusted_peer);
        if names.claims {
            snapshot.trust.scrub(request.headers_mut(), trusted);
        }
        if names.underscores && !snapshot.allow_underscores {
            head::scrub_underscores(request.headers_mut());
        }
        let scheme = match client.as_ref().and_then(|client| client.proto) {
            Some(proto) => proto.as_str(),
            None => "http",
        };
        let ids = if names.ids {
            Ids::of(request.headers())
        } else {
            Ids::default()
        };
        if names.trace_state && !ids.continues_trace() {
            // It belongs to a `traceparent` that is not carried on (W3C Trace Context §3.3.1).
            request.headers_mut().remove("tracestate");
        }
        let edge = Edge {
            peer: peer.map(|peer| peer.ip()),
            client,
            method: request.method().clone(),
            scheme,
            host,
            ids,
            grpc: names.content_type && upstream::is_grpc(request.headers()),
            empty: request.body().is_end_stream(),
            fault,
        };
        request
            .extensions_mut()
            .insert(Arc::new(Trip::new(self.held.clone(), edge)));
        Asked {
            inner: self.inner.call(request),
            polled: false,
        }
    }
}

impl<S, A> Service<Request<A>> for Entry<S>
where
    S: Service<Request<A>>,
    A: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Asked<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // Another server calls on threads of its own, which nothing refreshes before.
        clock::refresh();
        let peer = request.extensions().get().map(|Peer(peer)| *peer);
        self.enter(request, peer)
    }
}

/// The target's host, or else the field's.
fn asked_host(target: &Uri, names: &head::Names<'_>) -> Text {
    match (target.authority(), names.host) {
        (Some(authority), _) => Text::of(authority.as_str().as_bytes()),
        (None, Some(host)) => Text::of(host.as_bytes()),
        (None, None) => Text::default(),
    }
}

pin_project! {
    /// A request under way; refreshes the clock whenever it is polled again.
    #[derive(Debug)]
    pub struct Asked<F> {
        #[pin]
        inner: F,
        polled: bool,
    }
}

impl<F: Future> Future for Asked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if std::mem::replace(this.polled, true) {
            clock::refresh();
        }
        this.inner.poll(cx)
    }
}
