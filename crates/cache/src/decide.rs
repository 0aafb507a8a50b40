//! What becomes of a request after the look-up?

use std::sync::Arc;

use http::header::RETRY_AFTER;
use http::{Method, Request, Response, StatusCode};

use crate::after::{After, HeadOfStored, Unstored};
use crate::answer::{Hit, Part};
use crate::asked::Asked;
use crate::body::CacheBody;
use crate::collapse::Landed;
use crate::fetching::{self, Fetching};
use crate::flights::{Joined, Lead, Waiting};
use crate::future::Following;
use crate::hooks::CacheRefusal;
use crate::invalidation::Tag;
use crate::key::CacheKey;
use crate::layer::CacheLayer;
use crate::lookup::Lookup;
use crate::policy::CachePolicy;
use crate::reuse::{self, Reuse};
use crate::status::{self, CacheOutcome, Forwarded, HitValues, Verdict};
use crate::stored::StoredResponse;
use crate::storing::NotStored;

/// What is to be done with a request.
pub(crate) enum Course<B, E> {
    /// The store answers.
    Hit(Hit),
    /// The store answers, and the upstream is asked in the background.
    Refresh(Hit, Box<Fetching<E>>),
    /// The upstream answers, and its answer may be stored.
    Fetch(Box<Fetching<E>>),
    /// The upstream answers, and its answer is not stored.
    Pass(After),
    /// The cache answers by itself, or from another's fetch.
    Answer(Box<Response<CacheBody<B>>>),
    /// Another's fetch is waited for.
    Follow(Box<Following>),
}

/// What a request becomes that would rather not ask the upstream itself.
enum Join<B> {
    Alone,
    Leads(Lead<Landed>),
    Follows(Waiting<Landed>),
    Full,
    Answered(Box<Response<CacheBody<B>>>),
}

/// Why the upstream is to be asked, and about what.
struct Ask {
    forwarded: Forwarded,
    stored: Option<Arc<StoredResponse>>,
}

impl<E: Clone> CacheLayer<E> {
    /// Turns what the store found into an answer, or the request into a fetch of `key`.
    ///
    /// `values` is memory for what hits say; `may_join`: another's fetch may be waited for.
    pub(crate) fn decide<A, B>(
        &self,
        request: &mut Request<A>,
        lookup: Lookup,
        asked: Asked,
        key: &CacheKey,
        values: Option<&mut HitValues>,
        may_join: bool,
    ) -> Course<B, E> {
        let hooks = self.hooks();
        let now = (hooks.clock)();
        let Some(stored) = &lookup.found else {
            let forwarded = if lookup.varies {
                Forwarded::VaryMiss
            } else {
                Forwarded::UriMiss
            };
            let ask = Ask {
                forwarded,
                stored: None,
            };
            return self.ask(request, ask, (asked, key), lookup, may_join);
        };
        let part = || Part::of(stored, request.method(), request.headers(), asked);
        match reuse::judge(stored.head(), asked, now) {
            Reuse::Fresh(fresh) => {
                (hooks.tell)(request.extensions(), CacheOutcome::Hit);
                Course::Hit(Hit::fresh(stored, fresh, part(), values))
            }
            Reuse::Ending(fresh) => {
                (hooks.tell)(request.extensions(), CacheOutcome::Hit);
                let hit = Hit::fresh(stored, fresh, part(), values);
                if stored.begin_renewal() {
                    self.refresh(request, hit, (asked, key), &lookup)
                } else {
                    Course::Hit(hit)
                }
            }
            Reuse::Stale(fresh) => {
                (hooks.tell)(request.extensions(), CacheOutcome::Stale);
                let told = (CacheOutcome::Stale, status::stale(fresh, None));
                Course::Hit(Hit::other(Arc::clone(stored), fresh.age, part(), told))
            }
            Reuse::Refresh(fresh) => {
                (hooks.tell)(request.extensions(), CacheOutcome::Stale);
                let told = (CacheOutcome::Stale, status::stale(fresh, None));
                let hit = Hit::other(Arc::clone(stored), fresh.age, part(), told);
                self.refresh(request, hit, (asked, key), &lookup)
            }
            Reuse::Ask(why) => {
                let ask = Ask {
                    forwarded: why.into(),
                    stored: Some(Arc::clone(stored)),
                };
                self.ask(request, ask, (asked, key), lookup, may_join)
            }
            Reuse::NotForThis => {
                let ask = Ask {
                    forwarded: Forwarded::Credentials,
                    stored: None,
                };
                self.ask(request, ask, (asked, key), lookup, may_join)
            }
        }
    }

