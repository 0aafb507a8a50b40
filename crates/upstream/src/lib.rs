//! Which endpoint answers, and how is it asked?
//!
//! [`Forward`] is a `tower` service: a request goes in, the answer of an upstream comes out. On the
//! way it
//!
//! 1. admits the request, or refuses it when `max_in_flight` are under way ([`Upstream`]);
//! 2. makes the head that goes out: fields of one hop removed (RFC 9110 §7.6.1), `Via`,
//!    `Forwarded` and `X-Forwarded-*`, `X-Request-Id` and `traceparent` set ([`ClientInfo`]);
//! 3. picks an endpoint ([`Balancer`]), takes one of the worker's kept connections to it, or
//!    connects ([`WorkerPools`]);
//! 4. sends the request and waits for the response head, within the limits of the upstream
//!    ([`UpstreamSettings`]) and of the route ([`ForwardPolicy`]);
//! 5. tries again where that is wanted and can do no harm ([`RetrySettings`]);
//! 6. hands the body through as it comes ([`AnswerBody`]), with the silence of the upstream bounded,
//!    or joins the two sockets after a 101.
//!
//! Where there is no answer the service makes one: a status, `Proxy-Status` (RFC 9209), an empty
//! body, and the [`Refusal`] in the answer's extensions. Its error type is `Infallible`.
//!
//! ```
//! # use upstream::{Forward, ForwardPolicy, Upstream, UpstreamSettings};
//! let settings = UpstreamSettings::for_endpoints(["http://127.0.0.1:4001".parse()?]);
//! let upstream = Upstream::new("catalog", &settings);
//! let forward = Forward::alone(ForwardPolicy::new(upstream));
//! # Ok::<(), upstream::EndpointUrlError>(())
//! ```
//!
//! **What is shared.** An [`Upstream`] is one value for all threads: atomics only. Connections are
//! not shared: each thread that serves requests has its own [`WorkerPools`]. Across changes of the
//! configuration, [`Upstreams`] keeps the counts and whatever belongs to an endpoint that stays.
//!
//! **What it leaves to others.** Health checks and breakers (the figures are there:
//! [`Endpoint::failures`]), error documents, the size and the rate of request bodies, and `Host` and
//! targets that nobody should have let through.

mod admission;
mod alarm;
mod answer;
mod balance;
mod budget;
mod client_info;
mod connect;
mod endpoint;
mod exchange;
mod feed;
mod forward;
mod http1;
mod permits;
mod policy;
mod pool;
mod refusal;
mod registry;
mod retry;
mod service;
mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod told;
mod tunnels;
mod upgrade;
mod upstream;
mod wire;

pub use self::answer::{AnswerBody, AnswerError};
pub use self::balance::{Balancer, PowerOfTwo, RoundRobin};
pub use self::client_info::{Client, ClientInfo};
pub use self::endpoint::{Endpoint, EndpointUrl, EndpointUrlError};
pub use self::forward::grpc::{grpc_status_of, is_grpc};
pub use self::forward::via::pseudonym;
pub use self::policy::ForwardPolicy;
pub use self::pool::WorkerPools;
pub use self::refusal::{Refusal, RequestBodyError, proxy_status};
pub use self::registry::Upstreams;
pub use self::service::{Forward, ForwardFuture};
pub use self::settings::{
    Balance, HostHeader, HostHeaderError, RetryOn, RetryOnError, RetrySettings, UpstreamSettings,
};
pub use self::told::Told;
pub use self::tunnels::Tunnels;
pub use self::upstream::Upstream;
