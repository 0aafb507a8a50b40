//! What becomes of a miss: the request that goes up, and the answer that comes down.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::{Extensions, HeaderMap, Method, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::answer::{self, Hit, Part};
use crate::asked::Asked;
use crate::body::{BoxError, CacheBody};
use crate::collapse::{self, Collapsing, From, Landed, Shared};
use crate::fill::{Fill, FillPlan};
use crate::fill_memory::FillMemory;
use crate::flights::Lead;
use crate::hooks::CacheHooks;
use crate::invalidation::Tag;
use crate::key::CacheKey;
use crate::lookup::Index;
use crate::policy::CachePolicy;
use crate::provider::{CacheProvider, Fetch};
use crate::reuse;
use crate::spawn::{Background, Spawn};
use crate::status::{self, CacheOutcome, Forwarded, Verdict};
use crate::stored::{StoredHead, StoredResponse};
use crate::storing::{self, Arrival, NotStored};
use crate::validation::{Conditions, Validators};

mod prepare;

pub(crate) use prepare::prepare;

/// A `GET` that the upstream answers and whose answer may be stored.
pub(crate) struct Fetching<E> {
    pub(crate) policy: CachePolicy,
    pub(crate) store: Arc<dyn CacheProvider>,
    pub(crate) hooks: CacheHooks,
    pub(crate) fills: Arc<FillMemory>,
    pub(crate) collapsing: Arc<Collapsing>,
    pub(crate) executor: E,
    pub(crate) fetch: Fetch,
    pub(crate) forwarded: Forwarded,
    pub(crate) begun: Instant,
    pub(crate) asked: Asked,
    /// What the client holds.
    pub(crate) conditions: Conditions,
    /// The request's fields, for the response may say that some of them chose it.
    pub(crate) request: HeaderMap,
    /// What is stored, and about which the upstream is asked.
    pub(crate) stored: Option<Arc<StoredResponse>>,
    /// The key of `stored`, or of what was looked for.
    pub(crate) key: CacheKey,
    /// Whoever waits for the same.
    pub(crate) lead: Option<Lead<Landed>>,
    /// The origin of the request, and the labels that its route gives the response.
    pub(crate) labels: (String, Vec<Tag>),
    /// No client waits for it.
    pub(crate) in_background: bool,
    /// Whose request it is, to tell what the cache did; empty where that is known.
    pub(crate) extensions: Extensions,
}

impl<E> fmt::Debug for Fetching<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fetching")
            .field("fetch", &self.fetch)
            .finish_non_exhaustive()
    }
}

/// The statuses on which a stale response may stand in (RFC 5861 §4).
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// Whether a reason is about the response and not about who asked for it.
fn is_of_the_response(reason: NotStored) -> bool {
    !matches!(
        reason,
        NotStored::Refusal | NotStored::Authorization | NotStored::Credentials
    )
}

impl<E> Fetching<E> {
    pub(crate) fn executor(&self) -> &E {
        &self.executor
    }

    /// Turns the upstream's answer into the client's, and begins to store it where it may be.
    pub(crate) fn answer<F, B>(
        mut self,
        response: Response<B>,
        cx: &mut Context<'_>,
    ) -> Response<CacheBody<B>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: Spawn<Background<F, B, E>>,
    {
        let now = (self.hooks.clock)();
        let arrival = Arrival {
            now,
            wall: (self.hooks.wall)(),
            waited: now.saturating_duration_since(self.begun),
            chance: self.collapsing.chance(&self.key, now),
        };
        let status = response.status();
        if status == StatusCode::NOT_MODIFIED
            && let Some(stored) = self.stored.take()
        {
            return self.confirmed(&stored, response.headers(), arrival);
        }
        let is_refusal = (self.hooks.is_refusal)(response.extensions());
        if is_failure(status)
            && self.forwarded == Forwarded::Stale
            && let Some(stored) = &self.stored
            && let Some(fresh) = reuse::may_stand_in(stored.head(), self.asked, now)
        {
            let value = status::stale(fresh, Some((self.forwarded, status)));
            let hit = Hit::other(
                Arc::clone(stored),
                fresh.age,
                self.part_of(stored),
                (CacheOutcome::Stale, value),
            );
            (self.hooks.tell)(&self.extensions, CacheOutcome::Stale);
            self.land(collapse::of_unstorable(&response, is_refusal));
            return hit.into_response();
        }
        let judged = if is_refusal {
            Err(NotStored::Refusal)
        } else {
            let rules = self.policy.response_rules();
            storing::judge_response(status, response.headers(), rules, self.asked, arrival)
        };
        let head = judged.and_then(|storable| {
            let (origin, tags) = (&self.labels.0, std::mem::take(&mut self.labels.1));
            StoredHead::of(
                status,
                response.headers(),
                storable,
                arrival,
                (origin, tags),
            )
        });
        let not_modified =
            status.is_success() && self.conditions.held(&Validators::of(response.headers()));
        let kept = head.as_ref().map(drop).map_err(|reason| *reason);
        let verdict = Verdict {
            forward_status: self.stored.as_ref().map(|_| status),
            ..Verdict::new(self.forwarded, kept)
        };
        let body = match head {
            Err(reason) => {
                let landed = collapse::of_unstorable(&response, is_refusal);
                self.not_stored(status, reason, landed, now);
                None
            }
            Ok(head) => Some(head),
        };
        let (mut parts, inner) = response.into_parts();
        status::mark_miss(&mut parts.headers, verdict);
        let body = match body {
            None if not_modified => CacheBody::default(),
            None => CacheBody::passing(inner),
            Some(head) => self.fill(head, &parts.headers, inner, not_modified, cx),
        };
        if not_modified {
            parts.status = StatusCode::NOT_MODIFIED;
            answer::keep_for_not_modified(&mut parts.headers);
        }
        Response::from_parts(parts, body)
    }

