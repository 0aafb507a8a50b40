//! The layer that answers preflights and says on every answer who may read it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Extensions, HeaderMap, HeaderValue, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::policy::{CorsPolicy, Grant};
use super::preflight::{self, Preflight};

/// Puts each route's [`CorsPolicy`] into effect.
///
/// It stands outside everything that refuses, so that a page may read the refusal, and outside a cache, so that one
/// stored response serves every origin.
///
/// A preflight is judged by the policy of the request that it asks for: `policy` and `methods` must find the route by the
/// path and `Access-Control-Request-Method`, not by `OPTIONS`.
#[derive(Clone, Debug)]
pub struct CorsLayer {
    policy: Source,
    methods: fn(&Extensions) -> Option<HeaderValue>,
}

#[derive(Clone, Debug)]
enum Source {
    Route(fn(&Extensions) -> Option<&CorsPolicy>),
    One(Arc<CorsPolicy>),
}

impl CorsLayer {
    /// `policy` finds the policy of a request's route, where there is one; `methods` lists what the path answers (as
    /// `Allow` does), for policies that name no methods. Where it knows none, any method is allowed.
    pub fn new(
        policy: fn(&Extensions) -> Option<&CorsPolicy>,
        methods: fn(&Extensions) -> Option<HeaderValue>,
    ) -> Self {
        let policy = Source::Route(policy);
        Self { policy, methods }
    }

    /// One policy for every request; where it names no methods, any is allowed.
    pub fn for_all(policy: CorsPolicy) -> Self {
        Self {
            policy: Source::One(Arc::new(policy)),
            methods: |_| None,
        }
    }
}

impl<S> Layer<S> for CorsLayer {
    type Service = Cors<S>;

    fn layer(&self, inner: S) -> Cors<S> {
        Cors {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service that [`CorsLayer`] makes.
#[derive(Clone, Debug)]
pub struct Cors<S> {
    inner: S,
    layer: CorsLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Cors<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    ResBody: Default,
{
    type Response = Response<ResBody>;
    type Error = S::Error;
    type Future = CorsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let policy = match &self.layer.policy {
            Source::Route(find) => find(request.extensions()),
            Source::One(policy) => Some(&**policy),
        };
        let grant = match policy {
            None => None,
            Some(policy) if preflight::is_preflight(request.method(), request.headers()) => {
                let methods = (self.layer.methods)(request.extensions());
                let answer = preflight::answer(policy, request.headers(), methods);
                let state = State::Preflight {
                    answer: Some(Box::new(answer)),
                };
                return CorsFuture { state };
            }
            Some(policy) => Some(policy.grant(request.headers())),
        };
        let state = State::Asked {
            inner: self.inner.call(request),
            grant,
        };
        CorsFuture { state }
    }
}

pin_project! {
    /// The future of [`Cors`].
    #[derive(Debug)]
    pub struct CorsFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        // Boxed: it is rare, and would be the larger by far.
        Preflight { answer: Option<Box<(Preflight, HeaderMap)>> },
        Asked { #[pin] inner: F, grant: Option<Grant> },
    }
}

impl<F, B, E> Future for CorsFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Asked { inner, grant } => {
                let mut response = ready!(inner.poll(cx))?;
                if let Some(grant) = grant.take() {
                    grant.apply(response.headers_mut());
                }
                Poll::Ready(Ok(response))
            }
            StateProjection::Preflight { answer } => {
                let mut response = Response::new(B::default());
                *response.status_mut() = StatusCode::NO_CONTENT;
                if let Some(answer) = answer.take() {
                    let (preflight, fields) = *answer;
                    *response.headers_mut() = fields;
                    response.extensions_mut().insert(preflight);
                }
                Poll::Ready(Ok(response))
            }
        }
    }
}
