//! Which own purges did Redis confirm in the last minute?
//!
//! A failover may lose a write that Redis has confirmed; so they are sent once more when the epoch changes.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::subject::Subject;

/// So long a confirmed purge may yet be lost.
pub(super) const RECENT: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Recent {
    max: usize,
    last: HashMap<Subject, Instant, foldhash::fast::RandomState>,
    order: VecDeque<(Instant, Subject)>,
    /// When some were forgotten for want of room.
    forgot: Option<Instant>,
}

/// Some were forgotten before their minute was over.
#[derive(Debug)]
pub(super) struct Forgotten;

impl Recent {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            last: HashMap::default(),
            order: VecDeque::new(),
            forgot: None,
        }
    }

    pub(super) fn push(&mut self, subject: Subject, now: Instant) {
        self.expire(now);
        if self.order.len() >= self.max {
            self.order.clear();
            self.last.clear();
            self.forgot = Some(now);
        }
        self.last.insert(subject.clone(), now);
        self.order.push_back((now, subject));
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since) > RECENT;
        while let Some((since, subject)) = self.order.pop_front_if(|(since, _)| is_over(*since)) {
            if self.last.get(&subject) == Some(&since) {
                self.last.remove(&subject);
            }
        }
        self.forgot = self.forgot.filter(|since| !is_over(*since));
    }

    /// Takes them all out.
    pub(super) fn take(&mut self, now: Instant) -> Result<Vec<Subject>, Forgotten> {
        self.expire(now);
        self.order.clear();
        let recent = self.last.drain().map(|(subject, _)| subject).collect();
        match self.forgot.take() {
            None => Ok(recent),
            Some(_) => Err(Forgotten),
        }
    }
}