    /// The stored response still holds (RFC 9111 §4.3.3).
    fn confirmed<F, B>(
        mut self,
        stored: &Arc<StoredResponse>,
        not_modified: &HeaderMap,
        arrival: Arrival,
    ) -> Response<CacheBody<B>>
    where
        E: Spawn<Background<F, B, E>>,
    {
        let labels = (self.labels.0.as_str(), std::mem::take(&mut self.labels.1));
        let rules = self.policy.response_rules();
        let updated = if stored.validators().are_confirmed_by(not_modified) {
            stored.confirmed(not_modified, rules, self.asked, arrival, labels)
        } else {
            // A 304 about another response updates nothing (§4.3.4).
            Err(NotStored::Stale)
        };
        let (stored, kept) = match updated {
            Ok(updated) => (Arc::new(updated), Ok(())),
            Err(reason) => (Arc::clone(stored), Err(reason)),
        };
        let part = self.part_of(&stored);
        let verdict = Verdict {
            forward_status: Some(StatusCode::NOT_MODIFIED),
            ..Verdict::new(self.forwarded, kept)
        };
        let age = stored.current_age(arrival.now);
        let told = (CacheOutcome::Revalidated, verdict.value());
        let cookies = not_modified.get_all(SET_COOKIE).iter().cloned().collect();
        let hit = Hit::other(Arc::clone(&stored), age, part, told).with_cookies(cookies);
        (self.hooks.tell)(&self.extensions, CacheOutcome::Revalidated);
        match kept {
            Ok(()) => self.keep(&stored, arrival.now),
            Err(reason) => {
                let status = stored.status();
                self.not_stored(status, reason, Landed::NotStorable, arrival.now);
            }
        }
        hit.into_response()
    }

    /// Stores what is complete already, and lets those have it who wait.
    fn keep<F, B>(mut self, stored: &Arc<StoredResponse>, now: Instant)
    where
        E: Spawn<Background<F, B, E>>,
    {
        let lead = self.lead.take();
        if let Some(lead) = lead {
            let mut variant = String::new();
            stored.head().vary().write(&self.request, &mut variant);
            let shared = Shared {
                head: Arc::new(stored.head().clone()),
                from: From::Whole(stored.body().clone()),
                variant,
                number: self.fetch.number(),
                length: None,
            };
            lead.land(Landed::Storable(Arc::new(shared), None));
        }
        let keep = stored.head().keep(now);
        let index = Index::of(&mut self.fetch, stored.head().vary(), &self.request);
        let (store, fetch, stored) = (self.store, self.fetch, Arc::clone(stored));
        let mut work = Box::pin(async move {
            // What a store cannot keep is fetched again.
            drop(store.store(fetch, stored, keep).await);
            if let Some(index) = index {
                index.write(&*store, keep, now).await;
            }
        });
        let waker = std::task::Waker::noop();
        if work
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_pending()
        {
            self.executor.spawn(Background::storing(work));
        }
    }

