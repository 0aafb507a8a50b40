//! What a call of the cache is while it waits.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::after::After;
use crate::answer::Hit;
use crate::asked::Asked;
use crate::body::{BoxError, CacheBody};
use crate::change::Purging;
use crate::collapse::Landed;
use crate::decide::Course;
use crate::fetching::Work;
use crate::flights::{Landing, Waiting};
use crate::key::CacheKey;
use crate::layer::{CacheLayer, taken};
use crate::lookup::{self, Lookup};
use crate::reading::Reading;
use crate::request_body::CacheRequestBody;
use crate::spawn::{Background, Spawn};
use crate::status::{self, X_CACHE_KEY};

type Finding = Pin<Box<dyn Future<Output = (CacheKey, Lookup)> + Send>>;

/// A request whose course is not known yet: a store elsewhere is being asked, or another's fetch is waited for. The
/// inner service waits, ready.
pub(crate) struct Undecided<S, A, E> {
    wait: Wait,
    inner: S,
    request: Request<CacheRequestBody<A>>,
    layer: CacheLayer<E>,
    asked: Asked,
    /// How often it may still join another's fetch.
    joins: u8,
}

enum Wait {
    Store(Finding),
    Flight(Box<Following>),
}

/// Who waits for another's fetch, of what, and what there was.
pub(crate) struct Following {
    pub(crate) waiting: Waiting<Landed>,
    pub(crate) key: CacheKey,
    pub(crate) lookup: Lookup,
}

/// After so many fetches of others whose answers were not for it a request makes its own.
const JOINS_MAX: u8 = 3;

impl<S, A, E> Undecided<S, A, E> {
    fn new(
        wait: Wait,
        (inner, request): (S, Request<CacheRequestBody<A>>),
        layer: CacheLayer<E>,
        asked: Asked,
    ) -> Box<Self> {
        Box::new(Self {
            wait,
            inner,
            request,
            layer,
            asked,
            joins: JOINS_MAX,
        })
    }
}

fn finding<A, E>(layer: &CacheLayer<E>, mut key: CacheKey, request: &Request<A>) -> Finding {
    let (store, headers) = (layer.store(), request.headers().clone());
    Box::pin(async move {
        let lookup = lookup::wait(&*store, &mut key, &headers).await;
        (key, lookup)
    })
}

impl<S, A, E: Clone> Undecided<S, A, E> {
    fn poll_course<B>(&mut self, cx: &mut Context<'_>) -> Poll<Course<B, E>> {
        loop {
            let course = match &mut self.wait {
                Wait::Store(finding) => {
                    let (key, lookup) = ready!(finding.as_mut().poll(cx));
                    self.layer.decide(
                        &mut self.request,
                        lookup,
                        self.asked,
                        &key,
                        None,
                        self.joins > 0,
                    )
                }
                Wait::Flight(following) => {
                    let landing = ready!(Pin::new(&mut following.waiting).poll(cx));
                    let key = &mut following.key;
                    let landed = match landing {
                        Landing::Landed(landed) => Some(landed),
                        Landing::Abandoned => None,
                    };
                    let course = landed.and_then(|landed| {
                        let lookup = &mut following.lookup;
                        self.layer
                            .after(&mut self.request, lookup, self.asked, key, landed)
                    });
                    if let Some(course) = course {
                        course
                    } else {
                        // Another answer has come in the meantime, or none: from the beginning.
                        self.joins = self.joins.saturating_sub(1);
                        key.truncate_variant(following.lookup.base);
                        self.wait = Wait::Store(finding(&self.layer, key.clone(), &self.request));
                        continue;
                    }
                }
            };
            match course {
                Course::Follow(following) => self.wait = Wait::Flight(following),
                course => return Poll::Ready(course),
            }
        }
    }
}

