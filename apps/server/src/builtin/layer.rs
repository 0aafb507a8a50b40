//! Answers the built-in endpoints of the main listener.
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use ops_health::Detail;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Builtin, Rendered, Renderer};
use crate::problem::TargetRefusal;
use crate::trip::Trip;
use crate::whole::WholeOr;

/// Answers the endpoints that no route took.
#[derive(Clone, Debug)]
pub struct BuiltinLayer {
    renderer: Renderer,
}

impl BuiltinLayer {
    /// With what renders `/metrics`.
    pub fn new(renderer: Renderer) -> Self {
        Self { renderer }
    }
}

impl<S> Layer<S> for BuiltinLayer {
    type Service = Builtins<S>;

    fn layer(&self, inner: S) -> Builtins<S> {
        Builtins {
            inner,
            renderer: self.renderer.clone(),
        }
    }
}

/// The service of [`BuiltinLayer`].
#[derive(Clone, Debug)]
pub struct Builtins<S> {
    inner: S,
    renderer: Renderer,
}

impl<S, A, B> Service<Request<A>> for Builtins<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<WholeOr<B>>;
    type Error = S::Error;
    type Future = BuiltinFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let trip = Trip::of(request.extensions());
        let Some((trip, builtin)) = trip.and_then(|trip| Some((trip, trip.builtin()?))) else {
            return BuiltinFuture::Passed {
                inner: self.inner.call(request),
            };
        };
        if !Builtin::takes(request.method()) {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response.extensions_mut().insert(TargetRefusal);
            return BuiltinFuture::Answered {
                response: Some(Box::new(response)),
            };
        }
        match builtin {
            Builtin::Probe(probe) => {
                let snapshot = &trip.held.snapshot;
                let detail = if snapshot.features.health_details {
                    Detail::Full
                } else {
                    Detail::Bare
                };
                let registries = &snapshot.registries;
                let answer = probe.answer(&registries.lifecycle, &registries.health, detail);
                BuiltinFuture::Answered {
                    response: Some(Box::new(answer.into_response())),
                }
            }
            Builtin::Metrics => {
                let snapshot = Arc::clone(&trip.held.snapshot);
                BuiltinFuture::Rendering {
                    rendered: self.renderer.render(
                        snapshot,
                        request.headers(),
                        request.uri().query(),
                    ),
                }
            }
        }
    }
}

pin_project! {
    /// The future of [`Builtins`].
    #[project = BuiltinFutureProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum BuiltinFuture<F> {
        /// A probe's answer stands.
        Answered { response: Option<Box<Response<Bytes>>> },
        /// `/metrics` is rendered elsewhere.
        Rendering { #[pin] rendered: Rendered },
        /// Not a built-in endpoint.
        Passed { #[pin] inner: F },
    }
}

impl<F, B, E> Future for BuiltinFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<WholeOr<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project() {
            BuiltinFutureProj::Passed { inner } => {
                return inner
                    .poll(cx)
                    .map_ok(|response| response.map(|inner| WholeOr::Inner { inner }));
            }
            BuiltinFutureProj::Answered { response } => response
                .take()
                .map(|response| *response)
                .unwrap_or_default(),
            BuiltinFutureProj::Rendering { rendered } => ready!(rendered.poll(cx)),
        };
        Poll::Ready(Ok(response.map(WholeOr::of)))
    }
}
