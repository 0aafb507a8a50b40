//! How are several servers over one Redis one cache?
//!
//! [`Node`] is one server's side of the purge protocol, as a state machine without I/O, clock or lock: replies and
//! ticks go in with the time, [`Command`]s come out, and it judges what may be served. A store around it carries the
//! commands to Redis, puts the node behind a lock and mirrors [`Node::number`] in an atomic, so that a hit in memory
//! costs one load.
//!
//! Two numbers that never mix:
//!
//! - the node's own *number* counts the purges that it has made or heard of, and judges what is in its memory; it works
//!   without Redis;
//! - an [`Epoch`] and a *count* are given by Redis alone, and judge what lies in Redis. An epoch belongs to one process
//!   in one role, so a restart, a snapshot or a failover revives nothing.
//!
//! What holds:
//!
//! - A purge counts on its node at once. It waits in a bounded queue until Redis has confirmed it, and meanwhile a value
//!   in Redis that it names is a miss.
//! - A read through Redis brings the purges that the node has not heard of, and what is served was judged with them.
//! - A node reads the log of purges each 50 ms. One that has had no answer for 100 ms is *away*: it serves from memory
//!   and leaves Redis alone. Back again it applies the log; where that no longer reaches back, or the epoch is another,
//!   all that was fetched or being fetched before is under a floor.
//! - Each bound that is met drops more, never less.
//!
//! What is purged are [`Subject`]s: *own* ones (URI, user), known from the request alone, whose count is a key of its
//! own in Redis that the read which misses makes; *group* ones (labels, names), known only from the value, and prefixes
//! of names, of which Redis has one bounded table and each node a copy.

mod filter;
mod messages;
mod node;
mod queue;
mod reading;
mod recent;
mod subject;
mod table;
#[cfg(test)]
mod tests;

pub use filter::Held;
pub use messages::{
    AttachReply, AttachedBy, AttachmentId, Command, Epoch, LogEntry, Numbers, OwnCount, PurgeReply,
    ReadReply, SyncReply, ValueNumbers,
};
pub use node::{Limits, Node};
pub use queue::Receipt;
pub use reading::{FetchEnd, FleetFetch, FleetRead, ReadEnd, StoreNumbers};
pub use subject::{Labels, Subject};
