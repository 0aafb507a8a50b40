//! Is this node with Redis, and what does it know?

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::filter::Filter;
use super::messages::{
    AttachReply, AttachedBy, AttachmentId, Command, Epoch, LogEntry, PurgeReply, SyncReply,
};
use super::queue::{Queue, Receipt};
use super::recent::Recent;
use super::subject::Subject;
use super::table::Table;
use link::{Link, SYNC_EVERY, Sync};

mod link;

/// How much a node remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Purged subjects, those that wait for Redis not counted. Default: 65,536.
    pub marks: usize,
    /// Purged prefixes among them; each costs a comparison for every value after a purge. Default: 64.
    pub prefixes: usize,
    /// Own purges that Redis has not confirmed, and as many that it has within the last minute. Default: 65,536.
    pub queue: usize,
    /// About how many values the memory before Redis holds. Default: 16,384.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            marks: 65_536,
            prefixes: 64,
            queue: 65_536,
            values: 16_384,
        }
    }
}

/// One server of several over one Redis; see [the module](super).
///
/// After each call [`Node::poll_command`] is to be emptied, and [`Node::tick`] is to be called by
/// [`Node::next_tick`]. Reads and stores are commands of the store's own: [`Node::begin_read`] and
/// [`Node::end_fetch`] say what they have to carry.
#[derive(Debug)]
pub struct Node {
    limits: Limits,
    pub(super) filter: Arc<Filter>,
    /// How many purges this node has made or heard of.
    pub(super) number: u64,
    pub(super) table: Table,
    pub(super) attachment: AttachmentId,
    link: Link,
    pub(super) epoch: Option<Epoch>,
    /// Every purge of the epoch up to this count is known.
    applied: u64,
    /// The highest count that was heard of.
    pub(super) seen: u64,
    pub(super) queue: Queue,
    /// More own purges were waiting than may, up to this one; a new epoch stands for them.
    pub(super) overflow: Option<u64>,
    /// Counts of own purges that the log has yet to bring.
    own: BTreeSet<u64>,
    recent: Recent,
    commands: VecDeque<Command>,
}

impl Node {
    /// A node that knows nothing and wants to attach.
    pub fn new(limits: Limits, now: Instant) -> Self {
        let mut node = Self {
            limits,
            filter: Filter::new(limits.values),
            number: 0,
            table: Table::default(),
            attachment: AttachmentId(0),
            link: Link::Away {
                retry_at: now,
                failures: 0,
            },
            epoch: None,
            applied: 0,
            seen: 0,
            queue: Queue::new(limits.queue, limits.prefixes),
            overflow: None,
            own: BTreeSet::new(),
            recent: Recent::new(limits.queue),
            commands: VecDeque::new(),
        };
        node.tick(now);
        node
    }

    /// How many purges the node has made or heard of: what was found live at this number still is.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next command to carry to Redis. A script that fails, a connection that breaks, or an answer that does not
    /// come in time is to be told by [`Node::lost`].
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Purges; it counts on this node from now on.
    pub fn purge(&mut self, subjects: Vec<Subject>, now: Instant) -> Receipt {
        self.number += 1;
        let id = self.queue.next_id();
        let mut is_full = false;
        for subject in &subjects {
            self.table.mark(subject, self.number, 0);
            is_full |= self.queue.push(subject, id).is_err();
        }
        if is_full {
            self.give_up_queue(now);
        }
        self.send_queue(now);
        self.shrink();
        Receipt { id, subjects }
    }

    /// Whether Redis has a purge, so that every node will hear of it whatever becomes of this one.
    pub fn is_confirmed(&self, receipt: &Receipt) -> bool {
        self.overflow.is_none_or(|last| receipt.id > last) && self.queue.is_confirmed(receipt)
    }

    /// Takes the reply to [`Command::Attach`].
    pub fn attached(&mut self, attachment: AttachmentId, reply: AttachReply, now: Instant) {
        let Link::Attaching { since, failures } = self.link else {
            return;
        };
        if attachment != self.attachment {
            return;
        }
        let AttachReply { numbers, by } = reply;
        match by {
            AttachedBy::Log(log) => {
                let stands = self.epoch == Some(numbers.epoch) && self.overflow.is_none();
                if !stands || self.apply(log, numbers.count).is_err() {
                    return self.away(now);
                }
            }
            AttachedBy::Table(counts) => {
                // A floor and not a clearing: what is being fetched falls under it too.
                self.number += 1;
                self.table.reload(self.number, numbers.floor, &counts);
                self.own.clear();
                self.applied = numbers.count;
                self.seen = numbers.count;
                if self.epoch.replace(numbers.epoch) != Some(numbers.epoch) {
                    // A new epoch stands for what could not be queued.
                    self.overflow = None;
                    if self.queue_recent(now).is_err() {
                        return self.give_up_queue(now);
                    }
                }
                // So that what waits is found; its number is no higher than the floor.
                for subject in self.queue.subjects() {
                    self.table.mark(subject, self.number, 0);
                }
                self.shrink();
            }
        }
        self.link = Link::On {
            heard: since,
            sync: Sync::Due {
                at: since + SYNC_EVERY,
            },
            failures,
        };
        self.send_queue(now);
        if self.applied < numbers.count {
            self.hint(now);
        } else {
            self.tick(now);
        }
    }

