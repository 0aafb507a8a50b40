//! May this be served, kept, or sent to Redis?

use std::time::Instant;

use super::filter::Held;
use super::messages::{AttachmentId, Epoch, ReadReply};
use super::node::Node;
use super::subject::Labels;

/// A fetch that is under way, as it stood when it began.
#[derive(Debug)]
pub struct FleetFetch {
    number: u64,
    begun: Option<StoreNumbers>,
    held: Held,
}

/// What a value carries to Redis; the script stores it only while the epoch is that one and each own subject has a
/// count that is not higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreNumbers {
    /// The epoch in which its fetch began.
    pub epoch: Epoch,
    /// The last count that the node had heard of then.
    pub count: u64,
}

/// What becomes of what a fetch brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchEnd {
    /// A purge overtook it: who led it gets it, and nobody else.
    Overtaken,
    /// Memory keeps it, and Redis with these numbers on this connection.
    Kept(Option<(AttachmentId, StoreNumbers)>),
}

/// A read through Redis that is under way.
#[derive(Debug)]
pub struct FleetRead {
    number: u64,
    attachment: AttachmentId,
    epoch: Epoch,
    applied: u64,
    asked: Instant,
    held: Held,
}

/// What a read through Redis came to.
#[derive(Debug)]
pub enum ReadEnd {
    /// Nothing that may be served.
    Miss,
    /// The value may be served, and kept in memory as what was live at this number.
    Hit {
        /// When it was asked for.
        number: u64,
        /// What the filter counts; to be kept with the value.
        held: Held,
    },
}

impl FleetFetch {
    /// How many purges the node knew when it began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the filter counts, to be kept with the value.
    pub fn into_held(self) -> Held {
        self.held
    }
}

impl FleetRead {
    /// How many purges the node knew when it began.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The connection to read on, or none.
    pub fn attachment(&self) -> AttachmentId {
        self.attachment
    }

    /// What the script is to be told: the epoch, and up to which count the node knows the log.
    pub fn known(&self) -> (Epoch, u64) {
        (self.epoch, self.applied)
    }

    /// The own subjects whose counts the script reads or makes.
    pub fn own(&self) -> &[u128] {
        self.held.own()
    }
}

impl Node {
    /// Whether a value in memory that was live at `number` still is, and at which number it is now known to be.
    pub fn live(&self, number: u64, labels: &Labels<'_>) -> Option<u64> {
        (number == self.number || self.table.is_live(number, labels)).then_some(self.number)
    }

    /// Begins a fetch, before the request goes to the upstream; a refresh and a revalidation are fetches too.
    pub fn begin_fetch(&self, own: &[u128]) -> FleetFetch {
        // Counted first, numbered then.
        let held = self.filter.hold(own);
        FleetFetch {
            number: self.number,
            begun: self.epoch.map(|epoch| StoreNumbers {
                epoch,
                count: self.seen,
            }),
            held,
        }
    }

    /// Ends a fetch: what may be done with its value?
    pub fn end_fetch(&self, fetch: &FleetFetch, labels: &Labels<'_>, now: Instant) -> FetchEnd {
        if self.live(fetch.number, labels).is_none() {
            return FetchEnd::Overtaken;
        }
        let store = fetch.begun.filter(|begun| self.epoch == Some(begun.epoch));
        let store = store.filter(|_| self.is_attached(now));
        FetchEnd::Kept(store.map(|numbers| (self.attachment, numbers)))
    }

    /// Whether a request that came when the node had counted `arrived` purges may share what was fetched or read from
    /// Redis for another at `number`; else it goes again.
    pub fn may_share(&self, number: u64, arrived: u64, labels: &Labels<'_>) -> bool {
        // Who came before any purge since then asked for nothing newer.
        arrived == number || self.live(number, labels).is_some()
    }

    /// Begins a read through Redis; none while the node is away.
    pub fn begin_read(&self, own: &[u128], now: Instant) -> Option<FleetRead> {
        let epoch = self.epoch.filter(|_| self.is_attached(now))?;
        let held = self.filter.hold(own);
        Some(FleetRead {
            number: self.number,
            attachment: self.attachment,
            epoch,
            applied: self.applied(),
            asked: now,
            held,
        })
    }

    /// Ends a read with what came back.
    pub fn end_read(&mut self, read: FleetRead, reply: ReadReply<'_>, now: Instant) -> ReadEnd {
        if !self.is_on(read.attachment) {
            return ReadEnd::Miss;
        }
        let ReadReply { sync, own, value } = reply;
        let numbers = sync.numbers;
        match self.hear(sync, read.asked, now) {
            Ok(true) => {}
            Ok(false) => {
                // There is more than one reply tells: nothing can be judged before the rest is known.
                self.hint(now);
                return ReadEnd::Miss;
            }
            Err(_) => return ReadEnd::Miss,
        }
        let Some(value) = value else {
            return ReadEnd::Miss;
        };
        let own_is_good = own.len() == read.own().len()
            && own
                .iter()
                .all(|(epoch, count)| *epoch == numbers.epoch && *count <= value.count);
        let is_good = value.epoch == numbers.epoch
            && value.count >= numbers.floor
            && own_is_good
            && self.table.permits(value.count, &value.labels, |subject| {
                self.queue.contains(subject)
            });
        if is_good {
            ReadEnd::Hit {
                number: read.number,
                held: read.held,
            }
        } else {
            ReadEnd::Miss
        }
    }
}
