//! What is kept of a response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{
    AGE, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    LAST_MODIFIED, SET_COOKIE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::asked::Asked;
use crate::freshness::{FreshnessLifetime, LifetimeSource};
use crate::invalidation::Tag;
use crate::provider::CacheValue;
use crate::status::{CACHE_STATUS, CacheOutcome, X_CACHE};
use crate::storing::{self, Arrival, NotStored, ResponseRules, StaleRules, Storable};
use crate::tags;
use crate::validation::Validators;
use crate::vary::{Variants, VarySet};

/// How long a stale response that the origin can be asked about is kept at least.
const KEEP_TO_ASK: Duration = Duration::from_hours(1);

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

/// All of a stored response but its body: it is known before the body has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHead {
    status: StatusCode,
    /// With a place for each field that a hit writes, so that a hit copies it whole and grows nothing.
    fields: HeaderMap,
    validators: Validators,
    lifetime: FreshnessLifetime,
    source: LifetimeSource,
    stale: StaleRules,
    immutable: bool,
    age_at_receipt: Duration,
    received: Instant,
    tags: Vec<Tag>,
    vary: VarySet,
}

impl StoredHead {
    /// Takes from a response's head what may be stored of it; `tags` are those that its route gives it.
    pub(crate) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        storable: Storable,
        arrival: Arrival,
        (origin, tags): (&str, Vec<Tag>),
    ) -> Result<Self, NotStored> {
        let tags = tags::of_response(origin, headers, tags)?;
        let named = named_by_connection(headers);
        let left_out = |name: &HeaderName| named.contains(name) || storable.withheld.contains(name);
        let mut fields = HeaderMap::with_capacity(headers.len() + 2 + WRITTEN.len());
        for (name, value) in headers {
            if is_kept(name) && !left_out(name) {
                fields.append(name, value.clone());
            }
        }
        if !headers.contains_key(DATE) {
            // RFC 9110 §6.6.1: who stores a response without a date says when it came.
            let date = httpdate::fmt_http_date(arrival.wall);
            fields.extend(HeaderValue::try_from(date).ok().map(|date| (DATE, date)));
        }
        fields.insert(AGE, HeaderValue::from_static("0"));
        fields.insert(CACHE_STATUS, HeaderValue::from_static("urm; hit"));
        fields.insert(
            X_CACHE,
            HeaderValue::from_static(CacheOutcome::Hit.as_str()),
        );
        Ok(Self {
            status,
            fields,
            validators: Validators::of(headers),
            lifetime: storable
                .lifetime
                .spread(storable.age_at_receipt, arrival.chance),
            source: storable.source,
            stale: storable.stale,
            immutable: storable.immutable,
            age_at_receipt: storable.age_at_receipt,
            received: arrival.now,
            tags,
            vary: storable.vary,
        })
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// How old the response is at `now` (RFC 9111 §4.2.3).
    pub(crate) fn current_age(&self, now: Instant) -> Duration {
        let resident = now.saturating_duration_since(self.received);
        self.age_at_receipt.saturating_add(resident)
    }

    /// When it came.
    pub(crate) fn received(&self) -> Instant {
        self.received
    }

    pub(crate) fn lifetime(&self) -> FreshnessLifetime {
        self.lifetime
    }

    pub(crate) fn source(&self) -> LifetimeSource {
        self.source
    }

    pub(crate) fn stale_rules(&self) -> StaleRules {
        self.stale
    }

    pub(crate) fn is_immutable(&self) -> bool {
        self.immutable
    }

    pub(crate) fn validators(&self) -> &Validators {
        &self.validators
    }

    /// The fields, those that a hit writes anew among them.
    pub(crate) fn fields(&self) -> &HeaderMap {
        &self.fields
    }

    /// The fields of the request that chose it.
    pub(crate) fn vary(&self) -> &VarySet {
        &self.vary
    }

    pub(crate) fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// How long it is worth keeping from `now` on: while it is fresh, while it may be used stale, and for an hour
    /// while the origin can be asked about it.
    pub(crate) fn keep(&self, now: Instant) -> Duration {
        let left = self.lifetime.left(self.current_age(now));
        let to_ask = if self.validators.can_ask() {
            KEEP_TO_ASK
        } else {
            Duration::ZERO
        };
        left.saturating_add(self.stale.longest().max(to_ask))
    }

    /// The fields of an answer from the store.
    pub(crate) fn fields_of_answer(&self, age: HeaderValue, status: HeaderValue) -> HeaderMap {
        let mut fields = self.fields.clone();
        for (name, value) in [(AGE, age), (CACHE_STATUS, status)] {
            if let Some(place) = fields.get_mut(name) {
                *place = value;
            }
        }
        fields
    }

    /// The stored fields alone, as they came.
    fn fields_as_they_came(&self) -> HeaderMap {
        let mut fields = self.fields.clone();
        for name in &WRITTEN {
            fields.remove(name);
        }
        if self.validators.is_own() {
            fields.remove(ETAG);
        }
        fields
    }

    /// Begins the digest that an `ETag` of ours is made from.
    pub(crate) fn hasher(&self) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            let value = self.fields.get(name);
            let value = value.map_or(&b""[..], HeaderValue::as_bytes);
            hasher.update(&(value.len() as u64).to_le_bytes());
            hasher.update(value);
        }
        hasher
    }

    /// Joins the complete body, which went through `hasher`.
    pub(crate) fn complete(&self, body: Bytes, hasher: &blake3::Hasher) -> StoredResponse {
        // A map has room for twice what it was made for; a copy of it for what it holds.
        let mut head = self.clone();
        if !head.validators.is_tagged() {
            let mut digest = [0; 16];
            hasher.finalize_xof().fill(&mut digest);
            let tag = format!("W/\"urm-{:032x}\"", u128::from_be_bytes(digest));
            if let Ok(tag) = HeaderValue::try_from(tag) {
                head.validators = head.validators.tagged(tag.clone());
                head.fields.append(ETAG, tag);
                head.fields = head.fields.clone();
            }
        }
        StoredResponse {
            head,
            body,
            variants: None,
            renewal: Renewal::default(),
        }
    }
}

impl StoredResponse {
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

/// The fields that are for one connection alone because `Connection` lists them (RFC 9111 §3.1).
fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
    let mut named = Vec::new();
    for line in headers.get_all(CONNECTION) {
        let listed = line.as_bytes().split(|byte| *byte == b',');
        named.extend(listed.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()));
    }
    named
}

/// Whether a field may be stored: not those of one connection (RFC 9111 §3.1), nor those of one
/// answer, nor what is written anew for each use.
fn is_kept(name: &HeaderName) -> bool {
    let name = name.as_str();
    !matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "age"
            | "content-length"
            | "cache-status"
            | "x-cache"
    )
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
