//! Is this node with Redis at this moment?
//!
//! What is late is lost: an answer that has not come within 50 ms takes the node away from Redis, and so does any
//! command that fails. It attaches anew at once if the last connection was good, else after a pause that doubles.

use std::time::{Duration, Instant};

use super::Node;
use crate::fleet::messages::{AttachmentId, Command};

/// The log is read so often.
pub(super) const SYNC_EVERY: Duration = Duration::from_millis(50);
/// An answer that has not come by then is taken for lost.
const ANSWER_WITHIN: Duration = Duration::from_millis(50);
/// A node whose last answer is older leaves Redis alone.
const CUT_OFF_AFTER: Duration = Duration::from_millis(100);
/// A connection is to be there by then, with the whole table.
const ATTACHED_WITHIN: Duration = Duration::from_secs(2);
/// The first pause after a connection that failed; it doubles with each.
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub(super) enum Link {
    /// Memory alone serves.
    Away { retry_at: Instant, failures: u32 },
    /// The connection is being made.
    Attaching { since: Instant, failures: u32 },
    On {
        /// When that was asked whose answer was the last to tell of every purge.
        heard: Instant,
        sync: Sync,
        /// How often in a row it did not last until the log had been read.
        failures: u32,
    },
}

/// There is one reading of the log at a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sync {
    Sent { since: Instant, again: bool },
    Due { at: Instant },
}

impl Node {
    /// Whether Redis may be asked at `now`; if so, every purge that it had seen 100 ms ago counts here.
    pub fn is_attached(&self, now: Instant) -> bool {
        matches!(self.link, Link::On { heard, .. } if is_within(heard, CUT_OFF_AFTER, now))
    }

    /// When [`Node::tick`] is to be called at the latest.
    pub fn next_tick(&self) -> Instant {
        match self.link {
            Link::Away { retry_at, .. } => retry_at,
            Link::Attaching { since, .. } => since + ATTACHED_WITHIN,
            Link::On { sync, .. } => {
                let sync = match sync {
                    Sync::Sent { since, .. } => since + ANSWER_WITHIN,
                    Sync::Due { at } => at,
                };
                let purge = self.queue.oldest().map(|since| since + ANSWER_WITHIN);
                purge.map_or(sync, |purge| purge.min(sync))
            }
        }
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        self.recent.expire(now);
        match self.link {
            Link::Away { retry_at, failures } if now >= retry_at => self.attach(failures, now),
            Link::Away { .. } => {}
            Link::Attaching { since, .. } => {
                if !is_within(since, ATTACHED_WITHIN, now) {
                    self.away(now);
                }
            }
            Link::On { sync, .. } => {
                let late = |since: Option<Instant>| {
                    since.is_some_and(|since| !is_within(since, ANSWER_WITHIN, now))
                };
                let sync_since = match sync {
                    Sync::Sent { since, .. } => Some(since),
                    Sync::Due { .. } => None,
                };
                if late(sync_since) || late(self.queue.oldest()) {
                    self.away(now);
                } else if matches!(sync, Sync::Due { at } if now >= at) {
                    self.sync(now);
                }
            }
        }
    }

    /// Somebody has purged something: the log is read at once.
    pub fn hint(&mut self, now: Instant) {
        if let Link::On { sync, .. } = &mut self.link {
            match sync {
                Sync::Sent { again, .. } => *again = true,
                Sync::Due { .. } => self.sync(now),
            }
        }
    }

    /// The connection is lost, or a command on it has failed or not been answered in time.
    pub fn lost(&mut self, attachment: AttachmentId, now: Instant) {
        if attachment == self.attachment && !matches!(self.link, Link::Away { .. }) {
            self.away(now);
        }
    }

    pub(in crate::fleet) fn is_on(&self, attachment: AttachmentId) -> bool {
        attachment == self.attachment && matches!(self.link, Link::On { .. })
    }

    pub(super) fn attach(&mut self, failures: u32, now: Instant) {
        self.attachment = AttachmentId(self.attachment.0 + 1);
        self.link = Link::Attaching {
            since: now,
            failures,
        };
        self.commands.push_back(Command::Attach {
            attachment: self.attachment,
            anew: self.overflow.is_some(),
            known: self.epoch.map(|epoch| (epoch, self.applied)),
        });
    }

    pub(super) fn sync(&mut self, now: Instant) {
        let (Link::On { sync, .. }, Some(epoch)) = (&mut self.link, self.epoch) else {
            return;
        };
        *sync = Sync::Sent {
            since: now,
            again: false,
        };
        self.commands.push_back(Command::Sync {
            attachment: self.attachment,
            epoch,
            applied: self.applied,
        });
    }

    /// Nothing that is under way counts any more.
    pub(super) fn away(&mut self, now: Instant) {
        self.queue.recall();
        self.commands.clear();
        let (Link::Away { failures, .. }
        | Link::Attaching { failures, .. }
        | Link::On { failures, .. }) = self.link;
        if failures == 0 && matches!(self.link, Link::On { .. }) {
            return self.attach(1, now);
        }
        let pause = RETRY_FIRST * (1 << failures.saturating_sub(1).min(10));
        self.link = Link::Away {
            retry_at: now + pause.min(RETRY_MAX),
            failures: failures + 1,
        };
    }
}

fn is_within(since: Instant, limit: Duration, now: Instant) -> bool {
    now.saturating_duration_since(since) < limit
}
