//! What is under way between servers and Redis: commands run, replies come, in any order or never.

use super::ledger::{SUBJECTS, Seen, check, own, subject, with_labels};
use super::redis::{Refused, Stored};
use super::world::{Asked, Kept, World};
use crate::fleet::{
    AttachReply, AttachmentId, Command, Epoch, FleetRead, OwnCount, PurgeReply, ReadEnd, ReadReply,
    Subject, SyncReply, ValueNumbers,
};

pub(super) enum What {
    Attach {
        anew: bool,
        known: Option<(Epoch, u64)>,
        acked: Seen,
    },
    Sync {
        epoch: Epoch,
        applied: u64,
    },
    Purge {
        ticket: u64,
        subjects: Vec<Subject>,
        acked: Seen,
    },
    Read {
        key: usize,
        read: Box<FleetRead>,
        asked: Box<Asked>,
        value: Value,
    },
    Store {
        key: usize,
        stored: Stored,
        admitted: bool,
    },
}

/// What a read found under the key.
#[derive(Clone, Copy)]
pub(super) enum Value {
    NotYetRead,
    Read(Option<Stored>),
}

pub(super) enum Reply {
    Attach(AttachReply),
    Sync(SyncReply),
    Purge(PurgeReply),
    Read(SyncReply, Vec<OwnCount>),
    Store,
}

/// A command under way to Redis, or its reply under way back.
pub(super) struct Exchange {
    pub(super) server: usize,
    pub(super) attachment: AttachmentId,
    pub(super) process: usize,
    pub(super) what: What,
    pub(super) reply: Option<Result<Reply, Refused>>,
    /// What had run in the current Redis when this did.
    pub(super) reached: Option<Seen>,
}

impl World {
    /// Puts a node's commands on the wire.
    pub(super) fn collect(&mut self, server: usize) {
        let newest = self.processes.len() - 1;
        let acked = self.servers[server].acked;
        while let Some(command) = self.servers[server].node.poll_command() {
            let (attachment, what) = match command {
                Command::Attach {
                    attachment,
                    anew,
                    known,
                } => {
                    self.servers[server].process.insert(attachment.0, newest);
                    (attachment, What::Attach { anew, known, acked })
                }
                Command::Sync {
                    attachment,
                    epoch,
                    applied,
                } => (attachment, What::Sync { epoch, applied }),
                Command::Purge {
                    attachment,
                    ticket,
                    subjects,
                } => (
                    attachment,
                    What::Purge {
                        ticket,
                        subjects,
                        acked,
                    },
                ),
            };
            self.put(server, attachment, what);
        }
    }

    pub(super) fn put(&mut self, server: usize, attachment: AttachmentId, what: What) {
        let process = self.servers[server].process[&attachment.0];
        self.wire.push(Exchange {
            server,
            attachment,
            process,
            what,
            reply: None,
            reached: None,
        });
    }

    pub(super) fn is_answered(&self, place: usize) -> bool {
        let exchange = &self.wire[place];
        let has_value = !matches!(
            exchange.what,
            What::Read {
                value: Value::NotYetRead,
                ..
            }
        );
        match &exchange.reply {
            Some(Ok(_)) => has_value,
            Some(Err(_)) => true,
            None => false,
        }
    }

    /// A command runs in Redis.
    pub(super) fn run(&mut self, place: usize) {
        let Exchange {
            process,
            what,
            reply,
            ..
        } = &mut self.wire[place];
        if reply.is_some() {
            return;
        }
        let process = *process;
        let redis = &mut self.processes[process];
        let ran = match what {
            What::Attach { anew, known, acked } => {
                self.epochs += 1;
                let ran = redis.attach(*anew, *known, Epoch(self.epochs));
                if *anew && ran.is_ok() && process + 1 == self.processes.len() {
                    // A new epoch purges everything.
                    self.reached.join(*acked);
                }
                ran.map(Reply::Attach)
            }
            What::Sync { epoch, applied } => {
                let ran = redis.read((*epoch, *applied), &[]);
                ran.map(|(sync, _)| Reply::Sync(sync))
            }
            What::Purge {
                subjects, acked, ..
            } => {
                let ran = redis.purge(subjects);
                if ran.is_ok() && process + 1 == self.processes.len() {
                    for index in (0..SUBJECTS).filter(|index| subjects.contains(&subject(*index))) {
                        let reached = &mut self.reached.0[index];
                        *reached = (*reached).max(acked.0[index]);
                    }
                }
                ran.map(Reply::Purge)
            }
            What::Read {
                key, read, value, ..
            } => {
                let ran = redis.read(read.known(), read.own());
                if !self.is_cluster && ran.is_ok() {
                    *value = Value::Read(redis.data.values.get(key).copied());
                }
                ran.map(|(sync, own)| Reply::Read(sync, own))
            }
            What::Store {
                key,
                stored,
                admitted,
            } => match redis.admits(stored.numbers, &own(*key)) {
                Ok(true) if self.is_cluster && !*admitted => {
                    *admitted = true;
                    return;
                }
                Ok(may) => {
                    if may || *admitted {
                        redis.data.values.insert(*key, *stored);
                    }
                    Ok(Reply::Store)
                }
                Err(refused) => Err(refused),
            },
        };
        *reply = Some(ran);
        if self
            .history
            .last()
            .is_none_or(|(_, last)| *last != self.reached)
        {
            self.history.push((self.now, self.reached));
        }
        let reached = self.is_current(process).then_some(self.reached);
        self.wire[place].reached = reached;
    }

