//! What one request may take: the size of its body, and the time of a program's own handlers.
//!
//! The upstream's times are kept by the `upstream` crate, which knows when a try began; a handler of a
//! program that embeds the stack is held to the route's `timeout` here.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::header::CONTENT_LENGTH;
use http::{Extensions, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tower::{Layer, Service};

/// A route's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsPolicy {
    /// The largest request body in bytes.
    pub max_body: Option<u64>,
    /// The time from the last byte of the request to the response head, where nothing below keeps it.
    pub timeout: Option<Duration>,
}

/// Why a request was refused here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The body is over the route's `max_body`, in bytes.
    TooLarge(u64),
    /// The handler gave no answer in the route's `timeout`.
    TimedOut(Duration),
}

/// Holds requests to their route's limits.
#[derive(Clone, Copy, Debug)]
pub struct LimitsLayer {
    /// Finds the limits of a request.
    pub policy: fn(&Extensions) -> Option<LimitsPolicy>,
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Limits<S> {
        Limits {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`LimitsLayer`].
#[derive(Clone, Debug)]
pub struct Limits<S> {
    inner: S,
    layer: LimitsLayer,
}

impl<S, A, B> Service<Request<A>> for Limits<S>
where
    S: Service<Request<LimitedBody<A>>, Response = Response<B>>,
    A: Body,
    B: Default,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = LimitsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let policy = (self.layer.policy)(request.extensions());
        let limit = policy.and_then(|policy| policy.max_body);
        let timeout = policy.and_then(|policy| policy.timeout);
        let declared = declared_length(&request);
        if let (Some(limit), Some(declared)) = (limit, declared)
            && declared > limit
        {
            return LimitsFuture {
                inner: None,
                refusal: Some(Refusal::TooLarge(limit)),
                timer: None,
                timeout: None,
            };
        }
        // A body whose length is known and allowed needs no count: hyper holds it to that length.
        let counted = limit.filter(|_| declared.is_none());
        let watched = (counted.is_some() || timeout.is_some()) && !request.body().is_end_stream();
        let watch = watched.then(|| {
            Arc::new(Watch {
                limit: counted.unwrap_or(u64::MAX),
                passed: AtomicU64::new(0),
                over: AtomicBool::new(false),
                ended: AtomicBool::new(false),
            })
        });
        let request = request.map(|inner| LimitedBody {
            inner,
            watch: watch.clone().map(Reading),
        });
        LimitsFuture {
            inner: Some(self.inner.call(request)),
            refusal: None,
            timer: None,
            timeout: Some((timeout, watch)),
        }
    }
}

fn declared_length<A: Body>(request: &Request<A>) -> Option<u64> {
    if request.body().is_end_stream() {
        return Some(0);
    }
    let declared = request.headers().get(CONTENT_LENGTH);
    let declared = declared.and_then(|length| length.to_str().ok()?.parse().ok());
    declared.or_else(|| request.body().size_hint().exact())
}

/// What the future learns of a body that is read elsewhere.
#[derive(Debug)]
struct Watch {
    limit: u64,
    passed: AtomicU64,
    over: AtomicBool,
    ended: AtomicBool,
}

/// The reader's end: when it goes, the body was read, or will not be.
#[derive(Debug)]
struct Reading(Arc<Watch>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.ended.store(true, Relaxed);
    }
}

pin_project! {
    /// The future of [`Limits`].
    pub struct LimitsFuture<F> {
        #[pin]
        inner: Option<F>,
        refusal: Option<Refusal>,
        timer: Option<Pin<Box<Sleep>>>,
        timeout: Option<(Option<Duration>, Option<Arc<Watch>>)>,
    }
}

impl<F, B, E> Future for LimitsFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Default,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(refusal) = this.refusal.take() {
            return Poll::Ready(Ok(refused(refusal)));
        }
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        if let Poll::Ready(answer) = inner.poll(cx) {
            // Whatever the reader of the body made of its end: it was the limit that ended it.
            if let Some((_, Some(watch))) = &*this.timeout
                && watch.over.load(Relaxed)
            {
                return Poll::Ready(Ok(refused(Refusal::TooLarge(watch.limit))));
            }
            return Poll::Ready(answer);
        }
        // Made on the first wait only, so that what is answered at once pays for no timer.
        let Some((Some(timeout), watch)) = &*this.timeout else {
            return Poll::Pending;
        };
        // The time runs from the request's last byte. The handler's task is woken to read it, and with it this.
        if watch
            .as_ref()
            .is_some_and(|watch| !watch.ended.load(Relaxed))
        {
            return Poll::Pending;
        }
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(*timeout)));
        ready!(timer.as_mut().poll(cx));
        let timeout = *timeout;
        this.inner.set(None);
        Poll::Ready(Ok(refused(Refusal::TimedOut(timeout))))
    }
}

fn refused<B: Default>(refusal: Refusal) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = match refusal {
        Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::TimedOut(_) => StatusCode::GATEWAY_TIMEOUT,
    };
    response.extensions_mut().insert(refusal);
    response
}

pin_project! {
    /// A request body that ends in an error once it is over its limit.
    #[derive(Debug)]
    pub struct LimitedBody<A> {
        #[pin]
        inner: A,
        watch: Option<Reading>,
    }
}

impl<A> LimitedBody<A> {
    /// A body that is held to no limit.
    pub fn free(inner: A) -> Self {
        Self { inner, watch: None }
    }
}

impl<A: Default> Default for LimitedBody<A> {
    fn default() -> Self {
        Self {
            inner: A::default(),
            watch: None,
        }
    }
}

/// Why a request body ended early.
#[derive(Debug)]
pub enum LimitedError<E> {
    /// It is over the limit, in bytes.
    TooLarge(u64),
    /// The body itself failed.
    Body(E),
}

impl<E> fmt::Display for LimitedError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "the request body is over {limit} bytes"),
            Self::Body(_) => f.write_str("the request body failed"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for LimitedError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TooLarge(_) => None,
            Self::Body(error) => Some(error),
        }
    }
}

impl<A: Body<Data = Bytes>> Body for LimitedBody<A> {
    type Data = Bytes;
    type Error = LimitedError<A::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let frame = ready!(this.inner.poll_frame(cx))
            .transpose()
            .map_err(LimitedError::Body)?;
        if frame.is_none() {
            *this.watch = None;
        }
        if let (Some(Reading(watch)), Some(data)) =
            (&*this.watch, frame.as_ref().and_then(Frame::data_ref))
        {
            let length = data.remaining() as u64;
            let passed = watch.passed.fetch_add(length, Relaxed);
            if passed.saturating_add(length) > watch.limit {
                watch.over.store(true, Relaxed);
                return Poll::Ready(Some(Err(LimitedError::TooLarge(watch.limit))));
            }
        }
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
