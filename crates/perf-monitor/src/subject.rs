//! What a program says of its requests, and what it hears of them.

use std::fmt;
use std::time::{Duration, Instant};

use crate::arms::Arms;
use crate::method::Method;
use crate::recent::Caller;
use crate::registry::Held;
use crate::sample::{CacheOutcome, Outcome, SlotIndex};

/// One request in the program's own words.
///
/// Place and counting are asked when the request comes, all else when it ends; the program keeps
/// what it learns in between in cells of its own. `Send` and `Sync` are the price of
/// `Arc<dyn Subject>`.
pub trait Subject: fmt::Debug + Send + Sync {
    /// The route's place; whoever gives it out holds it until the request has ended.
    fn slot(&self) -> SlotIndex;

    /// Whether figures count the request; a program's own endpoints are none of its routes.
    fn counted(&self) -> bool {
        true
    }

    /// What the cache did.
    fn cache(&self) -> CacheOutcome {
        CacheOutcome::None
    }

    /// The changes that bore on the request.
    fn arms(&self) -> Arms {
        Arms::NONE
    }

    /// A word for what failed, from a small fixed set.
    fn error_type(&self) -> Option<&'static str> {
        None
    }

    /// The HTTP status that the answer stands for, where its own says something else: a gRPC client is
    /// refused with 200 and a `grpc-status`. 499: the client left, whatever it was answered.
    fn stands_for(&self) -> Option<u16> {
        None
    }

    /// `http` or `https`.
    fn scheme(&self) -> &'static str {
        "http"
    }

    /// Who asked, for the rings of recent and slow requests.
    fn caller(&self) -> Caller<'_> {
        Caller::default()
    }

    /// Hears once how the request ended, counted or not.
    fn ended(&self, _ended: &Ended) {}
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Ended {
    /// The method, as figures see it.
    pub method: Method,
    /// The status as told: 499 when the client left before the head, 500 when there was none
    /// because the handler failed or panicked.
    pub status: u16,
    /// How it went.
    pub outcome: Outcome,
    /// The client left before the last piece was handed over.
    pub aborted: bool,
    /// The answer broke off on our side of the connection.
    pub broken: bool,
    /// What counts as response time; none for tunnels and event streams.
    pub response_time: Option<Duration>,
    /// From the parsed head to the end, waiting for the client included.
    pub total_time: Duration,
    /// Bytes of the request's content that were read.
    pub request_bytes: u64,
    /// Bytes of the response's content that were handed over.
    pub response_bytes: u64,
    /// What failed, as figures name it.
    pub error_type: Option<&'static str>,
    /// When it ended.
    pub at: Instant,
}

/// A route alone: nothing is known of its requests but where they went.
impl Subject for Held {
    fn slot(&self) -> SlotIndex {
        SlotIndex(self.index)
    }
}