/// A fetch whose client waits. Where the client leaves while others wait for the same, it goes on without.
pub(crate) struct Leading<F, E> {
    work: Option<Pin<Box<Work<F, E>>>>,
    go_on: fn(Pin<Box<Work<F, E>>>),
}

impl<F, E> Drop for Leading<F, E> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take_if(|work| work.is_awaited()) {
            (self.go_on)(work);
        }
    }
}

fn go_on<F, B, E, X>(work: Pin<Box<Work<F, E>>>)
where
    F: Future<Output = Result<Response<B>, X>>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
    E: Spawn<Background<F, B, E>> + Clone,
{
    if let Some(executor) = work.executor().cloned() {
        executor.spawn(Background::fetch(work));
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
        Answered { answer: Option<Box<Response<CacheBody<B>>>> },
        Reading { reading: Option<Box<Reading<S, A, E>>> },
        Undecided { undecided: Option<Box<Undecided<S, A, E>>> },
        Leading { leading: Leading<F, E> },
        Passing { #[pin] inner: F, after: After },
        Purging { purging: Purging, answer: Option<Box<Response<B>>> },
    }
}

impl<S, A, B, E, F> CacheFuture<S, A, B, E, F> {
    fn of(kind: Kind<S, A, B, E, F>) -> Self {
        Self {
            kind,
            shown_key: None,
        }
    }

    /// Reads the content of a request first.
    pub(crate) fn reading(reading: Box<Reading<S, A, E>>) -> Self {
        Self::of(Kind::Reading {
            reading: Some(reading),
        })
    }

    /// Asks a store that is elsewhere.
    pub(crate) fn asking(
        call: (S, Request<CacheRequestBody<A>>),
        layer: CacheLayer<E>,
        key: CacheKey,
        asked: Asked,
    ) -> Self {
        let wait = Wait::Store(finding(&layer, key, &call.1));
        Self::of(Kind::Undecided {
            undecided: Some(Undecided::new(wait, call, layer, asked)),
        })
    }

    pub(crate) fn passing(inner: F, after: After) -> Self {
        Self::of(Kind::Passing { inner, after })
    }

    /// The same, whose answer shows `key`.
    pub(crate) fn showing(self, key: Option<Box<HeaderValue>>) -> Self {
        Self {
            shown_key: key,
            ..self
        }
    }
}

impl<S, A, B, E> CacheFuture<S, A, B, E, S::Future>
where
    S: Service<Request<CacheRequestBody<A>>, Response = Response<B>>,
    E: Spawn<Background<S::Future, B, E>> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// Goes the way that was decided on; `inner` is ready, and is exchanged for a clone where the call keeps it.
    pub(crate) fn on(
        course: Course<B, E>,
        inner: &mut S,
        request: Request<A>,
        layer: &CacheLayer<E>,
        asked: Asked,
    ) -> Self
    where
        S: Clone,
    {
        match course {
            // `request` is dropped here, and with it the read buffer that it pins.
            Course::Hit(hit) => Self::of(Kind::Hit { hit: Some(hit) }),
            Course::Follow(_) => {
                let call = (taken(inner), request.map(CacheRequestBody::passing));
                Self::owned(course, call, layer.clone(), asked)
            }
            course => {
                let request = request.map(CacheRequestBody::passing);
                Self::of(Kind::on(course, inner, request))
            }
        }
    }

    /// The same for a call that is kept already.
    pub(crate) fn owned(
        course: Course<B, E>,
        (mut inner, request): (S, Request<CacheRequestBody<A>>),
        layer: CacheLayer<E>,
        asked: Asked,
    ) -> Self {
        Self::of(match course {
            Course::Follow(following) => {
                let (wait, call) = (Wait::Flight(following), (inner, request));
                Kind::Undecided {
                    undecided: Some(Undecided::new(wait, call, layer, asked)),
                }
            }
            course => Kind::on(course, &mut inner, request),
        })
    }
}

