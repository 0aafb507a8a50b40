//! What answers a request: the upstream, the configuration itself, a folder, another place, or a
//! program's own service.

mod files;
mod range;
mod rewrite;

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::{Oneshot, ServiceExt};
use upstream::{AnswerBody, AnswerError, Forward, ForwardFuture};

use crate::listen::BoxError;
use crate::problem::{CLIENT_LEFT, TargetRefusal};
use crate::trip::Trip;

pub use files::{Files, FilesBody};
pub use rewrite::{Redirect, RewriteLayer, Rewritten};

/// A route's target.
#[derive(Clone, Debug)]
pub enum Target {
    /// An upstream; which one is the forwarding policy's to say.
    Upstream,
    /// An answer that the configuration holds.
    Respond(Arc<Respond>),
    /// A folder's files.
    Files(Arc<Files>),
    /// Another place.
    Redirect(Arc<Redirect>),
    /// The service of the program that embeds the stack.
    Own,
}

/// An answer that the configuration holds.
#[derive(Clone, Debug)]
pub struct Respond {
    /// The status.
    pub status: StatusCode,
    /// The fields.
    pub fields: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Answers by the route's target; `own` answers for [`Target::Own`].
#[derive(Clone, Debug)]
pub struct Targets<T> {
    target: fn(&Extensions) -> Option<&Target>,
    redirect: fn(&Redirect, &Extensions) -> Option<http::HeaderValue>,
    forward: Forward,
    own: T,
}

impl<T> Targets<T> {
    /// Joins the gateway's own targets with `own`.
    pub fn new(
        target: fn(&Extensions) -> Option<&Target>,
        redirect: fn(&Redirect, &Extensions) -> Option<http::HeaderValue>,
        forward: Forward,
        own: T,
    ) -> Self {
        Self {
            target,
            redirect,
            forward,
            own,
        }
    }
}

impl<T, A, B> Service<Request<A>> for Targets<T>
where
    T: Service<Request<A>, Response = Response<B>> + Clone,
    A: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Response = Response<TargetBody<A, B>>;
    type Error = T::Error;
    type Future = TargetFuture<ForwardFuture<A>, Oneshot<T, Request<A>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), T::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        match (self.target)(request.extensions()) {
            Some(Target::Upstream) => {
                let trip = Trip::of(request.extensions()).cloned();
                TargetFuture::Upstream {
                    inner: self.forward.call(request),
                    trip,
                }
            }
            // It may not be ready: then the request waits for it here.
            Some(Target::Own) => TargetFuture::Own {
                inner: self.own.clone().oneshot(request),
            },
            Some(Target::Files(files)) => TargetFuture::Files {
                inner: files.answer(&request),
            },
            Some(Target::Respond(respond)) => TargetFuture::Ready {
                answer: Some(Box::new(respond.answer())),
            },
            Some(Target::Redirect(redirect)) => {
                match (self.redirect)(redirect, request.extensions()) {
                    Some(to) => TargetFuture::Ready {
                        answer: Some(Box::new(redirect.answer(to))),
                    },
                    // A parameter that would name another host.
                    None => TargetFuture::Refused {
                        status: StatusCode::BAD_REQUEST,
                    },
                }
            }
            // Only a request with a route comes here, and a route has a target.
            None => TargetFuture::Refused {
                status: StatusCode::NOT_FOUND,
            },
        }
    }
}

impl Respond {
    fn answer(&self) -> Ready {
        (self.status, self.fields.clone(), self.body.clone())
    }
}

/// Status, fields and body of an answer that waits for nothing.
pub(crate) type Ready = (StatusCode, HeaderMap, Bytes);

