//! What is kept of a response.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{AGE, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::freshness::{FreshnessLifetime, LifetimeSource};
use crate::invalidation::Tag;
use crate::provider::CacheValue;
use crate::status::{CACHE_STATUS, CacheOutcome, X_CACHE};
use crate::storing::{NotStored, Storable};
use crate::validation::Validators;

/// At most this many tags of one response are kept; one with more is not stored.
const TAGS_MAX: usize = 64;

/// What a map takes for a field besides its name and value.
const FIELD_BYTES: usize = size_of::<(HeaderName, HeaderValue)>() + 48;

/// The fields that are written anew for each use.
static WRITTEN: [HeaderName; 3] = [AGE, CACHE_STATUS, X_CACHE];

/// A complete response with what is to be known to use it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    head: StoredHead,
    body: Bytes,
}

/// All of a stored response but its body: it is known before the body has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHead {
    status: StatusCode,
    /// With a place for each field that a hit writes, so that a hit copies it whole and grows nothing.
    fields: HeaderMap,
    validators: Validators,
    lifetime: FreshnessLifetime,
    source: LifetimeSource,
    age_at_receipt: Duration,
    received: Instant,
    tags: Vec<Tag>,
}

impl StoredHead {
    /// Takes from a response's head what may be stored of it.
    pub(crate) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        storable: Storable,
        (received, wall): (Instant, SystemTime),
    ) -> Result<Self, NotStored> {
        let mut named = Vec::new();
        for line in headers.get_all(CONNECTION) {
            let listed = line.as_bytes().split(|byte| *byte == b',');
            named.extend(listed.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()));
        }
        let mut fields = HeaderMap::with_capacity(headers.len() + 2 + WRITTEN.len());
        for (name, value) in headers {
            if is_kept(name) && !named.contains(name) {
                fields.append(name, value.clone());
            }
        }
        if !headers.contains_key(DATE) {
            // RFC 9110 §6.6.1: who stores a response without a date says when it came.
            let date = httpdate::fmt_http_date(wall);
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
            lifetime: storable.lifetime,
            source: storable.source,
            age_at_receipt: storable.age_at_receipt,
            received,
            tags: tags(headers)?,
        })
    }

    /// How old the response is at `now` (RFC 9111 §4.2.3).
    pub(crate) fn current_age(&self, now: Instant) -> Duration {
        let resident = now.saturating_duration_since(self.received);
        self.age_at_receipt.saturating_add(resident)
    }

    /// What is left of its freshness at `now`.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.lifetime.left(self.current_age(now))
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
    pub(crate) fn complete(mut self, body: Bytes, hasher: &blake3::Hasher) -> StoredResponse {
        if !self.validators.is_tagged() {
            let mut digest = [0; 16];
            hasher.finalize_xof().fill(&mut digest);
            let tag = format!("W/\"urm-{:032x}\"", u128::from_be_bytes(digest));
            if let Ok(tag) = HeaderValue::try_from(tag) {
                self.validators = self.validators.tagged(tag.clone());
                self.fields.append(ETAG, tag);
            }
        }
        // A map has room for twice what it was made for; a copy of it for what it holds.
        self.fields = self.fields.clone();
        StoredResponse { head: self, body }
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

    /// The fields of a hit.
    pub(crate) fn fields_of_hit(&self, age: HeaderValue, status: HeaderValue) -> HeaderMap {
        let mut fields = self.head.fields.clone();
        for (name, value) in [(AGE, age), (CACHE_STATUS, status)] {
            if let Some(place) = fields.get_mut(name) {
                *place = value;
            }
        }
        fields
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
        };
        let head = StoredHead::of(status, headers, storable, (received, wall))?;
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
        (size_of::<Self>() + fields + tags + self.body.len()) as u64
    }

    fn tags(&self) -> &[Tag] {
        &self.head.tags
    }
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
            | "proxy-status"
            | "retry-after"
            | "set-cookie"
            | "age"
            | "content-length"
            | "cache-status"
            | "x-cache"
    ) && !name.starts_with("ratelimit")
}

/// The labels that the upstream gives: `Cache-Tag` (by commas), `Surrogate-Key` (by blanks).
fn tags(headers: &HeaderMap) -> Result<Vec<Tag>, NotStored> {
    let mut tags = Vec::new();
    for (field, separators) in [("cache-tag", ","), ("surrogate-key", " \t")] {
        for line in headers.get_all(field) {
            let line = line.to_str().map_err(|_| NotStored::Tags)?;
            for label in line.split(|letter| separators.contains(letter)) {
                let label = label.trim();
                if label.is_empty() {
                    continue;
                }
                if tags.len() == TAGS_MAX {
                    return Err(NotStored::Tags);
                }
                tags.push(Tag::label(label));
            }
        }
    }
    Ok(tags)
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
            ("retry-after", "1"),
            ("proxy-status", "x"),
            ("etag", "\"a\""),
        ])
        .unwrap();
        let names: Vec<_> = stored.fields().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "etag", "date"]);
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

    #[test]
    fn labels_are_read_from_both_fields_and_bounded() {
        let tagged = stored(&[("cache-tag", "a, b,"), ("surrogate-key", "c  d")]).unwrap();
        assert_eq!(tagged.tags(), ["a", "b", "c", "d"].map(Tag::label));
        let many = "x ".repeat(TAGS_MAX + 1);
        assert_eq!(stored(&[("surrogate-key", &many)]), Err(NotStored::Tags));
    }
}