    /// Answers with `hit` and asks the upstream behind it, if nobody does so already.
    fn refresh<A, B>(
        &self,
        request: &mut Request<A>,
        hit: Hit,
        (asked, key): (Asked, &CacheKey),
        lookup: &Lookup,
    ) -> Course<B, E> {
        if *request.method() == Method::HEAD {
            return Course::Hit(hit);
        }
        let Joined::Leads(lead) = self.fetches().flights.join(key) else {
            return Course::Hit(hit);
        };
        let ask = Ask {
            forwarded: Forwarded::Stale,
            stored: lookup.found.clone(),
        };
        match self.fetching(request, ask, (asked, key, lookup.base)) {
            Some(mut fetching) => {
                fetching.lead = Some(lead);
                fetching.in_background = true;
                Course::Refresh(hit, fetching)
            }
            None => Course::Hit(hit),
        }
    }

    /// What a request gets of another's fetch that has ended so; `None`: it is to be decided anew.
    pub(crate) fn after<A, B>(
        &self,
        request: &mut Request<A>,
        lookup: &mut Lookup,
        asked: Asked,
        key: &CacheKey,
        landed: Landed,
    ) -> Option<Course<B, E>> {
        let hooks = self.hooks();
        let now = (hooks.clock)();
        let forwarded = match (&lookup.found, lookup.varies) {
            (Some(_), _) => Forwarded::Stale,
            (None, true) => Forwarded::VaryMiss,
            (None, false) => Forwarded::UriMiss,
        };
        match landed {
            Landed::Storable(shared, _promise) => {
                let request = request.headers();
                let store = self.store();
                shared
                    .answer(request, (asked, forwarded), key, &*store, now)
                    .map(|answer| Course::Answer(Box::new(answer)))
            }
            Landed::NotStorable => {
                let lookup = std::mem::take(lookup);
                Some(self.decide(request, lookup, asked, key, None, false))
            }
            Landed::Overloaded(retry_after) => {
                if let Some(hit) = self.stand_in(request, lookup, asked, forwarded) {
                    return Some(Course::Hit(hit));
                }
                let mut answer = Self::refuse(CacheRefusal::Overloaded);
                if let Some(retry_after) = retry_after {
                    answer.headers_mut().insert(RETRY_AFTER, retry_after);
                }
                Some(Course::Answer(answer))
            }
            Landed::NoResponse(no_response) => {
                if let Some(hit) = self.stand_in(request, lookup, asked, forwarded) {
                    return Some(Course::Hit(hit));
                }
                let verdict = Verdict {
                    collapsed: true,
                    ..Verdict::new(forwarded, Err(NotStored::Refusal))
                };
                Some(Course::Answer(Box::new(no_response.answer(verdict))))
            }
        }
    }

    /// The stale response that stands in for an upstream that failed another.
    fn stand_in<A>(
        &self,
        request: &Request<A>,
        lookup: &Lookup,
        asked: Asked,
        forwarded: Forwarded,
    ) -> Option<Hit> {
        let stored = lookup.found.as_ref()?;
        let fresh = reuse::may_stand_in(stored.head(), asked, (self.hooks().clock)())?;
        let verdict = Verdict {
            collapsed: true,
            ..Verdict::new(forwarded, Err(NotStored::Refusal))
        };
        let part = Part::of(stored, request.method(), request.headers(), asked);
        (self.hooks().tell)(request.extensions(), CacheOutcome::Stale);
        let told = (CacheOutcome::Stale, verdict.value());
        Some(Hit::other(Arc::clone(stored), fresh.age, part, told))
    }

    fn refuse<B>(refusal: CacheRefusal) -> Box<Response<CacheBody<B>>> {
        let mut response = Response::new(CacheBody::default());
        let (status, detail) = match refusal {
            CacheRefusal::NotStored => (StatusCode::GATEWAY_TIMEOUT, "only-if-cached"),
            CacheRefusal::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
        };
        *response.status_mut() = status;
        response.extensions_mut().insert(refusal);
        status::mark_refused(response.headers_mut(), detail);
        Box::new(response)
    }

