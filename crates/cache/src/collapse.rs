//! What do those get who waited for another's fetch?
//!
//! One request for what is not stored goes to the upstream, the others wait for its head and read the same fill. Each
//! judges for itself whether the answer is for it: by the fields that chose it, by who asks, by what was purged since.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{Extensions, HeaderMap, HeaderValue, Response, StatusCode};
use http_body::SizeHint;

use crate::answer;
use crate::asked::Asked;
use crate::body::CacheBody;
use crate::fill::{Source, Ticket};
use crate::flights::Flights;
use crate::freshness::LifetimeSource;
use crate::key::CacheKey;
use crate::provider::CacheProvider;
use crate::status::{self, Forwarded, Verdict};
use crate::stored::StoredHead;
use crate::unstorable::Unstorable;
use crate::validation;

/// What all workers' layers over one store know of fetches under way.
#[derive(Debug)]
pub struct Collapsing {
    pub(crate) flights: Arc<Flights<Landed>>,
    pub(crate) unstorable: Unstorable,
    hasher: foldhash::quality::RandomState,
}

impl Collapsing {
    /// At most `waiters_max` requests wait for one answer; further ones ask by themselves.
    pub fn new(waiters_max: usize) -> Arc<Self> {
        Arc::new(Self {
            flights: Flights::new(waiters_max),
            unstorable: Unstorable::default(),
            hasher: foldhash::quality::RandomState::default(),
        })
    }

    /// A number that nobody foresees, for what is fetched under `key` now.
    pub(crate) fn chance(&self, key: &CacheKey, now: Instant) -> u64 {
        self.hasher.hash_one((key, now))
    }

    /// How many fetches are under way that others may join.
    pub fn fetches(&self) -> usize {
        self.flights.len()
    }
}

/// How a fetch ended, for those who waited for it.
#[derive(Clone)]
pub(crate) enum Landed {
    /// With a response that may be stored: it is being read, or it is complete. The promise is for those who waited.
    Storable(Arc<Shared>, Option<Ticket>),
    /// With one that may not: each asks by itself.
    NotStorable,
    /// The upstream has too much to do.
    Overloaded(Option<HeaderValue>),
    /// There was no response: all share what the program answers.
    NoResponse(Arc<NoResponse>),
}

/// Where the body of a shared response comes from.
pub(crate) enum From {
    /// A fill that is under way.
    Fill(Source),
    /// It is there.
    Whole(Bytes),
}

/// A response that many read.
pub(crate) struct Shared {
    pub(crate) head: Arc<StoredHead>,
    pub(crate) from: From,
    /// What the request said in the fields that chose the response.
    pub(crate) variant: String,
    /// The number of purges when its fetch began.
    pub(crate) number: u64,
    pub(crate) length: Option<u64>,
}

/// The program's own answer where the upstream gave none.
#[derive(Debug)]
pub(crate) struct NoResponse {
    status: StatusCode,
    headers: HeaderMap,
    extensions: Extensions,
}

impl NoResponse {
    pub(crate) fn of<B>(response: &Response<B>) -> Self {
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            extensions: response.extensions().clone(),
        }
    }

    /// The same answer for one more.
    pub(crate) fn answer<B>(&self, verdict: Verdict) -> Response<CacheBody<B>> {
        let mut response = Response::new(CacheBody::default());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        *response.extensions_mut() = self.extensions.clone();
        status::mark_miss(response.headers_mut(), verdict);
        response
    }
}

/// The outcome for those who wait, of a response that may not be stored.
pub(crate) fn of_unstorable<B>(response: &Response<B>, is_refusal: bool) -> Landed {
    if is_refusal {
        return Landed::NoResponse(Arc::new(NoResponse::of(response)));
    }
    match response.status().as_u16() {
        429 | 502 | 503 | 504 => Landed::Overloaded(response.headers().get(RETRY_AFTER).cloned()),
        _ => Landed::NotStorable,
    }
}

impl Shared {
    /// The answer for one who waited, if it is for that one.
    pub(crate) fn answer<B>(
        &self,
        request: &HeaderMap,
        (asked, forwarded): (Asked, Forwarded),
        key: &CacheKey,
        store: &dyn CacheProvider,
        now: Instant,
    ) -> Option<Response<CacheBody<B>>> {
        let head = &*self.head;
        let variant = self.variant_for(request);
        let is_for_others = asked.credentials && head.source() != LifetimeSource::Explicit;
        if variant != self.variant
            || is_for_others
            || store.is_purged_since(self.number, key, head.tags())
        {
            return None;
        }
        let body = match &self.from {
            From::Whole(body) => CacheBody::stored(body.clone()),
            From::Fill(source) => {
                let hint = self
                    .length
                    .map_or_else(SizeHint::default, SizeHint::with_exact);
                CacheBody::filling(source.reader()?, hint)
            }
        };
        let verdict = Verdict {
            collapsed: true,
            ..Verdict::new(forwarded, Ok(()))
        };
        let age = HeaderValue::from(head.current_age(now).as_secs());
        let mut headers = head.fields_of_answer(age, verdict.value());
        headers.insert(
            status::X_CACHE,
            HeaderValue::from_static(status::CacheOutcome::Miss.as_str()),
        );
        let has_it = head.status().is_success()
            && asked.conditional
            && validation::held_by(request, head.validators());
        let (status, body) = if has_it {
            answer::keep_for_not_modified(&mut headers);
            (StatusCode::NOT_MODIFIED, CacheBody::default())
        } else {
            (head.status(), body)
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Some(response)
    }

    /// The variant of the response's key that is for this request.
    pub(crate) fn variant_for(&self, request: &HeaderMap) -> String {
        let mut variant = String::new();
        self.head.vary().write(request, &mut variant);
        variant
    }
}