impl<S, A, B, E> Kind<S, A, B, E, S::Future>
where
    S: Service<Request<CacheRequestBody<A>>, Response = Response<B>>,
    E: Spawn<Background<S::Future, B, E>> + Clone,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn on(course: Course<B, E>, inner: &mut S, request: Request<CacheRequestBody<A>>) -> Self {
        match course {
            Course::Hit(hit) => Self::Hit { hit: Some(hit) },
            Course::Refresh(hit, fetching) => {
                let executor = fetching.executor().clone();
                let work = Work::new(inner.call(request), *fetching);
                executor.spawn(Background::fetch(work));
                Self::Hit { hit: Some(hit) }
            }
            Course::Fetch(fetching) => Self::Leading {
                leading: Leading {
                    work: Some(Work::new(inner.call(request), *fetching)),
                    go_on: go_on::<S::Future, B, E, S::Error>,
                },
            },
            Course::Pass(after) => Self::Passing {
                inner: inner.call(request),
                after,
            },
            Course::Answer(answer) => Self::Answered {
                answer: Some(answer),
            },
            // Who waits anew does so before a course is taken.
            Course::Follow(_) => Self::Passing {
                inner: inner.call(request),
                after: After::Nothing,
            },
        }
    }
}

impl<S, A, B, E, F> fmt::Debug for CacheFuture<S, A, B, E, F> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            Kind::Hit { .. } => "CacheFuture(hit)",
            Kind::Answered { .. } => "CacheFuture(answered)",
            Kind::Reading { .. } => "CacheFuture(reading)",
            Kind::Undecided { .. } => "CacheFuture(undecided)",
            Kind::Leading { .. } => "CacheFuture(leading)",
            Kind::Passing { .. } => "CacheFuture(passing)",
            Kind::Purging { .. } => "CacheFuture(purging)",
        })
    }
}

impl<S, A, B, E> Future for CacheFuture<S, A, B, E, S::Future>
where
    S: Service<Request<CacheRequestBody<A>>, Response = Response<B>>,
    E: Spawn<Background<S::Future, B, E>> + Clone,
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
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
    S: Service<Request<CacheRequestBody<A>>, Response = Response<B>>,
    E: Spawn<Background<S::Future, B, E>> + Clone,
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
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
                KindProjection::Answered { answer } => {
                    return match answer.take() {
                        Some(answer) => Poll::Ready(Ok(*answer)),
                        None => Poll::Pending,
                    };
                }
                KindProjection::Reading { reading } => {
                    let Some(waiting) = reading else {
                        return Poll::Pending;
                    };
                    let read = ready!(waiting.poll_read(cx));
                    let Some(waiting) = reading.take() else {
                        return Poll::Pending;
                    };
                    let Self { kind, shown_key } = waiting.go_on(read);
                    *self.as_mut().project().shown_key = shown_key;
                    kind
                }
                KindProjection::Undecided { undecided } => {
                    let Some(waiting) = undecided else {
                        return Poll::Pending;
                    };
                    let course = ready!(waiting.poll_course(cx));
                    let Some(waiting) = undecided.take() else {
                        return Poll::Pending;
                    };
                    let Undecided {
                        mut inner, request, ..
                    } = *waiting;
                    Kind::on(course, &mut inner, request)
                }
                KindProjection::Leading { leading } => {
                    let Some(work) = &mut leading.work else {
                        return Poll::Pending;
                    };
                    let answer = ready!(work.as_mut().poll_answer(cx));
                    leading.work = None;
                    return Poll::Ready(answer);
                }
                KindProjection::Passing { inner, after } => {
                    let mut response = ready!(inner.poll(cx))?;
                    let change = match std::mem::replace(after, After::Nothing) {
                        After::Nothing => None,
                        After::Change(change) => Some(change),
                        After::Bypass(reason, change) => {
                            status::mark_bypass(response.headers_mut(), reason);
                            change
                        }
                        After::Unstored(unstored) => {
                            unstored.apply(&mut response);
                            None
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
