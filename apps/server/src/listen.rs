//! How connections arrive, are held to their limits, and end.
//!
//! A [`Sockets`] set is bound ([`bind`]) and served ([`serve`]) by one thread a socket, each with a
//! runtime of its own; nothing that a request meets is shared between them. A connection passes these
//! steps:
//!
//! 1. `worker` accepts it, or refuses it where [`HttpSettings::max_connections`] are open and none is idle.
//! 2. `sniff` peeks at its first bytes and tells HTTP/1 from HTTP/2 (prior knowledge).
//! 3. `socket` wraps it: it counts bytes, and where hyper would refuse a head by a bare status line it
//!    writes the problem document instead.
//! 4. `protocol` runs hyper's connection; each request goes to the worker's [`Answer`].
//! 5. `sweep`, once a tick and for all connections of a worker, ends those that are late. No request
//!    sets a timer or reads the clock.
//!
//! What is judged of a request's head behind hyper is in [`head`]: plain functions. How all of it stops
//! is in [`ServerHandle`].

mod answer;
mod body;
mod connection;
mod descriptors;
mod handle;
pub mod head;
mod protocol;
mod settings;
mod sniff;
mod socket;
mod sockets;
mod sweep;
mod table;
mod worker;

pub use answer::{Answer, BoxError};
pub use body::{AnswerBody, RequestBody};
pub use connection::{Connection, Protocol};
pub use handle::{Counts, Running, ServerHandle, serve};
pub use settings::HttpSettings;
pub use sockets::{Sockets, bind};
