//! What a store of your own has to promise, as a test.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::invalidation::Invalidation;
use crate::key::CacheKey;
use crate::provider::CacheProvider;
use crate::stored::StoredResponse;
use crate::target::Target;

/// The key of `https://example.com` and a path, in a space of that name, for all or for one user.
///
/// # Panics
///
/// When `path` does not begin with a slash.
pub fn sample_key(space: &str, user: Option<&str>, path: &str) -> CacheKey {
    let uri: Uri = format!("https://example.com{path}")
        .parse()
        .unwrap_or_default();
    let headers = HeaderMap::new();
    let mut key = CacheKey::empty();
    key.set_space(&Arc::from(space));
    if let Some(user) = user {
        key.push_user(user);
    }
    match Target::of(&uri, &headers, "https") {
        Some(target) => key.push_target(&target, true),
        None => unreachable!("a path begins with a slash"),
    }
    key
}

/// A response with this body that carries the tags `sample` and its own body.
///
/// # Panics
///
/// When the body is no field value.
pub fn sample_response(body: &'static str) -> Arc<StoredResponse> {
    let mut headers = HeaderMap::new();
    headers.insert("cache-tag", HeaderValue::from_static("sample"));
    headers.append("cache-tag", HeaderValue::from_static(body));
    let now = (Instant::now(), SystemTime::now());
    let body = Bytes::from_static(body.as_bytes());
    match StoredResponse::new(StatusCode::OK, &headers, body, KEEP, now) {
        Ok(response) => response,
        Err(reason) => unreachable!("two tags are few: {}", reason.as_str()),
    }
}

const KEEP: Duration = Duration::from_mins(1);

/// Checks that an empty store keeps the promises of [`CacheProvider`]; run it against your own.
///
/// # Panics
///
/// When it does not.
pub async fn store_contract(store: &dyn CacheProvider) {
    let tested = Tested(store);
    tested.finds_what_was_set().await;
    tested.drops_what_is_named().await;
    tested.keeps_no_overtaken_fetch().await;
    tested.marks_what_is_named_stale().await;
    tested.says_what_it_holds().await;
}

/// A store under test: what fails in it fails the test.
struct Tested<'a>(&'a dyn CacheProvider);

