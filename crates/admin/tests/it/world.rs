//! An API whose operations remember what they were asked.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use admin::{
    Access, AdminApi, CacheOperations, CacheReport, Peer, Purge, PurgeState, Role, TokenSettings,
};
use async_trait::async_trait;
use bytes::Bytes;
use cache::StoreError;
use config_flags::Secret;
use http::request::Builder;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::Value;

pub(crate) const WRITES: &str = "the-token-of-who-may-do-everything";
pub(crate) const READS: &str = "the-token-of-who-may-only-look-at-it";
pub(crate) const EVALUATES: &str = "the-token-of-who-may-evaluate-flags";

#[derive(Debug, Default)]
pub(crate) struct Operations {
    pub(crate) purges: Mutex<Vec<Purge>>,
    pub(crate) report: Mutex<CacheReport>,
    pub(crate) fails: Mutex<bool>,
}

#[async_trait]
impl CacheOperations for Operations {
    async fn purge(&self, purge: &Purge) -> Result<PurgeState, StoreError> {
        self.purges.lock().unwrap().push(purge.clone());
        if *self.fails.lock().unwrap() {
            return Err(StoreError::new("no answer"));
        }
        Ok(PurgeState::Confirmed)
    }

    async fn report(&self, max: usize) -> CacheReport {
        assert_eq!(max, 1000);
        self.report.lock().unwrap().clone()
    }
}

pub(crate) struct World {
    pub(crate) operations: Arc<Operations>,
    api: AdminApi,
    access: Access,
    pub(crate) peer: Peer,
}

/// An answer, read.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) fields: http::HeaderMap,
    pub(crate) document: Value,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> &str {
        let value = self.fields.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The detail of a problem document.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> &str {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.field("content-type"), "application/problem+json");
        assert_eq!(self.document["status"], status);
        assert_eq!(self.document["type"], "about:blank");
        self.document["detail"].as_str().unwrap()
    }
}

impl World {
    /// Three bearers, and a peer on the network.
    pub(crate) fn new() -> Self {
        let settings = |token, role| TokenSettings {
            token: Secret::from(token),
            role,
        };
        let tokens = [
            ("reader", settings(READS, Role::Read)),
            ("flags", settings(EVALUATES, Role::Evaluate)),
        ];
        let tokens = tokens.iter().map(|(name, settings)| (*name, settings));
        Self::with(Access::compile(Some(&Secret::from(WRITES)), tokens).unwrap())
    }

    /// No token, on loopback.
    pub(crate) fn open() -> Self {
        let mut world = Self::with(Access::default());
        world.peer.is_open = true;
        world
    }

    fn with(access: Access) -> Self {
        let operations = Arc::new(Operations::default());
        let cache: Arc<dyn CacheOperations> = Arc::<Operations>::clone(&operations);
        Self {
            operations,
            api: AdminApi::new(cache),
            access,
            peer: Peer {
                address: IpAddr::from([192, 0, 2, 1]),
                now: Instant::now(),
                is_open: false,
            },
        }
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.peer.now += Duration::from_secs(seconds);
    }

    pub(crate) async fn ask(&self, request: Builder, body: impl Into<Bytes>) -> Seen {
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = self.api.answer(&self.access, &self.peer, request).await;
        let (parts, body) = answer.into_parts();
        assert_eq!(parts.headers["cache-control"], "no-store");
        Seen {
            status: parts.status,
            fields: parts.headers,
            document: serde_json::from_slice(&body).unwrap(),
        }
    }

    /// Sends a purge by the bearer who may.
    pub(crate) async fn purge(&self, body: impl Into<Bytes>) -> Seen {
        self.ask(purge().header("authorization", bearer(WRITES)), body)
            .await
    }

    pub(crate) fn purges(&self) -> Vec<Purge> {
        std::mem::take(&mut *self.operations.purges.lock().unwrap())
    }
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// A purge by nobody.
pub(crate) fn purge() -> Builder {
    Request::post("/api/v1/cache/purge")
        .header("host", "localhost:3001")
        .header("content-type", "application/json")
}

/// A question for the figures by nobody.
pub(crate) fn stats() -> Builder {
    Request::get("/api/v1/cache/stats").header("host", "localhost:3001")
}
