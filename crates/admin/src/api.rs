//! Which call is it?

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::ALLOW;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use self::cache::CacheOperations;
use crate::auth::tries::WrongTries;
use crate::auth::{Access, Caller, page};
use crate::problem::Problem;

pub(crate) mod cache;

/// What stands before every call.
const BASE: &str = "/api/v1";
/// The most that a request may bring.
const BODY_MAX: usize = 64 << 10;

/// What is known of the connection that a request came by.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// The other end.
    pub address: IpAddr,
    /// The time.
    pub now: Instant,
    /// Whether the API is open where no token is configured: on loopback, outside production.
    pub is_open: bool,
}

/// The admin API. One serves all connections: it counts wrong tokens.
pub struct AdminApi {
    cache: Arc<dyn CacheOperations>,
    tries: WrongTries,
}

/// The calls that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    CacheStats,
    CachePurge,
}

impl Call {
    const ALL: [Self; 2] = [Self::CacheStats, Self::CachePurge];

    fn path(self) -> &'static str {
        match self {
            Self::CacheStats => "/cache/stats",
            Self::CachePurge => "/cache/purge",
        }
    }

    fn changes(self) -> bool {
        self == Self::CachePurge
    }

    fn takes(self, method: &Method) -> bool {
        match self {
            Self::CacheStats => matches!(*method, Method::GET | Method::HEAD),
            Self::CachePurge => *method == Method::POST,
        }
    }

    fn allow(self) -> &'static str {
        if self.changes() { "POST" } else { "GET, HEAD" }
    }
}

impl AdminApi {
    /// The API over what the program lets an operator do.
    pub fn new(cache: Arc<dyn CacheOperations>) -> Self {
        Self {
            cache,
            tries: WrongTries::default(),
        }
    }

    /// Whether a path is the API's to answer.
    pub fn takes(path: &str) -> bool {
        let below = path.strip_prefix(BASE);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }

    /// Answers a request. Who may not ask learns nothing, not even which calls there are; no body is read before its
    /// sender is known.
    pub async fn answer<B>(
        &self,
        access: &Access,
        peer: &Peer,
        request: Request<B>,
    ) -> Response<Bytes>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        self.decide(access, peer, &parts, body)
            .await
            .unwrap_or_else(Problem::into_response)
    }

    async fn decide<B>(
        &self,
        access: &Access,
        peer: &Peer,
        request: &Parts,
        body: B,
    ) -> Result<Response<Bytes>, Problem>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let caller = access.caller(request, peer, &self.tries)?;
        let call = call(request)?;
        permit(call, caller)?;
        if !call.changes() {
            return cache::stats(&*self.cache).await;
        }
        page::check(request)?;
        let body = read(body).await?;
        cache::purge(&*self.cache, caller.name, &body).await
    }
}

impl fmt::Debug for AdminApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminApi")
            .field("tries", &self.tries)
            .finish_non_exhaustive()
    }
}

fn call(request: &Parts) -> Result<Call, Problem> {
    let below = request.uri.path().strip_prefix(BASE).unwrap_or_default();
    let Some(call) = Call::ALL.into_iter().find(|call| call.path() == below) else {
        let calls = Call::ALL.map(|call| format!("{} {BASE}{}", call.allow(), call.path()));
        let detail = format!("There is no such call. There are: {}.", calls.join("; "));
        return Err(Problem::new(StatusCode::NOT_FOUND, detail));
    };
    if call.takes(&request.method) {
        return Ok(call);
    }
    let detail = format!("{BASE}{below} takes {}.", call.allow());
    Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        .with(ALLOW, HeaderValue::from_static(call.allow())))
}

fn permit(call: Call, caller: Caller<'_>) -> Result<(), Problem> {
    let (may, role) = if call.changes() {
        (caller.role.may_write(), "write")
    } else {
        (caller.role.may_read(), "read")
    };
    if may {
        return Ok(());
    }
    let detail = format!(
        "The token of {} may not do this: it takes the role {role}.",
        caller.name
    );
    Err(Problem::new(StatusCode::FORBIDDEN, detail))
}

async fn read<B>(body: B) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "A call brings at most 64 KiB.",
        )
    };
    // Who says so beforehand need not send it.
    if body.size_hint().lower() > BODY_MAX as u64 {
        return Err(too_large());
    }
    match Limited::new(body, BODY_MAX).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "The body broke off.")),
    }
}
