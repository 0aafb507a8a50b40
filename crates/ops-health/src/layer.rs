//! The probes in front of a service: for a program that uses this crate alone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Extensions, Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::lifecycle::Lifecycle;
use crate::monitor::HealthMonitor;
use crate::probe::Probe;
use crate::report::Detail;

/// Answers `GET` and `HEAD` on the paths of [`Probe`], and passes all else on.
///
/// Put it outside of whatever limits, authenticates or logs: a probe must be answered when the rest is busy.
#[derive(Clone, Debug)]
pub struct ProbeLayer {
    lifecycle: Lifecycle,
    monitor: Arc<HealthMonitor>,
    detail: fn(&Extensions) -> Detail,
}

impl ProbeLayer {
    /// A layer that tells nobody details.
    pub fn new(lifecycle: Lifecycle, monitor: Arc<HealthMonitor>) -> Self {
        Self {
            lifecycle,
            monitor,
            detail: |_| Detail::Bare,
        }
    }

    /// Asks `detail`, with the request's extensions, how much a caller of `/health` may see.
    pub fn with_detail(self, detail: fn(&Extensions) -> Detail) -> Self {
        Self { detail, ..self }
    }
}

impl<S> Layer<S> for ProbeLayer {
    type Service = ProbeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ProbeService {
            inner,
            layer: self.clone(),
        }
    }
}

/// A service with probes in front, see [`ProbeLayer`].
#[derive(Clone, Debug)]
pub struct ProbeService<S> {
    inner: S,
    layer: ProbeLayer,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ProbeService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ProbeBody<ResBody>>;
    type Error = S::Error;
    type Future = ProbeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let asks = matches!(*request.method(), Method::GET | Method::HEAD);
        let probe = Probe::of_path(request.uri().path()).filter(|_| asks);
        let Some(probe) = probe else {
            let future = self.inner.call(request);
            return ProbeFuture {
                answer: Answer::Passed { future },
            };
        };
        let ProbeLayer {
            lifecycle,
            monitor,
            detail,
        } = &self.layer;
        let answer = probe.answer(lifecycle, monitor, detail(request.extensions()));
        ProbeFuture {
            answer: Answer::Here {
                response: Some(answer.into_response()),
            },
        }
    }
}

pin_project! {
    /// The response of a [`ProbeService`], to come.
    #[derive(Debug)]
    pub struct ProbeFuture<F> {
        #[pin]
        answer: Answer<F>,
    }
}

pin_project! {
    #[project = AnswerProjection]
    #[derive(Debug)]
    enum Answer<F> {
        Here { response: Option<Response<Bytes>> },
        Passed { #[pin] future: F },
    }
}

impl<F, B, E> Future for ProbeFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ProbeBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().answer.project() {
            AnswerProjection::Here { response } => match response.take() {
                Some(response) => Poll::Ready(Ok(response.map(ProbeBody::here))),
                // Polled after its end: there is nothing left to say.
                None => Poll::Pending,
            },
            AnswerProjection::Passed { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(ProbeBody::passed)))
            }
        }
    }
}

pin_project! {
    /// The body of an answer to a probe, or that of the service behind.
    #[derive(Debug)]
    pub struct ProbeBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProjection]
    #[derive(Debug)]
    enum Content<B> {
        Here { json: Option<Bytes> },
        Passed { #[pin] body: B },
    }
}

impl<B> ProbeBody<B> {
    fn here(json: Bytes) -> Self {
        Self {
            content: Content::Here { json: Some(json) },
        }
    }

    fn passed(body: B) -> Self {
        Self {
            content: Content::Passed { body },
        }
    }
}

impl<B> Default for ProbeBody<B> {
    /// The empty body.
    fn default() -> Self {
        Self {
            content: Content::Here { json: None },
        }
    }
}

impl<B> Body for ProbeBody<B>
where
    B: Body<Data = Bytes>,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().content.project() {
            ContentProjection::Here { json } => {
                Poll::Ready(json.take().map(|json| Ok(Frame::data(json))))
            }
            ContentProjection::Passed { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Here { json } => json.is_none(),
            Content::Passed { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Here { json } => {
                SizeHint::with_exact(json.as_ref().map_or(0, |json| json.len() as u64))
            }
            Content::Passed { body } => body.size_hint(),
        }
    }
}