    fn ask<A, B>(
        &self,
        request: &mut Request<A>,
        ask: Ask,
        (asked, key): (Asked, &CacheKey),
        lookup: Lookup,
        may_join: bool,
    ) -> Course<B, E> {
        (self.hooks().tell)(request.extensions(), CacheOutcome::Miss);
        if asked.directives.only_if_cached {
            return Course::Answer(Self::refuse(CacheRefusal::NotStored));
        }
        let is_head = *request.method() == Method::HEAD;
        if is_head || (asked.range && ask.stored.is_none()) {
            let reason = if is_head {
                NotStored::Head
            } else {
                NotStored::Status
            };
            let forwarded = if is_head {
                ask.forwarded
            } else {
                Forwarded::Partial
            };
            let verdict = Verdict::new(forwarded, Err(reason));
            let head = ask
                .stored
                .and_then(|stored| self.head_of(request, stored, asked, key));
            return Course::Pass(After::Unstored(Box::new(Unstored { verdict, head })));
        }
        let base = lookup.base;
        let mut key = key.clone();
        let lead = match self.join(request, &mut key, base, (asked, ask.forwarded), may_join) {
            Join::Alone => None,
            Join::Leads(lead) => Some(lead),
            Join::Answered(answer) => return Course::Answer(answer),
            Join::Follows(waiting) => {
                return Course::Follow(Box::new(Following {
                    waiting,
                    key,
                    lookup,
                }));
            }
            // As many wait as may: stale where allowed, else by itself.
            Join::Full => {
                if let Some(hit) = self.stand_in(request, &lookup, asked, ask.forwarded) {
                    return Course::Hit(hit);
                }
                None
            }
        };
        let key = &key;
        match self.fetching(request, ask, (asked, key, base)) {
            Some(mut fetching) => {
                fetching.lead = lead;
                Course::Fetch(fetching)
            }
            None => Course::Pass(After::Nothing),
        }
    }

    /// Joins the fetch of what a request asks for; `key` then names it.
    fn join<A, B>(
        &self,
        request: &Request<A>,
        key: &mut CacheKey,
        base: usize,
        (asked, forwarded): (Asked, Forwarded),
        may_join: bool,
    ) -> Join<B> {
        let policy = self.seen(request).policy;
        let now = (self.hooks().clock)();
        let collapsing = self.fetches();
        if !may_join
            || asked.range
            || !policy.is_some_and(CachePolicy::collapses)
            || collapsing.unstorable.knows(key, now)
        {
            return Join::Alone;
        }
        // A response under way may turn out to be of another variant; then there may be one of this.
        for _ in 0..2 {
            let shared = match collapsing.flights.join(key) {
                Joined::Leads(lead) => return Join::Leads(lead),
                Joined::Follows(waiting) => return Join::Follows(waiting),
                Joined::Full => return Join::Full,
                Joined::Lands(Landed::Storable(shared, _)) => shared,
                Joined::Lands(_) => return Join::Alone,
            };
            let (store, told) = (self.store(), (asked, forwarded));
            if let Some(answer) = shared.answer(request.headers(), told, key, &*store, now) {
                return Join::Answered(Box::new(answer));
            }
            let variant = shared.variant_for(request.headers());
            if variant == shared.variant {
                return Join::Alone;
            }
            key.truncate_variant(base);
            key.write_variant(|key| key.push_str(&variant));
        }
        Join::Alone
    }

    /// What is to be known to learn from a `HEAD` about `stored`.
    fn head_of<A>(
        &self,
        request: &Request<A>,
        stored: Arc<StoredResponse>,
        asked: Asked,
        key: &CacheKey,
    ) -> Option<HeadOfStored> {
        let hooks = self.hooks();
        Some(HeadOfStored {
            key: key.clone(),
            stored,
            store: self.store(),
            policy: self.seen(request).policy.cloned()?,
            hooks,
            fetch: self.store().begin(key),
            asked,
            begun: (hooks.clock)(),
            chance: self.fetches().chance(key, (hooks.clock)()),
            labels: self.labels(request),
        })
    }

    /// The origin of a request, and the labels that its route gives the response.
    fn labels<A>(&self, request: &Request<A>) -> (String, Vec<Tag>) {
        let origin = self.seen(request).target(request);
        let tags = (self.hooks().tags)(request.extensions());
        (
            origin.map_or_else(String::new, |target| target.origin()),
            tags.iter().map(|label| Tag::label(label)).collect(),
        )
    }

    fn fetching<A>(
        &self,
        request: &mut Request<A>,
        ask: Ask,
        (asked, key, base): (Asked, &CacheKey, usize),
    ) -> Option<Box<Fetching<E>>> {
        let hooks = self.hooks();
        let known = self.seen(request);
        let labels = self.labels(request);
        let policy = known.policy.cloned()?;
        let fields = request.headers().clone();
        let conditions = fetching::prepare(request, &policy, ask.stored.as_deref());
        let mut fetched = key.clone();
        fetched.truncate_variant(base);
        Some(Box::new(Fetching {
            conditions,
            policy,
            store: self.store(),
            hooks,
            fills: self.fills(),
            collapsing: Arc::clone(self.fetches()),
            executor: self.own_executor(),
            fetch: self.store().begin(&fetched),
            forwarded: ask.forwarded,
            begun: (hooks.clock)(),
            asked,
            request: fields,
            extensions: if ask.stored.is_some() {
                request.extensions().clone()
            } else {
                http::Extensions::new()
            },
            stored: ask.stored,
            key: key.clone(),
            lead: None,
            labels,
            in_background: false,
        }))
    }
}