    /// The value's shard answers.
    pub(super) fn run_value(&mut self, place: usize) {
        let exchange = &mut self.wire[place];
        let values = &self.processes[exchange.process].data.values;
        if let What::Read { key, value, .. } = &mut exchange.what
            && self.is_cluster
            && matches!(value, Value::NotYetRead)
        {
            *value = Value::Read(values.get(key).copied());
        }
    }

    /// The reply comes, or the news that none will.
    pub(super) fn deliver(&mut self, place: usize) {
        let Exchange {
            server,
            attachment,
            process,
            what,
            reply,
            reached,
        } = self.wire.remove(place);
        let now = self.now;
        let at = &mut self.servers[server];
        let was_on = at.node.is_on(attachment) || matches!(what, What::Attach { .. });
        let mut count = None;
        match (what, reply) {
            (What::Attach { .. }, Some(Ok(Reply::Attach(reply)))) => {
                count = Some(reply.numbers.count);
                at.node.attached(attachment, reply, now);
            }
            (What::Sync { .. }, Some(Ok(Reply::Sync(reply)))) => {
                count = Some(reply.numbers.count);
                at.node.synced(attachment, reply, now);
            }
            (What::Purge { ticket, .. }, Some(Ok(Reply::Purge(reply)))) => {
                at.node.purged(attachment, ticket, reply, now);
            }
            (What::Store { .. }, Some(Ok(_))) => {}
            (
                What::Read {
                    key,
                    read,
                    asked,
                    value: Value::Read(value),
                },
                Some(Ok(Reply::Read(sync, own))),
            ) => {
                count = Some(sync.numbers.count);
                self.end_read(
                    server,
                    (key, *read, *asked),
                    (sync, own, value),
                    self.is_current(process),
                );
            }
            (what, _) => {
                at.node.lost(attachment, now);
                if let What::Read { key, .. } = what {
                    self.begin_fetch(server, key);
                }
            }
        }
        let at = &mut self.servers[server];
        let knows = count.is_some_and(|count| at.node.applied() >= count);
        if was_on && knows && at.node.is_on(attachment) {
            at.told.join(reached.unwrap_or_default());
        }
        self.collect(server);
    }

    pub(super) fn end_read(
        &mut self,
        server: usize,
        (key, read, asked): (usize, FleetRead, Asked),
        (sync, own, value): (SyncReply, Vec<OwnCount>, Option<Stored>),
        is_current: bool,
    ) {
        let now = self.now;
        let node = &mut self.servers[server].node;
        let end = with_labels(key, |labels| {
            let value = value.map(|value| ValueNumbers {
                epoch: value.numbers.epoch,
                count: value.numbers.count,
                labels: *labels,
            });
            node.end_read(read, ReadReply { sync, own, value }, now)
        });
        match (end, value) {
            (ReadEnd::Hit { number, held }, Some(Stored { saw, .. })) => {
                check(key, saw, asked.acked, "Redis serves what was purged here");
                if is_current {
                    check(
                        key,
                        saw,
                        asked.reached,
                        "Redis serves what was purged in it",
                    );
                }
                let at = &mut self.servers[server];
                at.memory[key] = Some(Kept {
                    number,
                    saw,
                    _held: held,
                });
                if let Some(flight) = at.flights[key].take() {
                    self.land(server, key, number, saw, flight.followers);
                }
            }
            _ => self.begin_fetch(server, key),
        }
    }

    /// A reply is lost, or the command itself if it has not run.
    pub(super) fn lose(&mut self, place: usize) {
        self.wire[place].reply = Some(Err(Refused));
        self.deliver(place);
    }

    /// Everything under way runs and comes back, again and again until nothing is.
    pub(super) fn carry(&mut self) {
        while !self.wire.is_empty() {
            self.run(0);
            self.run(0);
            self.run_value(0);
            self.deliver(0);
            self.check();
        }
    }

    /// The same for one server.
    pub(super) fn carry_for(&mut self, server: usize) {
        while let Some(place) = self.find(server, |_| true) {
            self.run(place);
            self.run(place);
            self.run_value(place);
            self.deliver(place);
            self.check();
        }
    }

    /// Where something of a server's is under way.
    pub(super) fn find(&self, server: usize, which: impl Fn(&What) -> bool) -> Option<usize> {
        let mut wire = self.wire.iter();
        wire.position(|exchange| exchange.server == server && which(&exchange.what))
    }
}
