//! What is kept of a response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, LAST_MODIFIED, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::asked::Asked;
use crate::freshness::{FreshnessLifetime, LifetimeSource};
use crate::invalidation::Tag;
use crate::provider::CacheValue;
use crate::status::{CACHE_STATUS, X_CACHE};
use crate::storing::{self, Arrival, NotStored, ResponseRules, StaleRules, Storable};
use crate::validation::Validators;
use crate::vary::{Variants, VarySet};

mod head;

pub(crate) use head::StoredHead;

use head::named_by_connection;

/// What a map takes for a field besides its name and value.
const FIELD_BYTES: usize = size_of::<(HeaderName, HeaderValue)>() + 48;

/// The fields that are written anew for each use.
static WRITTEN: [HeaderName; 3] = [AGE, CACHE_STATUS, X_CACHE];

/// A complete response with what is to be known to use it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    head: StoredHead,
    body: Bytes,
    /// It answers nothing, but says under which keys the answers lie.
    variants: Option<Box<Variants>>,
    renewal: Renewal,
}

/// Whether a response that ends soon is being fetched anew: once is enough.
#[derive(Debug, Default)]
struct Renewal(AtomicBool);

impl Clone for Renewal {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Renewal {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Renewal {}

impl StoredResponse {
    fn of(head: StoredHead, body: Bytes) -> Self {
        Self {
            head,
            body,
            variants: None,
            renewal: Renewal::default(),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The fields that are stored.
    pub fn fields(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        let fields = self.head.fields.iter();
        fields.filter(|(name, _)| !WRITTEN.contains(name))
    }

    pub(crate) fn head(&self) -> &StoredHead {
        &self.head
    }

    /// The whole body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How long it is fresh, from when the origin made it.
    pub fn lifetime(&self) -> FreshnessLifetime {
        self.head.lifetime
    }

    /// Who said how long it is fresh.
    pub fn lifetime_source(&self) -> LifetimeSource {
        self.head.source
    }

    /// How old it was when it came.
    pub fn age_at_receipt(&self) -> Duration {
        self.head.age_at_receipt
    }

    /// How old it is at `now` (RFC 9111 §4.2.3).
    pub fn current_age(&self, now: Instant) -> Duration {
        self.head.current_age(now)
    }

    /// What tells it from another answer of its resource.
    pub fn validators(&self) -> &Validators {
        &self.head.validators
    }

    /// Whether it answers nothing itself, but says which request fields choose among the answers of its key.
    pub fn is_index(&self) -> bool {
        self.variants.is_some()
    }

    pub(crate) fn variants(&self) -> Option<&Variants> {
        self.variants.as_deref()
    }

    /// Says once that it is to be fetched anew.
    pub(crate) fn begin_renewal(&self) -> bool {
        !self.renewal.0.swap(true, Relaxed)
    }

    /// Whether a `HEAD` with these fields shows the same response (RFC 9111 §4.3.5): what it says of validators and
    /// length is what is stored.
    pub(crate) fn agrees_with(&self, head: &HeaderMap) -> bool {
        let same = |name: HeaderName, stored: Option<&HeaderValue>| {
            head.get(name)
                .is_none_or(|said| stored.is_none_or(|stored| stored == said))
        };
        let stored = &self.head.fields;
        let etag = stored.get(ETAG).filter(|_| !self.head.validators.is_own());
        let length = storing::content_length(head);
        same(ETAG, etag)
            && same(LAST_MODIFIED, stored.get(LAST_MODIFIED))
            && length.is_none_or(|length| length == self.body.len() as u64)
    }

    /// What lies under a key whose answers vary.
    pub(crate) fn index(variants: Variants, now: Instant) -> Self {
        Self {
            head: StoredHead {
                status: StatusCode::OK,
                fields: HeaderMap::new(),
                validators: Validators::default(),
                lifetime: FreshnessLifetime::default(),
                source: LifetimeSource::Explicit,
                stale: StaleRules::default(),
                immutable: false,
                age_at_receipt: Duration::ZERO,
                received: now,
                tags: Vec::new(),
                vary: VarySet::default(),
            },
            body: Bytes::new(),
            variants: Some(Box::new(variants)),
            renewal: Renewal::default(),
        }
    }

    /// The same response after the origin has confirmed it with a 304 of these fields (RFC 9111 §3.2): they take the
    /// place of the stored ones, but for what says how the stored content is written.
    pub(crate) fn confirmed(
        &self,
        not_modified: &HeaderMap,
        rules: &ResponseRules,
        asked: Asked,
        arrival: Arrival,
        labels: (&str, Vec<Tag>),
    ) -> Result<Self, NotStored> {
        let mut fields = self.head.fields_as_they_came();
        // Its age is that of the confirmation.
        let named = named_by_connection(not_modified);
        for name in not_modified.keys() {
            // A cookie is for who asked now.
            if [CONTENT_LENGTH, CONTENT_ENCODING, CONTENT_RANGE, SET_COOKIE].contains(name)
                || named.contains(name)
            {
                continue;
            }
            fields.remove(name);
            for value in not_modified.get_all(name) {
                fields.append(name, value.clone());
            }
        }
        if !not_modified.contains_key(DATE) {
            fields.remove(DATE);
        }
        let storable = storing::judge_response(self.head.status, &fields, rules, asked, arrival)?;
        let head = StoredHead::of(self.head.status, &fields, storable, arrival, labels)?;
        let mut hasher = head.hasher();
        if !head.validators.is_tagged() {
            hasher.update(&self.body);
        }
        Ok(head.complete(self.body.clone(), &hasher))
    }

    /// A response of this status, fields and body that is fresh for `lifetime` from `received` on.
    pub fn new(
        status: StatusCode,
        headers: &HeaderMap,
        body: Bytes,
        lifetime: Duration,
        (received, wall): (Instant, SystemTime),
    ) -> Result<Arc<Self>, NotStored> {
        let storable = Storable {
            lifetime: FreshnessLifetime::new(lifetime),
            source: LifetimeSource::Forced,
            age_at_receipt: Duration::ZERO,
            stale: StaleRules::default(),
            immutable: false,
            vary: VarySet::default(),
            withheld: Vec::new(),
        };
        let arrival = Arrival {
            now: received,
            wall,
            waited: Duration::ZERO,
            chance: 0,
        };
        let head = StoredHead::of(status, headers, storable, arrival, ("", Vec::new()))?;
        let mut hasher = head.hasher();
        hasher.update(&body);
        Ok(Arc::new(head.complete(body, &hasher)))
    }
}

impl CacheValue for StoredResponse {
    fn bytes(&self) -> u64 {
        let field = |(name, value): (&HeaderName, &HeaderValue)| {
            FIELD_BYTES + name.as_str().len() + value.len()
        };
        let fields: usize = self.head.fields.iter().map(field).sum();
        let tags = size_of_val(self.head.tags.as_slice());
        let variants = self
            .variants
            .as_ref()
            .map_or(0, |variants| variants.bytes());
        (size_of::<Self>() + fields + tags + variants + self.body.len()) as u64
    }

    fn tags(&self) -> &[Tag] {
        &self.head.tags
    }

    /// Its lifetime ends at the age that it had then, so that everything else holds as for any stale response.
    fn stale_since(&self, since: Instant) -> Option<Self> {
        let mut stale = self.clone();
        let age = FreshnessLifetime::new(self.current_age(since));
        stale.head.lifetime = stale.head.lifetime.min(age);
        Some(stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(fields: &[(&'static str, &str)]) -> Result<Arc<StoredResponse>, NotStored> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let now = (Instant::now(), SystemTime::UNIX_EPOCH);
        let body = Bytes::from_static(b"body");
        StoredResponse::new(StatusCode::OK, &headers, body, Duration::from_secs(1), now)
    }

    #[test]
    fn fields_of_one_connection_or_one_answer_are_left_out() {
        let stored = stored(&[
            ("content-type", "text/plain"),
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("age", "5"),
            ("ratelimit-policy", "x"),
            ("proxy-status", "x"),
            ("etag", "\"a\""),
        ])
        .unwrap();
        let names: Vec<_> = stored.fields().map(|(name, _)| name.as_str()).collect();
        let kept = [
            "content-type",
            "ratelimit-policy",
            "proxy-status",
            "etag",
            "date",
        ];
        assert_eq!(names, kept);
    }

    #[test]
    fn a_tag_of_ours_depends_on_type_and_bytes() {
        let tag = |fields: &[(&'static str, &str)]| {
            let stored = stored(fields).unwrap();
            let field = stored.fields().find(|(name, _)| *name == ETAG);
            field.unwrap().1.to_str().unwrap().to_owned()
        };
        let plain = tag(&[("content-type", "text/plain")]);
        assert!(
            plain.starts_with("W/\"urm-") && plain.len() == 40,
            "{plain}"
        );
        assert_eq!(plain, tag(&[("content-type", "text/plain"), ("date", "x")]));
        assert_ne!(plain, tag(&[("content-type", "text/html")]));
        assert_eq!(tag(&[("etag", "\"a\"")]), "\"a\"");
    }
}