#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
impl Tested<'_> {
    async fn get(&self, key: &CacheKey) -> Option<Arc<StoredResponse>> {
        self.0.get(key).await.unwrap()
    }

    async fn set(&self, key: &CacheKey, value: &Arc<StoredResponse>) {
        let set = self.0.set(key.clone(), Arc::clone(value), KEEP);
        set.await.unwrap();
    }

    async fn finds_what_was_set(&self) {
        let key = sample_key("one", None, "/a");
        let (first, second) = (sample_response("first"), sample_response("second"));
        assert_eq!(self.get(&key).await, None, "the store is to be empty");
        self.set(&key, &first).await;
        assert_eq!(self.get(&key).await.as_ref(), Some(&first));
        let (space, name) = (sample_key("two", None, "/a"), sample_key("one", None, "/b"));
        assert_eq!(self.get(&space).await, None, "another space");
        assert_eq!(self.get(&name).await, None, "another name");
        self.set(&key, &second).await;
        assert_eq!(self.get(&key).await.as_ref(), Some(&second));

        let brief = sample_key("one", None, "/brief");
        let set = self
            .0
            .set(brief.clone(), Arc::clone(&first), Duration::ZERO);
        set.await.unwrap();
        assert_eq!(self.get(&brief).await, None, "a keep of zero is no keep");

        assert!(self.0.delete(&key).await.unwrap(), "it was there");
        assert!(!self.0.delete(&key).await.unwrap(), "it is gone");
        assert_eq!(self.get(&key).await, None);
    }

    async fn drops_what_is_named(&self) {
        let (first, second) = (sample_response("first"), sample_response("second"));
        let keys = [
            sample_key("one", None, "/a?x=1"),
            sample_key("two", None, "/a"),
            sample_key("one", Some("1"), "/a"),
            sample_key("one", Some("11"), "/ab"),
            sample_key("one", None, "/b"),
        ];
        let named = [
            Invalidation::Uri("https://example.com/a".to_owned()),
            Invalidation::User("1".to_owned()),
            Invalidation::Tag("first".to_owned()),
            Invalidation::Prefix("GET https://example.com/a*".to_owned()),
        ];
        // Everywhere, and nothing else.
        let left = [
            [false, false, false, true, true],
            [true, true, false, true, true],
            [false, false, false, false, true],
            [false, false, true, true, true],
        ];
        for (what, left) in named.iter().zip(left) {
            for key in &keys[..4] {
                self.set(key, &first).await;
            }
            self.set(&keys[4], &second).await;
            self.0.invalidate(what).await.unwrap();
            for (key, left) in keys.iter().zip(left) {
                let found = self.get(key).await;
                assert_eq!(found.is_some(), left, "{key:?} after {what:?}");
            }
            self.set(&keys[0], &first).await;
            let found = self.get(&keys[0]).await;
            assert!(found.is_some(), "what comes after {what:?} is kept again");
            self.0.clear().await.unwrap();
            assert_eq!(self.get(&keys[4]).await, None, "cleared");
        }
    }

    async fn keeps_no_overtaken_fetch(&self) {
        let key = sample_key("one", None, "/a");
        let first = sample_response("first");
        let overtakes = [
            Invalidation::Uri("https://example.com/a/".to_owned()),
            Invalidation::Tag("first".to_owned()),
            Invalidation::Prefix("GET https://example.com/".to_owned()),
        ];
        for what in overtakes {
            let fetch = self.0.begin(&key);
            self.0.invalidate(&what).await.unwrap();
            let kept = self.0.store(fetch, Arc::clone(&first), KEEP);
            kept.await.unwrap();
            assert_eq!(self.get(&key).await, None, "overtaken by {what:?}");
            let fetch = self.0.begin(&key);
            let kept = self.0.store(fetch, Arc::clone(&first), KEEP);
            kept.await.unwrap();
            assert_eq!(
                self.get(&key).await.as_ref(),
                Some(&first),
                "after {what:?}"
            );
        }
        let (one, other) = (self.0.begin(&key), self.0.begin(&key));
        self.0.delete(&key).await.unwrap();
        let kept = self.0.store(one, Arc::clone(&first), KEEP);
        kept.await.unwrap();
        assert_eq!(self.get(&key).await, None, "overtaken by a deletion");
        self.0.clear().await.unwrap();
        let kept = self.0.store(other, Arc::clone(&first), KEEP);
        kept.await.unwrap();
        assert_eq!(self.get(&key).await, None, "overtaken by a clearing");

        self.set(&key, &first).await;
        drop(self.0.begin(&key));
        let found = self.get(&key).await;
        assert!(found.is_some(), "a fetch without a value changes nothing");
    }

    /// Whether the value under a key is fresh, if there is one.
    async fn is_fresh(&self, key: &CacheKey) -> Option<bool> {
        let found = self.get(key).await?;
        Some(found.lifetime().covers(found.current_age(Instant::now())))
    }

    async fn marks_what_is_named_stale(&self) {
        let first = sample_response("first");
        let key = sample_key("one", None, "/a");
        let other = sample_key("one", None, "/b");
        let named = [
            Invalidation::Uri("https://example.com/a".to_owned()),
            Invalidation::Tag("first".to_owned()),
            Invalidation::Key(key.name().to_owned()),
            Invalidation::Prefix("GET https://example.com/a*".to_owned()),
            Invalidation::Prefix("*".to_owned()),
        ];
        for what in &named {
            self.set(&key, &first).await;
            self.set(&other, &sample_response("second")).await;
            let fetch = self.0.begin(&key);
            self.0.mark_stale(what).await.unwrap();
            for look_up in ["first", "second"] {
                let fresh = self.is_fresh(&key).await;
                assert_eq!(fresh, Some(false), "{what:?}, {look_up} look-up");
            }
            let is_all = *what == Invalidation::Prefix("*".to_owned());
            assert_eq!(self.is_fresh(&other).await, Some(!is_all), "{what:?}");
            self.0.store(fetch, Arc::clone(&first), KEEP).await.unwrap();
            let fresh = self.is_fresh(&key).await;
            assert_eq!(fresh, Some(false), "what was being fetched, {what:?}");
            self.set(&key, &first).await;
            assert_eq!(
                self.is_fresh(&key).await,
                Some(true),
                "fetched after {what:?}"
            );
            self.0.mark_stale(what).await.unwrap();
            self.0.invalidate(what).await.unwrap();
            assert_eq!(self.get(&key).await, None, "dropped after all by {what:?}");
        }
        self.0.clear().await.unwrap();
        self.set(&key, &first).await;
    }

    async fn says_what_it_holds(&self) {
        let stats = self.0.stats();
        assert_eq!(stats.keys, 1);
        assert!(stats.hits > 0 && stats.misses > 0 && stats.bytes > 0);
        self.0.clear().await.unwrap();
        assert_eq!(self.0.stats().keys, 0);
    }
}
