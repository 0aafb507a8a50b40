//! What do a node and Redis say to each other?

use super::subject::Subject;

/// A random number that names one time in the life of Redis: one process in one role, with one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Which connection a command belongs to; a reply of another one is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AttachmentId(pub(super) u64);

/// What a node wants Redis to do. Each is one script, run as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Connect anew, ask the server who it is (its run and its replication id), and join its epoch.
    ///
    /// The script begins a new epoch (a random one that the caller brings) where there is none, where it belongs to
    /// another process or role, where the table of groups is not as long as it was left, or where `anew` wants one.
    /// It answers with the log after `known` where the epoch is that one and the log reaches back to it, else with the
    /// table; [`Node::attached`](super::Node::attached) takes the reply.
    Attach {
        /// The connection to be.
        attachment: AttachmentId,
        /// More purges are waiting than could be remembered: begin a new epoch in any case.
        anew: bool,
        /// The epoch that the node knows, and up to which count it knows its purges.
        known: Option<(Epoch, u64)>,
    },
    /// Read what was purged after `applied`; for [`Node::synced`](super::Node::synced).
    Sync {
        /// On which connection.
        attachment: AttachmentId,
        /// The log of another epoch says nothing to the node.
        epoch: Epoch,
        /// Up to which count the node knows the purges.
        applied: u64,
    },
    /// Give these a new count; for [`Node::purged`](super::Node::purged).
    Purge {
        /// On which connection.
        attachment: AttachmentId,
        /// Tells replies apart.
        ticket: u64,
        /// At most 128.
        subjects: Vec<Subject>,
    },
}

/// What every reply begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// The epoch in Redis.
    pub epoch: Epoch,
    /// How many purges it has seen.
    pub count: u64,
    /// What began before this count is purged: its groups' counts have left the table.
    pub floor: u64,
}

/// One purge in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Which one it was.
    pub count: u64,
    /// What it named.
    pub subjects: Vec<Subject>,
}

/// What a node that attaches has to learn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachedBy {
    /// The purges after those it knows, in their order; none may be missing at the beginning.
    Log(Vec<LogEntry>),
    /// The counts of all groups and prefixes.
    Table(Vec<(Subject, u64)>),
}

/// The reply to [`Command::Attach`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachReply {
    /// The numbers in Redis.
    pub numbers: Numbers,
    /// How the node gets to them.
    pub by: AttachedBy,
}

/// The reply to [`Command::Sync`], which every read brings along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncReply {
    /// The numbers in Redis.
    pub numbers: Numbers,
    /// The purges after those that the node knew when it asked, in their order; maybe only the first of them.
    pub log: Vec<LogEntry>,
}

/// The count of an own subject in Redis, with its epoch.
pub type OwnCount = (Epoch, u64);

/// The reply to a read.
#[derive(Clone, Debug)]
pub struct ReadReply<'a> {
    /// Numbers and log.
    pub sync: SyncReply,
    /// The counts of the own subjects that were asked for, in their order.
    pub own: Vec<OwnCount>,
    /// What lay under the key, by whichever command it was read.
    pub value: Option<ValueNumbers<'a>>,
}

/// The reply to [`Command::Purge`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReply {
    /// The epoch in Redis.
    pub epoch: Epoch,
    /// The count that the purge got.
    pub count: u64,
}

/// What a value in Redis carries beside itself.
#[derive(Clone, Copy, Debug)]
pub struct ValueNumbers<'a> {
    /// The epoch in which its fetch began.
    pub epoch: Epoch,
    /// The last count that its node had heard of then.
    pub count: u64,
    /// By what it can be purged.
    pub labels: super::Labels<'a>,
}
