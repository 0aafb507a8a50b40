//! Who is calling, and may they?
//!
//! Two questions that every service behind a proxy or in front of a browser meets, answered by plain functions over
//! header fields, with a tower layer around each:
//!
//! - **Who is calling?** [`Trust`] is made from [`TrustSettings`] and finds the [`ClientAddr`] of a request: the peer, or
//!   what a trusted proxy tells in `X-Forwarded-For` or `Forwarded`. [`Trust::scrub`] removes what the sender may not
//!   claim. [`ClientAddrLayer`] does both.
//! - **May a page of another origin read this?** [`CorsPolicy`] is made from [`CorsSettings`]; [`CorsLayer`] answers
//!   preflights and owns the `Access-Control-*` fields of every answer of a route that has a policy.
//!
//! Settings are checked where they are read: an address range ([`Network`]), an origin ([`AllowedOrigin`]) and a name
//! ([`FieldName`], [`MethodName`]) are types of their own, so that a fault is told in its place.
//!
//! Nothing here waits, locks, or keeps state between requests, and nothing that a client sends makes it panic or work
//! beyond a bound.

mod client_addr;
mod cors;
mod names;
mod network;

pub use client_addr::{
    ClientAddr, ClientAddrLayer, FindClient, ForwardedField, Scheme, Trust, TrustSettings,
    TrustedProxies, may_be_claim,
};
pub use cors::{
    AllowedOrigin, Cors, CorsError, CorsFuture, CorsLayer, CorsPolicy, CorsSettings, CorsTable,
    OriginError, Preflight,
};
pub use names::{FieldName, MethodName, NameError};
pub use network::{Network, NetworkError};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
