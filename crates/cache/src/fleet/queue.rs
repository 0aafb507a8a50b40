//! Which of the node's own purges has Redis not yet confirmed?

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::subject::Subject;

/// At most so many subjects go in one command.
const BATCH_MAX: usize = 128;
/// At most so many commands are under way.
const BATCHES_MAX: usize = 8;

/// Which purge it was, to ask whether Redis has confirmed it.
#[derive(Clone, Debug)]
pub struct Receipt {
    pub(super) id: u64,
    pub(super) subjects: Vec<Subject>,
}

/// A set of subjects, each in it until Redis has confirmed its last purge.
#[derive(Debug)]
pub(super) struct Queue {
    subjects_max: usize,
    prefixes_max: usize,
    prefixes: usize,
    last_id: u64,
    last_ticket: u64,
    waiting: HashMap<Subject, Waiting, foldhash::fast::RandomState>,
    unsent: VecDeque<Subject>,
    sent: Vec<Batch>,
}

#[derive(Debug)]
struct Waiting {
    /// The last purge of it.
    last: u64,
    /// The last purge that the command under way stands for.
    sent: Option<u64>,
    /// The last purge that Redis has confirmed.
    confirmed: u64,
}

#[derive(Debug)]
struct Batch {
    ticket: u64,
    since: Instant,
    subjects: Vec<Subject>,
}

/// More is waiting than may.
#[derive(Debug)]
pub(super) struct QueueFull;

impl Queue {
    pub(super) fn new(subjects_max: usize, prefixes_max: usize) -> Self {
        Self {
            subjects_max,
            prefixes_max,
            prefixes: 0,
            last_id: 0,
            last_ticket: 0,
            waiting: HashMap::default(),
            unsent: VecDeque::new(),
            sent: Vec::new(),
        }
    }

    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn push(&mut self, subject: &Subject, id: u64) -> Result<(), QueueFull> {
        if let Some(waiting) = self.waiting.get_mut(subject) {
            // One that is under way may have run before this purge; it is sent again afterwards.
            waiting.last = id;
            return Ok(());
        }
        let prefixes = self.prefixes + usize::from(subject.is_prefix());
        if self.waiting.len() >= self.subjects_max || prefixes > self.prefixes_max {
            return Err(QueueFull);
        }
        self.prefixes = prefixes;
        let waiting = Waiting {
            last: id,
            sent: None,
            confirmed: 0,
        };
        self.waiting.insert(subject.clone(), waiting);
        self.unsent.push_back(subject.clone());
        Ok(())
    }

    pub(super) fn contains(&self, subject: &Subject) -> bool {
        self.waiting.contains_key(subject)
    }

    pub(super) fn is_confirmed(&self, receipt: &Receipt) -> bool {
        receipt.subjects.iter().all(|subject| {
            let waiting = self.waiting.get(subject);
            waiting.is_none_or(|waiting| waiting.confirmed >= receipt.id)
        })
    }

    /// The next command, if one may go.
    pub(super) fn send(&mut self, now: Instant) -> Option<(u64, Vec<Subject>)> {
        if self.unsent.is_empty() || self.sent.len() >= BATCHES_MAX {
            return None;
        }
        let size = self.unsent.len().min(BATCH_MAX);
        let subjects: Vec<Subject> = self.unsent.drain(..size).collect();
        for subject in &subjects {
            if let Some(waiting) = self.waiting.get_mut(subject) {
                waiting.sent = Some(waiting.last);
            }
        }
        self.last_ticket += 1;
        self.sent.push(Batch {
            ticket: self.last_ticket,
            since: now,
            subjects: subjects.clone(),
        });
        Some((self.last_ticket, subjects))
    }

    /// Takes a confirmation; says what it was for.
    pub(super) fn confirm(&mut self, ticket: u64) -> Option<Vec<Subject>> {
        let place = self.sent.iter().position(|batch| batch.ticket == ticket)?;
        let batch = self.sent.swap_remove(place);
        for subject in &batch.subjects {
            let Some(waiting) = self.waiting.get_mut(subject) else {
                continue;
            };
            waiting.confirmed = waiting.sent.take().unwrap_or_default();
            if waiting.confirmed == waiting.last {
                self.waiting.remove(subject);
                self.prefixes -= usize::from(subject.is_prefix());
            } else {
                self.unsent.push_back(subject.clone());
            }
        }
        Some(batch.subjects)
    }

    /// No reply will come: all that is under way has to be sent again.
    pub(super) fn recall(&mut self) {
        for batch in self.sent.drain(..) {
            for subject in batch.subjects.into_iter().rev() {
                if let Some(waiting) = self.waiting.get_mut(&subject) {
                    waiting.sent = None;
                    self.unsent.push_front(subject);
                }
            }
        }
    }

    /// Since when the oldest command is under way.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.iter().map(|batch| batch.since).min()
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.unsent.clear();
        self.sent.clear();
        self.prefixes = 0;
    }

    pub(super) fn subjects(&self) -> impl Iterator<Item = &Subject> {
        self.waiting.keys()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}
