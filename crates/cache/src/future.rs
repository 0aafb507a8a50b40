//! What a call of the cache is while it waits.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::answer::Hit;
use crate::body::{BoxError, CacheBody};
use crate::change::{Change, Purging};
use crate::fetching::Fetching;
use crate::fill::Fill;
use crate::key::CacheKey;
use crate::layer::CacheLayer;
use crate::spawn::Spawn;
use crate::status::{self, Forwarded, X_CACHE_KEY};
use crate::stored::StoredResponse;
use crate::storing::{Asked, Bypass, NotStored};

/// What is to be done with the inner service's answer.
#[derive(Debug)]
pub(crate) enum After<E> {
    Nothing,
    Change(Box<Change>),
    Bypass(Bypass, Option<Box<Change>>),
    Head(Forwarded),
    Fetch(Box<Fetching<E>>),
}

type Lookup = Pin<Box<dyn Future<Output = (CacheKey, Option<Arc<StoredResponse>>)> + Send>>;

/// A store elsewhere is being asked; the inner service waits, ready.
pub(crate) struct Asking<S, A, E> {
    lookup: Lookup,
    inner: S,
    request: Request<A>,
    layer: CacheLayer<E>,
    asked: Asked,
}

impl<S, A, E> Asking<S, A, E> {
    pub(crate) fn new(
        inner: S,
        request: Request<A>,
        layer: CacheLayer<E>,
        key: CacheKey,
        asked: Asked,
    ) -> Box<Self> {
        let store = layer.store();
        let lookup: Lookup = Box::pin(async move {
            // A store that fails is a miss.
            let found = store.get(&key).await.unwrap_or_default();
            (key, found)
        });
        Box::new(Self {
            lookup,
            inner,
            request,
            layer,
            asked,
        })
    }
}

pin_project! {
    /// The answer of a [`crate::Cache`].
    pub struct CacheFuture<S, A, B, E, F> {
        #[pin]
        kind: Kind<S, A, B, E, F>,
        shown_key: Option<Box<HeaderValue>>,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind<S, A, B, E, F> {
        Hit { hit: Option<Hit> },
        Asking { asking: Option<Box<Asking<S, A, E>>> },
        Passing { #[pin] inner: F, after: Option<After<E>> },
        Purging { purging: Purging, answer: Option<Box<Response<B>>> },
    }
}

impl<S, A, B, E, F> CacheFuture<S, A, B, E, F> {
    pub(crate) fn hit(hit: Hit) -> Self {
        let hit = Some(hit);
        Self {
            kind: Kind::Hit { hit },
            shown_key: None,
        }
    }

    pub(crate) fn asking(asking: Box<Asking<S, A, E>>) -> Self {
        let asking = Some(asking);
        Self {
            kind: Kind::Asking { asking },
            shown_key: None,
        }
    }

    pub(crate) fn passing(inner: F, after: After<E>) -> Self {
        let after = Some(after);
        Self {
            kind: Kind::Passing { inner, after },
            shown_key: None,
        }
    }

    /// The same, whose answer shows `key`.
    pub(crate) fn showing(self, key: Option<Box<HeaderValue>>) -> Self {
        Self {
            shown_key: key,
            ..self
        }
    }
}

impl<S, A, B, E, F> fmt::Debug for CacheFuture<S, A, B, E, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Hit { .. } => "CacheFuture(hit)",
            Kind::Asking { .. } => "CacheFuture(asking)",
            Kind::Passing { .. } => "CacheFuture(passing)",
            Kind::Purging { .. } => "CacheFuture(purging)",
        })
    }
}

impl<S, A, B, E> Future for CacheFuture<S, A, B, E, S::Future>
where
    S: Service<Request<A>, Response = Response<B>>,
    E: Spawn<Fill<B>> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<CacheBody<B>>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = ready!(self.as_mut().poll_kind(cx))?;
        if let Some(key) = self.project().shown_key.take() {
            response.headers_mut().insert(X_CACHE_KEY, *key);
        }
        Poll::Ready(Ok(response))
    }
}

type Answered<B, X> = Poll<Result<Response<CacheBody<B>>, X>>;

impl<S, A, B, E> CacheFuture<S, A, B, E, S::Future>
where
    S: Service<Request<A>, Response = Response<B>>,
    E: Spawn<Fill<B>> + Clone,
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    fn poll_kind(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Answered<B, S::Error> {
        loop {
            let next = match self.as_mut().project().kind.project() {
                KindProjection::Hit { hit } => {
                    return match hit.take() {
                        Some(hit) => Poll::Ready(Ok(hit.into_response())),
                        None => Poll::Pending,
                    };
                }
                KindProjection::Asking { asking } => {
                    let Some(waiting) = asking else {
                        return Poll::Pending;
                    };
                    let (key, found) = ready!(waiting.lookup.as_mut().poll(cx));
                    let Some(waiting) = asking.take().map(|waiting| *waiting) else {
                        return Poll::Pending;
                    };
                    waiting.decide(&key, found.as_ref())
                }
                KindProjection::Passing { inner, after } => {
                    let mut response = ready!(inner.poll(cx))?;
                    let change = match after.take() {
                        None | Some(After::Nothing) => None,
                        Some(After::Change(change)) => Some(change),
                        Some(After::Bypass(reason, change)) => {
                            status::mark_bypass(response.headers_mut(), reason);
                            change
                        }
                        Some(After::Head(forwarded)) => {
                            let stored = Err(NotStored::Head);
                            status::mark_miss(response.headers_mut(), forwarded, stored);
                            None
                        }
                        Some(After::Fetch(fetching)) => {
                            return Poll::Ready(Ok(fetching.answer(response, cx)));
                        }
                    };
                    match change.and_then(|change| change.apply(&response)) {
                        None => return Poll::Ready(Ok(response.map(CacheBody::passing))),
                        Some(purging) => Kind::Purging {
                            purging,
                            answer: Some(Box::new(response)),
                        },
                    }
                }
                KindProjection::Purging { purging, answer } => {
                    ready!(purging.as_mut().poll(cx));
                    return match answer.take() {
                        Some(response) => Poll::Ready(Ok(response.map(CacheBody::passing))),
                        None => Poll::Pending,
                    };
                }
            };
            self.as_mut().project().kind.set(next);
        }
    }
}

impl<S, A, E> Asking<S, A, E>
where
    S: Service<Request<A>>,
    E: Clone,
{
    fn decide<B>(
        self,
        key: &CacheKey,
        found: Option<&Arc<StoredResponse>>,
    ) -> Kind<S, A, B, E, S::Future> {
        let Self {
            mut inner,
            mut request,
            layer,
            asked,
            ..
        } = self;
        match layer.decide(&mut request, found, asked, key, None) {
            Ok(hit) => Kind::Hit { hit: Some(hit) },
            Err(after) => Kind::Passing {
                inner: inner.call(request),
                after: Some(after),
            },
        }
    }
}
