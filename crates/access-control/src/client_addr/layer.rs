//! The layer for use alone: finds the client, removes what nobody may claim, and leaves the finding in the request.

use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Extensions, Request};
use tower_layer::Layer;
use tower_service::Service;

use super::Trust;

/// Finds the client of each request: the inner service meets a [`ClientAddr`](crate::ClientAddr) in its extensions.
///
/// Where `peer` knows no address the request passes without one, and as a stranger's.
#[derive(Clone, Debug)]
pub struct ClientAddrLayer {
    trust: Arc<Trust>,
    peer: fn(&Extensions) -> Option<IpAddr>,
}

impl ClientAddrLayer {
    /// `peer` tells the address that a connection came from; every server has its own way to leave it in a request.
    pub fn new(trust: Trust, peer: fn(&Extensions) -> Option<IpAddr>) -> Self {
        let trust = Arc::new(trust);
        Self { trust, peer }
    }
}

impl<S> Layer<S> for ClientAddrLayer {
    type Service = FindClient<S>;

    fn layer(&self, inner: S) -> FindClient<S> {
        FindClient {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`ClientAddrLayer`] makes.
#[derive(Clone, Debug)]
pub struct FindClient<S> {
    inner: S,
    layer: ClientAddrLayer,
}

impl<S, B> Service<Request<B>> for FindClient<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let ClientAddrLayer { trust, peer } = &self.layer;
        let client = peer(request.extensions()).map(|peer| trust.client(peer, request.headers()));
        let trusted = client.is_some_and(|client| client.trusted_peer);
        trust.scrub(request.headers_mut(), trusted);
        if let Some(client) = client {
            request.extensions_mut().insert(client);
        }
        self.inner.call(request)
    }
}