    /// Takes the reply to [`Command::Sync`].
    pub fn synced(&mut self, attachment: AttachmentId, reply: SyncReply, now: Instant) {
        if !self.is_on(attachment) {
            return;
        }
        let Link::On {
            sync: Sync::Sent { since, again },
            ..
        } = self.link
        else {
            return;
        };
        let Ok(caught_up) = self.hear(reply, since, now) else {
            return;
        };
        if let Link::On { sync, failures, .. } = &mut self.link {
            *failures = 0;
            let at = since + SYNC_EVERY;
            *sync = Sync::Due { at };
            if again || !caught_up || now >= at {
                self.sync(now);
            }
        }
    }

    /// Takes the reply to [`Command::Purge`].
    pub fn purged(
        &mut self,
        attachment: AttachmentId,
        ticket: u64,
        reply: PurgeReply,
        now: Instant,
    ) {
        if !self.is_on(attachment) {
            return;
        }
        if self.epoch != Some(reply.epoch) {
            return self.away(now);
        }
        let Some(subjects) = self.queue.confirm(ticket) else {
            return;
        };
        self.seen = self.seen.max(reply.count);
        if reply.count > self.applied {
            self.own.insert(reply.count);
        }
        for subject in subjects {
            self.table.mark(&subject, 0, reply.count);
            if self.is_unused(&subject) {
                self.table.forget(&subject);
            }
            self.recent.push(subject, now);
        }
        self.shrink();
        self.send_queue(now);
    }

    /// Takes numbers and log that were `asked` for then, and says whether the node now knows all that they tell of; an
    /// error is that it is away.
    pub(super) fn hear(
        &mut self,
        reply: SyncReply,
        asked: Instant,
        now: Instant,
    ) -> Result<bool, Gap> {
        let SyncReply { numbers, log } = reply;
        let heard = if self.epoch == Some(numbers.epoch) {
            self.apply(log, numbers.count)
        } else {
            Err(Gap)
        };
        if let Err(gap) = heard {
            self.away(now);
            return Err(gap);
        }
        self.shrink();
        let caught_up = self.applied >= numbers.count;
        if let Link::On { heard, .. } = &mut self.link
            && caught_up
        {
            *heard = asked.max(*heard);
        }
        Ok(caught_up)
    }

    fn apply(&mut self, log: Vec<LogEntry>, count: u64) -> Result<(), Gap> {
        if log.is_empty() && count > self.applied {
            return Err(Gap);
        }
        for entry in log {
            if entry.count <= self.applied {
                continue;
            }
            if entry.count != self.applied + 1 {
                return Err(Gap);
            }
            // Only one's own purge is passed over: a count of the subject that is as high may be a later one's.
            if !self.own.remove(&entry.count) {
                self.number += 1;
                for subject in &entry.subjects {
                    let own_unheld =
                        matches!(subject, Subject::Own(own) if !self.filter.holds(*own));
                    if !own_unheld {
                        self.table.mark(subject, self.number, entry.count);
                    }
                }
            }
            self.applied = entry.count;
        }
        self.seen = self.seen.max(count);
        Ok(())
    }

    fn is_unused(&self, subject: &Subject) -> bool {
        let unheld = matches!(subject, Subject::Own(own) if !self.filter.holds(*own));
        unheld && !self.queue.contains(subject)
    }

    fn shrink(&mut self) {
        let (filter, queue) = (&self.filter, &self.queue);
        let unheld =
            |subject: &Subject| matches!(subject, Subject::Own(own) if !filter.holds(*own));
        self.table.shrink(
            (self.limits.marks, self.limits.prefixes),
            |subject| unheld(subject) && !queue.contains(subject),
            |subject| queue.contains(subject),
        );
    }

    /// Up to which count the log is known.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    fn send_queue(&mut self, now: Instant) {
        if !matches!(self.link, Link::On { .. }) {
            return;
        }
        while let Some((ticket, subjects)) = self.queue.send(now) {
            self.commands.push_back(Command::Purge {
                attachment: self.attachment,
                ticket,
                subjects,
            });
        }
    }

    /// What a failover may have lost is sent once more.
    fn queue_recent(&mut self, now: Instant) -> Result<(), Gap> {
        let recent = self.recent.take(now).map_err(|_| Gap)?;
        let id = self.queue.next_id();
        for subject in &recent {
            if !self.queue.contains(subject) {
                self.queue.push(subject, id).map_err(|_| Gap)?;
            }
        }
        Ok(())
    }

    /// More is to be sent than can be remembered: a new epoch is to stand for all of it.
    fn give_up_queue(&mut self, now: Instant) {
        self.overflow = Some(self.queue.next_id());
        self.queue.clear();
        // Whatever is under way, an epoch that is begun for less among it, comes too early.
        self.away(now);
    }

    #[cfg(test)]
    pub(super) fn marks(&self) -> usize {
        self.table.len()
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }
}

/// What was purged in between is not known.
#[derive(Debug)]
pub(super) struct Gap;
