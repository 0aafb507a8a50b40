//! What becomes of a miss: the request that goes up, and the answer that comes down.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;

use bytes::Bytes;
use http::uri::{PathAndQuery, Uri};
use http::{Request, Response, StatusCode};
use http_body::Body;

use crate::answer;
use crate::body::{BoxError, CacheBody};
use crate::fill::{Fill, FillPlan};
use crate::fill_memory::FillMemory;
use crate::hooks::CacheHooks;
use crate::policy::CachePolicy;
use crate::provider::{CacheProvider, Fetch};
use crate::spawn::Spawn;
use crate::status::{self, Forwarded};
use crate::stored::StoredHead;
use crate::storing::{self, NotStored};
use crate::target;
use crate::validation::{Conditions, Validators};

/// A `GET` that the upstream answers and whose answer may be stored.
pub(crate) struct Fetching<E> {
    pub(crate) policy: CachePolicy,
    pub(crate) store: Arc<dyn CacheProvider>,
    pub(crate) hooks: CacheHooks,
    pub(crate) fills: Arc<FillMemory>,
    pub(crate) executor: E,
    pub(crate) fetch: Fetch,
    pub(crate) forwarded: Forwarded,
    pub(crate) asked: Instant,
    pub(crate) conditions: Conditions,
}

impl<E> fmt::Debug for Fetching<E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Fetching")
            .field("fetch", &self.fetch)
            .finish_non_exhaustive()
    }
}

/// Makes a request what the key says it is: no conditions of the client's, no fields that the key
/// leaves out, the query in the key's order.
pub(crate) fn prepare<A>(request: &mut Request<A>, policy: &CachePolicy) -> Conditions {
    let conditions = Conditions::take(request.headers_mut());
    storing::drop_unkeyed(request.headers_mut());
    let unsorted = request
        .uri()
        .query()
        .is_some_and(|query| !target::is_sorted(query));
    if policy.sort_query() && unsorted {
        sort_query(request.uri_mut());
    }
    conditions
}

fn sort_query(uri: &mut Uri) {
    let Some(query) = uri.query() else { return };
    let mut sorted = String::with_capacity(uri.path().len() + 1 + query.len());
    sorted.push_str(uri.path());
    sorted.push('?');
    target::push_sorted(&mut sorted, query);
    let mut parts = uri.clone().into_parts();
    // The same bytes in another order are as legible as before.
    let Ok(path_and_query) = PathAndQuery::try_from(sorted) else {
        return;
    };
    parts.path_and_query = Some(path_and_query);
    if let Ok(sorted) = Uri::from_parts(parts) {
        *uri = sorted;
    }
}

impl<E> Fetching<E> {
    /// Turns the upstream's answer into the client's, and begins to store it where it may be.
    pub(crate) fn answer<B>(
        self,
        response: Response<B>,
        cx: &mut Context<'_>,
    ) -> Response<CacheBody<B>>
    where
        B: Body<Data = Bytes, Error: Into<BoxError>>,
        E: Spawn<Fill<B>>,
    {
        let (now, wall) = ((self.hooks.clock)(), (self.hooks.wall)());
        let judged = if (self.hooks.is_refusal)(response.extensions()) {
            Err(NotStored::Refusal)
        } else {
            storing::judge_response(
                &response,
                self.policy.freshness_rules(),
                self.policy.max_object(),
                wall,
                now.saturating_duration_since(self.asked),
            )
        };
        let head = judged.and_then(|storable| {
            StoredHead::of(response.status(), response.headers(), storable, (now, wall))
        });
        let not_modified = response.status() == StatusCode::OK
            && self.conditions.held(&Validators::of(response.headers()));
        let (mut parts, body) = response.into_parts();
        let stored = head.as_ref().map(drop).map_err(|reason| *reason);
        status::mark_miss(&mut parts.headers, self.forwarded, stored);
        let body = match head {
            Err(_) if not_modified => CacheBody::default(),
            Err(_) => CacheBody::passing(body),
            Ok(head) => {
                let hint = body.size_hint();
                let plan = FillPlan {
                    head,
                    declared: storing::content_length(&parts.headers),
                    max_object: self.policy.max_object(),
                    store: self.store,
                    fetch: self.fetch,
                    clock: self.hooks.clock,
                    memory: self.fills,
                };
                let (mut fill, reader) = Fill::new(body, plan);
                let body = if not_modified {
                    reader.leave_running();
                    CacheBody::default()
                } else {
                    CacheBody::filling(reader, hint)
                };
                // Often all of the body is there already: then nothing is left to run, and head and
                // body leave in one piece.
                if Pin::new(&mut fill).poll(cx).is_pending() {
                    self.executor.spawn(fill);
                }
                body
            }
        };
        if not_modified {
            parts.status = StatusCode::NOT_MODIFIED;
            answer::keep_for_not_modified(&mut parts.headers);
        }
        Response::from_parts(parts, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::RouteCacheSettings;
    use http::HeaderMap;

    #[track_caller]
    fn check(sort_query: bool, uri: &str, expected: &str) {
        let settings = RouteCacheSettings {
            sort_query,
            ..RouteCacheSettings::default()
        };
        let policy = CachePolicy::compile("", &settings, &[""; 0]);
        let mut request = Request::get(uri)
            .header("if-none-match", "\"a\"")
            .header("x-original-url", "/admin")
            .body(())
            .unwrap();
        prepare(&mut request, &policy);
        assert_eq!(request.uri(), expected);
        assert_eq!(request.headers(), &HeaderMap::new());
    }

    #[test]
    fn what_goes_up_is_what_the_key_says() {
        check(true, "/a?b=1&a=2", "/a?a=2&b=1");
        check(true, "https://h/a?b=1&a=2", "https://h/a?a=2&b=1");
        check(true, "/a?a=2&b=1", "/a?a=2&b=1");
        check(true, "/a", "/a");
        check(false, "/a?b=1&a=2", "/a?b=1&a=2");
    }
}
