//! All that is kept of a response but its body.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AGE, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, DATE, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{StoredResponse, WRITTEN};
use crate::freshness::{FreshnessLifetime, LifetimeSource};
use crate::invalidation::Tag;
use crate::status::{CACHE_STATUS, CacheOutcome, X_CACHE};
use crate::storing::{Arrival, NotStored, StaleRules, Storable};
use crate::tags;
use crate::validation::Validators;
use crate::vary::VarySet;

/// How long a stale response that the origin can be asked about is kept at least.
const KEEP_TO_ASK: Duration = Duration::from_hours(1);

/// All of a stored response but its body: it is known before the body has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredHead {
    pub(super) status: StatusCode,
    /// With a place for each field that a hit writes, so that a hit copies it whole and grows nothing.
    pub(super) fields: HeaderMap,
    pub(super) validators: Validators,
    pub(super) lifetime: FreshnessLifetime,
    pub(super) source: LifetimeSource,
    pub(super) stale: StaleRules,
    pub(super) immutable: bool,
    pub(super) age_at_receipt: Duration,
    pub(super) received: Instant,
    pub(super) tags: Vec<Tag>,
    pub(super) vary: VarySet,
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
    pub(super) fn fields_as_they_came(&self) -> HeaderMap {
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
        StoredResponse::of(head, body)
    }
}

/// The fields that are for one connection alone because `Connection` lists them (RFC 9111 §3.1).
pub(super) fn named_by_connection(headers: &HeaderMap) -> Vec<HeaderName> {
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
