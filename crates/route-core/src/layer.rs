//! Puts the finding into the request.
//!
//! - The path becomes its normal form, if it is not in it; scheme, authority and query stay byte for
//!   byte.
//! - An absolute target counts as its host; else HTTP/2's authority, then the `Host` field.
//! - `Max-Forwards` of an `OPTIONS` that goes on is counted down (RFC 9110 §7.6.2).
//!
//! Nothing is refused here: [`RefuseLayer`](crate::RefuseLayer) does that, further down, so that
//! layers between the two see the finding as well as the refusal.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, HeaderMap, MAX_FORWARDS};
use http::uri::PathAndQuery;
use http::{Extensions, HeaderValue, Method, Request, Uri, Version};
use tower_layer::Layer;
use tower_service::Service;

use crate::alone::keep;
use crate::matched::{Finding, Found};
use crate::normalize::PathError;
use crate::table::{Lookup, Table};

/// Looks the route up and tells the finding.
///
/// `H` leads to the table: an `Arc<Table>`, or a program's own snapshot.
#[derive(Clone, Debug)]
pub struct RouteLayer<H> {
    handle: H,
    found: fn(&H, Found, Option<&PathAndQuery>, &mut Extensions),
}

impl<H> RouteLayer<H> {
    /// Hands what was found to `found`, with the target into whose path the captures point; it puts
    /// into the request's extensions what the program likes. The target is None only where the
    /// request has none, as `CONNECT` may.
    pub fn new(handle: H, found: fn(&H, Found, Option<&PathAndQuery>, &mut Extensions)) -> Self {
        Self { handle, found }
    }
}

impl RouteLayer<Arc<Table>> {
    /// For use alone: a [`MatchedRoute`](crate::MatchedRoute) becomes a request extension, or the [`Found`] that says why
    /// there is none.
    pub fn alone(table: Arc<Table>) -> Self {
        Self::new(table, keep)
    }
}

impl<S, H: Clone> Layer<S> for RouteLayer<H> {
    type Service = Routed<S, H>;

    fn layer(&self, inner: S) -> Routed<S, H> {
        Routed {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of [`RouteLayer`].
#[derive(Clone, Debug)]
pub struct Routed<S, H> {
    inner: S,
    layer: RouteLayer<H>,
}

impl<S, H, B> Service<Request<B>> for Routed<S, H>
where
    S: Service<Request<B>>,
    H: AsRef<Table>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let RouteLayer { handle, found } = &self.layer;
        let finding = find(handle.as_ref(), &mut request);
        // Taken out for a moment, to be written while the target is looked at.
        let mut extensions = std::mem::take(request.extensions_mut());
        let target = request.uri().path_and_query();
        found(handle, finding, target, &mut extensions);
        *request.extensions_mut() = extensions;
        self.inner.call(request)
    }
}

/// Puts the path of `request` into its normal form and looks it up.
fn find<B>(table: &Table, request: &mut Request<B>) -> Found {
    let bad = |error| Found {
        finding: Finding::BadPath(error),
        vary: None,
    };
    if request.uri().path().starts_with('/') {
        match table.normalize(request.uri().path()) {
            Ok(Cow::Borrowed(_)) => {}
            Ok(Cow::Owned(normal)) => match with_path(request.uri(), normal) {
                Some(uri) => *request.uri_mut() = uri,
                None => return bad(PathError::TooLong),
            },
            Err(error) => return bad(error),
        }
    }
    let uri = request.uri();
    let found = table.find(&Lookup {
        method: request.method(),
        host: table
            .looks_at_hosts()
            .then(|| host(uri, request.headers()))
            .flatten(),
        path: uri.path(),
        query: uri.query(),
        headers: request.headers(),
        // In HTTP/2 the authority is what `Host` is elsewhere, and every target has one.
        absolute: uri.authority().is_some() && request.version() < Version::HTTP_2,
    });
    if *request.method() == Method::OPTIONS && matches!(found.finding, Finding::Matched(_)) {
        count_down(request.headers_mut());
    }
    found
}

/// `uri` with `path` for its own; None where that is too long for a target.
fn with_path(uri: &Uri, path: String) -> Option<Uri> {
    let target = uri.path_and_query()?;
    let mut text = path;
    // Even a lone `?` is the query's.
    text.push_str(&target.as_str()[target.path().len()..]);
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::from_maybe_shared(Bytes::from(text)).ok()?);
    Uri::from_parts(parts).ok()
}

fn host<'r>(uri: &'r Uri, headers: &'r HeaderMap) -> Option<&'r str> {
    uri.host().or_else(|| headers.get(HOST)?.to_str().ok())
}

/// At 0 the request would have been answered; what is no number is left for the next hop.
fn count_down(headers: &mut HeaderMap) {
    let Some(hops) = headers.get_mut(MAX_FORWARDS) else {
        return;
    };
    let left = hops.to_str().ok().and_then(|hops| hops.parse::<u64>().ok());
    if let Some(left) = left {
        *hops = HeaderValue::from(left.saturating_sub(1));
    }
}