pin_project! {
    /// The future of [`Targets`].
    #[project = TargetFutureProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum TargetFuture<F, O> {
        /// The upstream is asked.
        Upstream { #[pin] inner: F, trip: Option<Arc<Trip>> },
        /// A folder is asked.
        Files { inner: files::Answer },
        /// The program's service is asked.
        Own { #[pin] inner: O },
        /// The gateway refuses.
        Refused { status: StatusCode },
        /// The answer stands.
        Ready { answer: Option<Box<Ready>> },
    }
}

impl<A, F, O, B, E> Future for TargetFuture<F, O>
where
    F: Future<Output = Result<Response<AnswerBody<A>>, Infallible>>,
    O: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TargetBody<A, B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project() {
            TargetFutureProj::Upstream { inner, trip } => {
                let Ok(response) = ready!(inner.poll(cx));
                let trip = trip.take();
                response.map(|inner| TargetBody::Upstream { inner, trip })
            }
            TargetFutureProj::Refused { status } => {
                let mut response = Response::new(TargetBody::default());
                *response.status_mut() = *status;
                response.extensions_mut().insert(TargetRefusal);
                response
            }
            TargetFutureProj::Files { inner } => {
                let mut response = ready!(inner.as_mut().poll(cx));
                mark(&mut response);
                response.map(|inner| TargetBody::Files { inner })
            }
            TargetFutureProj::Own { inner } => {
                ready!(inner.poll(cx))?.map(|inner| TargetBody::Own { inner })
            }
            TargetFutureProj::Ready { answer } => {
                let (status, fields, body) = *answer.take().unwrap_or_default();
                let mut response = Response::new(TargetBody::Whole {
                    body: Some(body).filter(|body| !body.is_empty()),
                });
                *response.status_mut() = status;
                *response.headers_mut() = fields;
                response
            }
        }))
    }
}

/// Tells a cut answer by its own word; one whose request's body failed was cut by its client.
fn cut(trip: &Trip, error: AnswerError) {
    match error {
        AnswerError::RequestBody => trip.set_stands_for(CLIENT_LEFT),
        _ => trip.set_error(error.proxy_error()),
    }
}

/// An error of a folder is the gateway's own, and gets its document.
fn mark<B>(response: &mut Response<B>) {
    if response.status().is_client_error() || response.status().is_server_error() {
        response.extensions_mut().insert(TargetRefusal);
    }
}

pin_project! {
    /// The body of a target's answer.
    #[project = TargetBodyProj]
    #[allow(missing_docs, reason = "the macro takes no comment on a variant's parts; the variant has one")]
    pub enum TargetBody<A, B> {
        /// All there is.
        Whole { body: Option<Bytes> },
        /// As the upstream sends it.
        Upstream { #[pin] inner: AnswerBody<A>, trip: Option<Arc<Trip>> },
        /// As the file is read.
        Files { #[pin] inner: FilesBody },
        /// As the program makes it.
        Own { #[pin] inner: B },
    }
}

impl<A, B> Default for TargetBody<A, B> {
    fn default() -> Self {
        Self::Whole { body: None }
    }
}

/// Why a target's body ended early.
#[derive(Debug)]
pub enum TargetError {
    /// The upstream's failed.
    Upstream(AnswerError),
    /// The file's failed.
    Files(std::io::Error),
    /// The program's failed.
    Own(BoxError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upstream(_) => "the upstream's body failed",
            Self::Files(_) => "the file could not be read to its end",
            Self::Own(_) => "the handler's body failed",
        })
    }
}

impl std::error::Error for TargetError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Upstream(error) => error,
            Self::Files(error) => error,
            Self::Own(error) => &**error,
        })
    }
}

impl<A, B> Body for TargetBody<A, B>
where
    A: Body<Data = Bytes, Error: Into<BoxError>>,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = TargetError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project() {
            TargetBodyProj::Whole { body } => {
                Poll::Ready(body.take().map(|body| Ok(Frame::data(body))))
            }
            TargetBodyProj::Upstream { inner, trip } => inner.poll_frame(cx).map_err(|error| {
                if let Some(trip) = trip.take() {
                    cut(&trip, error);
                }
                TargetError::Upstream(error)
            }),
            TargetBodyProj::Files { inner } => inner.poll_frame(cx).map_err(TargetError::Files),
            TargetBodyProj::Own { inner } => inner
                .poll_frame(cx)
                .map_err(|error| TargetError::Own(error.into())),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole { body } => body.is_none(),
            Self::Upstream { inner, .. } => inner.is_end_stream(),
            Self::Files { inner } => inner.is_end_stream(),
            Self::Own { inner } => inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
            Self::Upstream { inner, .. } => inner.size_hint(),
            Self::Files { inner } => inner.size_hint(),
            Self::Own { inner } => inner.size_hint(),
        }
    }
}