    /// Nothing came that may be kept: what was stored before is not what is there now, unless the upstream failed.
    fn not_stored(&mut self, status: StatusCode, reason: NotStored, landed: Landed, now: Instant) {
        if is_of_the_response(reason) {
            if status.as_u16() < 400 {
                self.collapsing.unstorable.remember(&self.key, now);
            }
            if self.stored.is_some() && !status.is_server_error() {
                // A store elsewhere is not waited for: what lies there is stale.
                drop(self.store.delete(&self.key).now());
            }
        }
        self.land(landed);
    }

    fn land(&mut self, landed: Landed) {
        if let Some(lead) = self.lead.take() {
            lead.land(landed);
        }
    }

    fn fill<F, B>(
        mut self,
        head: StoredHead,
        headers: &HeaderMap,
        body: B,
        not_modified: bool,
        cx: &mut Context<'_>,
    ) -> CacheBody<B>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: Spawn<Background<F, B, E>>,
    {
        self.collapsing.unstorable.forget(&self.key);
        let hint = body.size_hint();
        let length = storing::content_length(headers);
        let number = self.fetch.number();
        let index = Index::of(&mut self.fetch, head.vary(), &self.request);
        let variant = index
            .as_ref()
            .map(Index::variant)
            .unwrap_or_default()
            .to_owned();
        let head = Arc::new(head);
        let lead = self.lead.take();
        let plan = FillPlan {
            head: Arc::clone(&head),
            index,
            declared: length,
            max_object: self.policy.response_rules().max_object,
            store: self.store,
            fetch: self.fetch,
            clock: self.hooks.clock,
            memory: self.fills,
        };
        let (mut fill, reader, source) = if self.in_background || not_modified {
            let (fill, source) = Fill::unattended(body, plan);
            (fill, None, source)
        } else {
            let (fill, reader) = Fill::new(body, plan);
            let source = reader.source();
            (fill, Some(reader), source)
        };
        if let Some(lead) = lead {
            let promise = source.ticket();
            let shared = Arc::new(Shared {
                head,
                from: From::Fill(source),
                variant,
                number,
                length,
            });
            let now = Landed::Storable(Arc::clone(&shared), promise);
            fill.hold(lead.stand(now, Landed::Storable(shared, None)));
        }
        let body = match reader {
            Some(reader) => CacheBody::filling(reader, hint),
            None => CacheBody::default(),
        };
        // Often all of the body is there already: then nothing is left to run, and head and body leave in one piece.
        if Pin::new(&mut fill).poll(cx).is_pending() {
            self.executor.spawn(Background::fill(fill));
        }
        body
    }

    /// What the client gets of a stored response.
    fn part_of(&self, stored: &StoredResponse) -> Part {
        if self.conditions.held(stored.validators()) && stored.status().is_success() {
            return Part::NotModified;
        }
        let asked = Asked {
            conditional: false,
            ..self.asked
        };
        Part::of(stored, &Method::GET, &self.request, asked)
    }

    /// Whether others wait for what comes of it.
    fn is_awaited(&self) -> bool {
        self.lead.as_ref().is_some_and(Lead::is_awaited)
    }
}

pin_project! {
    /// A fetch under way, from the call of the inner service until there is a head.
    pub(crate) struct Work<F, E> {
        #[pin]
        inner: F,
        fetching: Option<Fetching<E>>,
    }
}

impl<F, E> Work<F, E> {
    pub(crate) fn new(inner: F, fetching: Fetching<E>) -> Pin<Box<Self>> {
        Box::pin(Self {
            inner,
            fetching: Some(fetching),
        })
    }

    pub(crate) fn poll_answer<B, X>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<CacheBody<B>>, X>>
    where
        F: Future<Output = Result<Response<B>, X>>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: Spawn<Background<F, B, E>>,
    {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(match this.fetching.take() {
            Some(fetching) => fetching.answer::<F, B>(response, cx),
            None => response.map(CacheBody::passing),
        }))
    }

    /// Who runs it where its client does not.
    pub(crate) fn executor(&self) -> Option<&E> {
        self.fetching.as_ref().map(Fetching::executor)
    }

    /// Whether nobody wants what comes of it any more; the task of `cx` is woken when that changes.
    pub(crate) fn is_deserted(&self, cx: &Context<'_>) -> bool {
        let Some(fetching) = &self.fetching else {
            return false;
        };
        let lead = fetching.lead.as_ref().filter(|_| !fetching.in_background);
        lead.is_some_and(|lead| !lead.poll_awaited(cx))
    }

    /// Whether others wait for what comes of it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.fetching.as_ref().is_some_and(Fetching::is_awaited)
    }
}
