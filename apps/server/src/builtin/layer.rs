//! Answers the built-in endpoints of the main listener.
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use ops_health::Detail;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::{Builtin, Rendered, Renderer};
use crate::problem::TargetRefusal;
use crate::trip::Trip;

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
    type Response = Response<BuiltinBody<B>>;
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
                let detail = if snapshot.features.details {
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
    type Output = Result<Response<BuiltinBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match self.project() {
            BuiltinFutureProj::Passed { inner } => {
                return inner
                    .poll(cx)
                    .map_ok(|response| response.map(|inner| BuiltinBody::Inner { inner }));
            }
            BuiltinFutureProj::Answered { response } => response
                .take()
                .map(|response| *response)
                .unwrap_or_default(),
            BuiltinFutureProj::Rendering { rendered } => ready!(rendered.poll(cx)),
        };
        Poll::Ready(Ok(
            response.map(|body| BuiltinBody::Whole { body: Some(body) })
        ))
    }
}

pin_project! {
    /// The body of an answer of [`Builtins`].
    #[project = BuiltinBodyProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum BuiltinBody<B> {
        /// All there is.
        Whole { body: Option<Bytes> },
        /// What is below answers.
        Inner { #[pin] inner: B },
    }
}

impl<B> Default for BuiltinBody<B> {
    fn default() -> Self {
        Self::Whole { body: None }
    }
}

impl<B: Body<Data = Bytes>> Body for BuiltinBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project() {
            BuiltinBodyProj::Inner { inner } => inner.poll_frame(cx),
            BuiltinBodyProj::Whole { body } => {
                let body = body.take().filter(|body| !body.is_empty());
                Poll::Ready(body.map(|body| Ok(Frame::data(body))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner { inner } => inner.is_end_stream(),
            Self::Whole { body } => body.as_ref().is_none_or(Bytes::is_empty),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner { inner } => inner.size_hint(),
            Self::Whole { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}
