//! The request that goes up for what may be stored: what the key says, and nothing more.

use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Request};

use crate::accept_encoding;
use crate::policy::CachePolicy;
use crate::stored::StoredResponse;
use crate::storing;
use crate::target;
use crate::validation::Conditions;

/// Makes a request what the key says it is: no conditions of the client's, no part, no fields that the key
/// leaves out, the query in the key's order; about `stored` if there is any (RFC 9111 §4.3.1).
pub(crate) fn prepare<A>(
    request: &mut Request<A>,
    policy: &CachePolicy,
    stored: Option<&StoredResponse>,
) -> Conditions {
    let headers = request.headers_mut();
    let conditions = Conditions::take(headers);
    headers.remove(RANGE);
    headers.remove(IF_RANGE);
    storing::drop_unkeyed(headers);
    if let Some(stored) = stored {
        stored.validators().ask(headers);
    }
    if let Some(reduced) = accept_encoding::reduced(headers)
        && let Ok(reduced) = HeaderValue::try_from(reduced)
    {
        headers.insert(ACCEPT_ENCODING, reduced);
    }
    shape_query(request.uri_mut(), policy);
    conditions
}

/// Makes a query what the key has of it.
fn shape_query(uri: &mut Uri, policy: &CachePolicy) {
    let Some(query) = uri.query() else { return };
    let kept = policy.query().apply(query);
    let unsorted = kept
        .as_deref()
        .is_some_and(|kept| policy.sort_query() && !target::is_sorted(kept));
    if !unsorted && kept.as_deref() == Some(query) {
        return;
    }
    let mut shaped = String::with_capacity(uri.path().len() + 1 + query.len());
    shaped.push_str(uri.path());
    if let Some(kept) = kept {
        shaped.push('?');
        if unsorted {
            target::push_sorted(&mut shaped, &kept);
        } else {
            shaped.push_str(&kept);
        }
    }
    let mut parts = uri.clone().into_parts();
    // Some of the same bytes in another order are as legible as before.
    let Ok(path_and_query) = PathAndQuery::try_from(shaped) else {
        return;
    };
    parts.path_and_query = Some(path_and_query);
    if let Ok(shaped) = Uri::from_parts(parts) {
        *uri = shaped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    use crate::query::QuerySettings;
    use crate::settings::RouteCacheSettings;

    #[track_caller]
    fn check(settings: &RouteCacheSettings, uri: &str, expected: &str) {
        let policy = CachePolicy::compile("", settings, &[""; 0]);
        let mut request = Request::get(uri)
            .header("if-none-match", "\"a\"")
            .header("range", "bytes=0-0")
            .header("x-original-url", "/admin")
            .header("accept-encoding", "gzip;q=0.5, br")
            .body(())
            .unwrap();
        prepare(&mut request, &policy, None);
        assert_eq!(request.uri(), expected);
        let left = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip"))]);
        assert_eq!(*request.headers(), left);
    }

    #[test]
    fn what_goes_up_is_what_the_key_says() {
        let mut settings = RouteCacheSettings::default();
        check(&settings, "/a?b=1&a=2", "/a?a=2&b=1");
        check(&settings, "https://h/a?b=1&a=2", "https://h/a?a=2&b=1");
        check(&settings, "/a?a=2&b=1", "/a?a=2&b=1");
        check(&settings, "/a", "/a");
        settings.query = QuerySettings {
            ignore: Some(vec!["utm_*".to_owned()]),
            only: None,
        };
        check(&settings, "/a?b=1&utm_x=3&a=2", "/a?a=2&b=1");
        check(&settings, "/a?utm_x=3", "/a");
        settings.sort_query = false;
        check(&settings, "/a?b=1&utm_x=3&a=2", "/a?b=1&a=2");
    }
}
