//! The cache as a tower layer.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::after::After;
use crate::asked::{self, Asked, Bypass};
use crate::body::{BoxError, CacheBody};
use crate::change::Change;
use crate::collapse::Collapsing;
use crate::content;
use crate::decide::Course;
use crate::fill_memory::FillMemory;
use crate::future::CacheFuture;
use crate::hooks::{CacheHooks, Seen};
use crate::key::CacheKey;
use crate::lookup::{self, Elsewhere};
use crate::policy::CachePolicy;
use crate::provider::CacheProvider;
use crate::reading::Reading;
use crate::request_body::CacheRequestBody;
use crate::spawn::{Background, Spawn};
use crate::status::{CacheOutcome, HitValues};
use crate::strategy::CacheRequest;
use crate::vary;

/// The memory of a layer's own for responses being fetched, where the program gives none: 32 MiB.
const FILL_BYTES: u64 = 32 * 1024 * 1024;

/// How many requests wait for one answer, where the program says nothing.
const COLLAPSE_WAITERS: usize = 1000;

/// Puts a cache before a service.
///
/// It wants an executor for responses that are still coming when their head leaves, see
/// [`CacheLayer::executor`].
#[derive(Clone, Debug)]
pub struct CacheLayer<E = ()> {
    store: Arc<dyn CacheProvider>,
    hooks: CacheHooks,
    fills: Arc<FillMemory>,
    collapsing: Arc<Collapsing>,
    policy: Option<CachePolicy>,
    executor: E,
}

impl CacheLayer {
    /// A layer over `store` that finds the rules of each request by `hooks`.
    pub fn new(store: Arc<dyn CacheProvider>, hooks: CacheHooks) -> Self {
        Self {
            store,
            hooks,
            fills: FillMemory::new(FILL_BYTES),
            collapsing: Collapsing::new(COLLAPSE_WAITERS),
            policy: None,
            executor: (),
        }
    }

    /// A layer over `store` with the same rules for all requests but those that carry a
    /// [`CachePolicy`] of their own in their extensions.
    pub fn with_policy(store: Arc<dyn CacheProvider>, policy: CachePolicy) -> Self {
        Self {
            policy: Some(policy),
            ..Self::new(store, CacheHooks::default())
        }
    }
}

impl<E> CacheLayer<E> {
    /// Names who runs the fills.
    pub fn executor<X>(self, executor: X) -> CacheLayer<X> {
        CacheLayer {
            store: self.store,
            hooks: self.hooks,
            fills: self.fills,
            collapsing: self.collapsing,
            policy: self.policy,
            executor,
        }
    }

    /// Shares one memory for fills among several layers over one store.
    pub fn fill_memory(self, fills: Arc<FillMemory>) -> Self {
        Self { fills, ..self }
    }

    /// Shares what is known of fetches under way among several layers over one store, so that one request fetches for
    /// all of them.
    pub fn collapsing(self, collapsing: Arc<Collapsing>) -> Self {
        Self { collapsing, ..self }
    }
}

impl<S, E: Clone> Layer<S> for CacheLayer<E> {
    type Service = Cache<S, E>;

    fn layer(&self, inner: S) -> Cache<S, E> {
        Cache {
            inner,
            layer: self.clone(),
            scratch: Scratch::new(),
        }
    }
}

/// A service with a cache before it.
pub struct Cache<S, E = ()> {
    inner: S,
    layer: CacheLayer<E>,
    scratch: Scratch,
}

/// Memory that one request after the other uses, so that a hit allocates none for its key.
struct Scratch {
    key: CacheKey,
    values: HitValues,
}

impl Scratch {
    fn new() -> Self {
        Self {
            key: CacheKey::empty(),
            values: HitValues::default(),
        }
    }
}

impl<S: Clone, E: Clone> Clone for Cache<S, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
            // Nothing in it outlives a call.
            scratch: Scratch::new(),
        }
    }
}

impl<S: fmt::Debug, E> fmt::Debug for Cache<S, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("inner", &self.inner)
            .field("store", &self.layer.store)
            .finish_non_exhaustive()
    }
}

/// Decides whether the cache has a say in a request, and writes the key of its answer.
///
/// The whole of what a layer does before it asks the store; a program can use it to explain. The `content` of a
/// `QUERY` is part of its key: one that has content and comes without it here is a [`Bypass::Content`], which a layer
/// takes for the call to read up to 64 KiB. Of other methods it is not looked at.
pub fn examine<A: Body>(
    request: &Request<A>,
    content: Option<&[u8]>,
    policy: &CachePolicy,
    known: &Seen<'_>,
    key: &mut CacheKey,
) -> Result<Asked, Bypass> {
    let strategy = policy.strategy();
    let asked = asked::judge_request(request.method(), request.headers(), policy)?;
    let is_query = *request.method() == Method::QUERY;
    let has_content = !request.body().is_end_stream();
    if has_content && !is_query {
        return Err(Bypass::Content);
    }
    let target = known.target(request).ok_or(Bypass::Target)?;
    let query = target.query().and_then(|query| policy.query().apply(query));
    let target = target.with_query(query.as_deref());
    let seen = CacheRequest {
        method: request.method(),
        target,
        headers: request.headers(),
        user: known.user,
        sort_query: policy.sort_query(),
    };
    strategy.should_cache(&seen)?;
    key.clear();
    strategy.key(&seen, key);
    if is_query {
        let content = match content {
            Some(content) if content.len() <= content::CONTENT_MAX => content,
            None if !has_content => &[],
            _ => return Err(Bypass::Content),
        };
        content::write_digest(content, request.headers(), key);
    }
    key.set_space(policy.space());
    for name in policy.vary() {
        key.write_variant(|variant| vary::write_field(name, request.headers(), variant));
    }
    Ok(asked)
}

