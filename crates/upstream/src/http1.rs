//! HTTP/1 towards an endpoint, on a socket that belongs to whoever uses it.
//!
//! hyper's client keeps 28 KB for each idle connection and takes half as many instructions again
//! for an exchange; what a gateway needs of it is little, and is here: a head is written
//! ([`request`]), the request's body follows it ([`sending`]), a head is read and judged
//! ([`head`], its names by [`spellings`], or by [`shapes`] where the endpoint wrote such a one before), and the body behind it is cut where its framing says ([`body`], [`chunked`]).
//! Nothing runs in the background: the future that asks and the body that is read own the socket,
//! so dropping either closes it.
//!
//! The framing is as strict as towards clients (RFC 9112 §6.3): one `Content-Length` of digits, or
//! one `chunked`, or neither; lines end in CRLF. What two parsers could read differently is refused.

mod body;
mod buffers;
mod chunked;
mod connection;
mod exchange;
mod head;
mod request;
mod sending;
mod shapes;
mod spellings;

pub(crate) use self::body::Body;
pub(crate) use self::buffers::Buffers;
pub(crate) use self::connection::Connection;
pub(crate) use self::exchange::Exchange;
pub(crate) use self::request::Head;

/// Why a body has no good end: the connection was lost inside it, or its framing broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut;
