//! What the scripts do to Redis, and what may happen to it.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::ledger::Seen;
use crate::fleet::{
    AttachReply, AttachedBy, Epoch, LogEntry, Numbers, OwnCount, PurgeReply, StoreNumbers, Subject,
    SyncReply,
};

/// A script refuses: no head, a table that is gone, a demoted primary, a process that is no more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused;

#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) numbers: Numbers,
    /// How long the table was left.
    cardinality: usize,
    /// Whose epoch it is.
    id: u64,
}

/// A value in Redis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) numbers: StoreNumbers,
    pub(super) saw: Seen,
}

/// All that a snapshot holds.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    pub(super) head: Option<Head>,
    pub(super) table: BTreeMap<Subject, u64>,
    log: VecDeque<LogEntry>,
    pub(super) own: HashMap<u128, OwnCount>,
    pub(super) values: HashMap<usize, Stored>,
}

/// How much the scripts keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) table: usize,
    pub(super) log: usize,
    /// Entries in one reply.
    pub(super) reply: usize,
}

/// One process of Redis.
#[derive(Clone, Debug)]
pub(super) struct Redis {
    pub(super) id: u64,
    pub(super) is_up: bool,
    /// It follows another now, on connections that stay open.
    pub(super) is_demoted: bool,
    pub(super) data: Data,
    pub(super) room: Room,
}

impl Redis {
    pub(super) fn new(id: u64, data: Data, room: Room) -> Self {
        Self {
            id,
            is_up: true,
            is_demoted: false,
            data,
            room,
        }
    }

    /// Every script writes, so a demoted primary refuses each.
    fn writes(&mut self) -> Result<&mut Data, Refused> {
        if self.is_up && !self.is_demoted {
            Ok(&mut self.data)
        } else {
            Err(Refused)
        }
    }

    fn head(data: &Data) -> Result<Head, Refused> {
        data.head.ok_or(Refused)
    }

    fn is_whole(data: &Data, head: &Head) -> bool {
        head.cardinality == data.table.len()
    }

    pub(super) fn attach(
        &mut self,
        anew: bool,
        known: Option<(Epoch, u64)>,
        new_epoch: Epoch,
    ) -> Result<AttachReply, Refused> {
        let id = self.id;
        let data = self.writes()?;
        let stands = |head: &Head| head.id == id && Self::is_whole(data, head) && !anew;
        let head = data.head.filter(stands).unwrap_or_else(|| {
            data.table.clear();
            data.log.clear();
            let numbers = Numbers {
                epoch: new_epoch,
                count: 0,
                floor: 0,
            };
            Head {
                numbers,
                cardinality: 0,
                id,
            }
        });
        data.head = Some(head);
        let numbers = head.numbers;
        let log = known
            .filter(|(epoch, _)| *epoch == numbers.epoch)
            .and_then(|(_, applied)| {
                let log: Vec<_> = after(data, applied).cloned().collect();
                let first = log.first().map(|entry| entry.count);
                let reaches = applied == numbers.count || first == Some(applied + 1);
                reaches.then_some(log)
            });
        let table = || data.table.clone().into_iter().collect();
        let by = log.map_or_else(|| AttachedBy::Table(table()), AttachedBy::Log);
        Ok(AttachReply { numbers, by })
    }

    /// SYNC, and READ without the value.
    pub(super) fn read(
        &mut self,
        (epoch, applied): (Epoch, u64),
        own: &[u128],
    ) -> Result<(SyncReply, Vec<OwnCount>), Refused> {
        let reply = self.room.reply;
        let data = self.writes()?;
        let numbers = Self::head(data)?.numbers;
        let mut counts = Vec::new();
        for subject in own {
            let count = data.own.entry(*subject).or_insert((Epoch(0), 0));
            if count.0 != numbers.epoch {
                *count = (numbers.epoch, numbers.count);
            }
            counts.push(*count);
        }
        let log = if epoch == numbers.epoch {
            after(data, applied).take(reply).cloned().collect()
        } else {
            Vec::new()
        };
        Ok((SyncReply { numbers, log }, counts))
    }

    /// Whether a value may be stored.
    pub(super) fn admits(&mut self, numbers: StoreNumbers, own: &[u128]) -> Result<bool, Refused> {
        let data = self.writes()?;
        let epoch = Self::head(data)?.numbers.epoch;
        let good = |own: &u128| {
            let count = data.own.get(own);
            count.is_some_and(|(of, count)| *of == epoch && *count <= numbers.count)
        };
        Ok(epoch == numbers.epoch && own.iter().all(good))
    }

    pub(super) fn purge(&mut self, subjects: &[Subject]) -> Result<PurgeReply, Refused> {
        let room = self.room;
        let data = self.writes()?;
        let mut head = Self::head(data)?;
        if !Self::is_whole(data, &head) {
            return Err(Refused);
        }
        head.numbers.count += 1;
        let Numbers { epoch, count, .. } = head.numbers;
        for subject in subjects {
            if let Subject::Own(own) = subject {
                if let Some(known) = data.own.get_mut(own).filter(|known| known.0 == epoch) {
                    known.1 = count;
                }
            } else {
                data.table.insert(subject.clone(), count);
            }
        }
        while data.table.len() > room.table {
            let oldest = data.table.iter().min_by_key(|(_, count)| **count);
            if let Some((subject, count)) = oldest.map(|(subject, count)| (subject.clone(), *count))
            {
                head.numbers.floor = head.numbers.floor.max(count);
                data.table.remove(&subject);
            }
        }
        head.cardinality = data.table.len();
        data.head = Some(head);
        data.log.push_back(LogEntry {
            count,
            subjects: subjects.to_vec(),
        });
        if data.log.len() > room.log {
            data.log.pop_front();
        }
        Ok(PurgeReply { epoch, count })
    }
}

fn after(data: &Data, applied: u64) -> impl Iterator<Item = &LogEntry> {
    data.log.iter().filter(move |entry| entry.count > applied)
}
