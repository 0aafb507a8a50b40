//! What one request leaves behind.

use std::time::{Duration, Instant};

use crate::arms::Arms;
use crate::method::Method;

/// The place of a route's cells: dense, given out by the registry, used again only when nothing
/// knows the route any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotIndex(pub(crate) u32);

impl SlotIndex {
    /// The slot of requests that no route took, with id and template `_NONE`.
    pub const NONE: Self = Self(0);
}

/// What the cache did for a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheOutcome {
    /// No cache took part; in no hit rate.
    #[default]
    None,
    /// A fresh stored response answered.
    Hit,
    /// A stale stored response answered.
    Stale,
    /// A stored response answered after the upstream confirmed it.
    Revalidated,
    /// The upstream answered.
    Miss,
    /// The cache stood aside; in no hit rate.
    Bypass,
}

impl CacheOutcome {
    /// The word that is shown, empty when no cache took part.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Hit => "HIT",
            Self::Stale => "STALE",
            Self::Revalidated => "REVALIDATED",
            Self::Miss => "MISS",
            Self::Bypass => "BYPASS",
        }
    }

    /// Whether the outcome counts in a hit rate, and as a hit.
    #[inline]
    pub(crate) const fn lookup(self) -> Option<bool> {
        match self {
            Self::None | Self::Bypass => None,
            Self::Hit | Self::Stale => Some(true),
            Self::Revalidated | Self::Miss => Some(false),
        }
    }
}

/// Whether a request went well, as figures and alerts see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Answered with a status below 400.
    Success,
    /// The client's mistake: a status from 400 to 499.
    ClientError,
    /// Ours or the upstream's: a status from 500 on, such a `grpc-status`, or a body that broke off.
    ServerError,
    /// The client went away before it had everything; no error.
    Aborted,
}

/// One request that has ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Sample {
    /// The route.
    pub slot: SlotIndex,
    /// The request's method; unknown ones are all the same to figures.
    pub method: Method,
    /// The status as told: 499 when the client left before the head.
    pub status: u16,
    /// How it went.
    pub outcome: Outcome,
    /// The response time; none for tunnels and event streams, which have no such time.
    pub response_time: Option<Duration>,
    /// Bytes of the request's content that were read.
    pub request_bytes: u64,
    /// Bytes of the response's content that were handed to the connection.
    pub response_bytes: u64,
    /// What the cache did.
    pub cache: CacheOutcome,
    /// The changes that bore on the request.
    pub arms: Arms,
    /// A word for what failed, from a small fixed set. Where there is none and the status is 500 or
    /// more, the status stands for it.
    pub error_type: Option<&'static str>,
    /// Whether the request came by TLS.
    pub secure: bool,
    /// When it ended.
    pub ended: Instant,
}

impl Sample {
    /// A request to `slot` that was answered with `status` within `response_time` at `ended`; the
    /// outcome follows the status, all else is empty.
    #[inline]
    pub fn new(slot: SlotIndex, status: u16, response_time: Duration, ended: Instant) -> Self {
        Self {
            slot,
            method: Method::Get,
            status,
            outcome: Outcome::of_status(status),
            response_time: Some(response_time),
            request_bytes: 0,
            response_bytes: 0,
            cache: CacheOutcome::None,
            arms: Arms::NONE,
            error_type: None,
            secure: false,
            ended,
        }
    }
}

impl Outcome {
    /// What a status alone says.
    #[inline]
    pub const fn of_status(status: u16) -> Self {
        match status {
            ..400 => Self::Success,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}