impl<E> CacheLayer<E> {
    /// What is known of a request; this layer's own policy where its route says none.
    pub(crate) fn seen<'a, A>(&'a self, request: &'a Request<A>) -> Seen<'a> {
        let seen = (self.hooks.seen)(request.extensions());
        let policy = seen.policy.or(self.policy.as_ref());
        Seen { policy, ..seen }
    }

    /// The change that a request will have made if it succeeds.
    fn change<A>(&self, request: &Request<A>, known: Seen<'_>) -> Option<Box<Change>> {
        if !Change::is_due(request.method()) {
            return None;
        }
        let Seen { policy, user, .. } = known;
        // Under a host that cannot be read nothing is stored.
        let target = known.target(request)?;
        let seen = CacheRequest {
            method: request.method(),
            target,
            headers: request.headers(),
            user,
            sort_query: policy.is_none_or(CachePolicy::sort_query),
        };
        let strategy = policy.map(CachePolicy::strategy);
        let labels = (self.hooks.invalidates)(request.extensions());
        Some(Box::new(Change::of(&self.store, strategy, &seen, labels)))
    }

    /// What becomes of the answer to a request that passes by.
    pub(crate) fn bypass<A>(&self, request: &Request<A>, reason: Bypass) -> After {
        (self.hooks.tell)(request.extensions(), CacheOutcome::Bypass);
        After::Bypass(reason, self.change(request, self.seen(request)))
    }

    pub(crate) fn store(&self) -> Arc<dyn CacheProvider> {
        Arc::clone(&self.store)
    }

    pub(crate) fn hooks(&self) -> CacheHooks {
        self.hooks
    }

    pub(crate) fn fills(&self) -> Arc<FillMemory> {
        Arc::clone(&self.fills)
    }

    pub(crate) fn fetches(&self) -> &Arc<Collapsing> {
        &self.collapsing
    }
}

impl<E: Clone> CacheLayer<E> {
    pub(crate) fn own_executor(&self) -> E {
        self.executor.clone()
    }

    /// Decides on a request that the cache has a say in; `key` then names what it is about.
    #[inline]
    pub(crate) fn course<A, B>(
        &self,
        request: &mut Request<A>,
        asked: Asked,
        key: &mut CacheKey,
        values: Option<&mut HitValues>,
    ) -> Result<Course<B, E>, Elsewhere> {
        if asked.cookies
            && let Some(policy) = self.seen(request).policy.cloned()
        {
            policy.ignored_cookies().strip(request.headers_mut());
        }
        key.write_variant(|variant| (self.hooks.variant)(request.extensions(), variant));
        let lookup = lookup::now(&*self.store, key, request.headers())?;
        Ok(self.decide(request, lookup, asked, key, values, true))
    }
}

impl<S, E, A, B> Service<Request<A>> for Cache<S, E>
where
    S: Service<Request<CacheRequestBody<A>>, Response = Response<B>> + Clone,
    E: Spawn<Background<S::Future, B, E>> + Clone,
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Response = Response<CacheBody<B>>;
    type Error = S::Error;
    type Future = CacheFuture<S, A, B, E, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let Self {
            inner,
            layer,
            scratch,
        } = self;
        let known = layer.seen(&request);
        let Some(policy) = known.policy else {
            let after = layer
                .change(&request, known)
                .map_or(After::Nothing, After::Change);
            let request = request.map(CacheRequestBody::passing);
            return CacheFuture::passing(inner.call(request), after);
        };
        let Scratch { key, values } = scratch;
        let asked = match examine(&request, None, policy, &known, key) {
            Ok(asked) => asked,
            Err(Bypass::Content) if content::is_to_be_read(&request) => {
                let call = (taken(inner), request);
                return CacheFuture::reading(Reading::new(call, layer.clone()));
            }
            Err(reason) => {
                let after = layer.bypass(&request, reason);
                let request = request.map(CacheRequestBody::passing);
                return CacheFuture::passing(inner.call(request), after);
            }
        };
        let show_key = known.show_key;
        let course = layer.course(&mut request, asked, key, Some(values));
        let shown = show_key.then(|| key.shown()).flatten();
        let call = if let Ok(course) = course {
            CacheFuture::on(course, inner, request, layer, asked)
        } else {
            // A store elsewhere: it is asked by a future that owns what it asks with.
            let call = (taken(inner), request.map(CacheRequestBody::passing));
            CacheFuture::asking(call, layer.clone(), key.clone(), asked)
        };
        call.showing(shown)
    }
}

/// Takes the inner service, which is ready, for a future; its clone stays, for that starts unready.
pub(crate) fn taken<S: Clone>(inner: &mut S) -> S {
    let unready = inner.clone();
    std::mem::replace(inner, unready)
}
