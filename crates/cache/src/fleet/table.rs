//! When was what last purged, as far as this node knows?

use std::collections::HashMap;
use std::sync::Arc;

use super::subject::{Labels, Subject};

/// The last purge of one subject, in both numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// The node's number, for what is in its memory.
    number: u64,
    /// Redis's count, for what lies in Redis; 0 while it has not said one.
    count: u64,
}

/// The purged subjects, and the floors under what gave way.
#[derive(Debug, Default)]
pub(super) struct Table {
    floor: u64,
    count_floor: u64,
    marks: HashMap<Subject, Mark, foldhash::fast::RandomState>,
    /// The prefixes among the marks.
    prefixes: Vec<Arc<str>>,
}

impl Table {
    /// Marks a purge; a number of 0 or a count of 0 says nothing.
    pub(super) fn mark(&mut self, subject: &Subject, number: u64, count: u64) {
        let mark = if let Some(mark) = self.marks.get_mut(subject) {
            mark
        } else {
            if let Subject::Prefix(prefix) = subject {
                self.prefixes.push(Arc::clone(prefix));
            }
            self.marks.entry(subject.clone()).or_default()
        };
        // Replies may come in another order than their purges ran.
        mark.number = mark.number.max(number);
        mark.count = mark.count.max(count);
    }

    pub(super) fn forget(&mut self, subject: &Subject) {
        if self.marks.remove(subject).is_some() && subject.is_prefix() {
            self.prefixes.retain(|prefix| {
                self.marks
                    .contains_key(&Subject::Prefix(Arc::clone(prefix)))
            });
        }
    }

    /// Whether nothing in memory with these labels was purged after `number`.
    pub(super) fn is_live(&self, number: u64, labels: &Labels<'_>) -> bool {
        let live = |mark: &Mark| mark.number <= number;
        number >= self.floor && self.concerned(labels).all(|(_, mark)| live(mark))
    }

    /// Whether nothing in Redis with these labels was purged after `count`, and none of them is `waiting`.
    pub(super) fn permits(
        &self,
        count: u64,
        labels: &Labels<'_>,
        waiting: impl Fn(&Subject) -> bool,
    ) -> bool {
        let good = |subject: &Subject, mark: &Mark| mark.count <= count && !waiting(subject);
        count >= self.count_floor
            && self
                .concerned(labels)
                .all(|(subject, mark)| good(&subject, mark))
    }

    /// The marks of what concerns a value.
    fn concerned(&self, labels: &Labels<'_>) -> impl Iterator<Item = (Subject, &Mark)> {
        let begins = |prefix: &&Arc<str>| labels.name.starts_with(&***prefix);
        let prefixes = self.prefixes.iter().filter(begins);
        let prefixes = prefixes.map(|prefix| Subject::Prefix(Arc::clone(prefix)));
        labels
            .subjects()
            .chain(prefixes)
            .filter_map(|subject| self.marks.get(&subject).map(|mark| (subject, mark)))
    }

    /// Puts all that has a smaller number under the floor, and takes the counts as Redis has them.
    pub(super) fn reload(&mut self, floor: u64, count_floor: u64, counts: &[(Subject, u64)]) {
        *self = Self {
            floor,
            count_floor,
            ..Self::default()
        };
        for (subject, count) in counts {
            self.mark(subject, 0, *count);
        }
    }

    /// Makes room where there is more than that: what is `unused` leaves, and if that is not enough the older half
    /// gives way to the floors. What is `waiting` stays.
    pub(super) fn shrink(
        &mut self,
        (marks_max, prefixes_max): (usize, usize),
        unused: impl Fn(&Subject) -> bool,
        waiting: impl Fn(&Subject) -> bool,
    ) {
        if self.prefixes.len() > prefixes_max {
            self.give_way(prefixes_max, |subject| {
                subject.is_prefix() && !waiting(subject)
            });
        }
        if self.marks.len() > marks_max {
            self.marks.retain(|subject, _| !unused(subject));
            if self.marks.len() > marks_max {
                self.give_way(marks_max, |subject| !waiting(subject));
            }
        }
    }

    fn give_way(&mut self, max: usize, may_go: impl Fn(&Subject) -> bool) {
        let goes = self.marks.iter().filter(|(subject, _)| may_go(subject));
        let mut ages: Vec<(u64, u64)> = goes.map(|(_, mark)| (mark.number, mark.count)).collect();
        let Some(last) = ages.len().checked_sub(max / 2 + 1) else {
            return;
        };
        let (_, newest, _) = ages.select_nth_unstable(last);
        let newest = *newest;
        let (floor, count_floor) = (&mut self.floor, &mut self.count_floor);
        self.marks.retain(|subject, mark| {
            let stays = !may_go(subject) || (mark.number, mark.count) > newest;
            if !stays {
                *floor = (*floor).max(mark.number);
                *count_floor = (*count_floor).max(mark.count);
            }
            stays
        });
        let marks = &self.marks;
        self.prefixes
            .retain(|prefix| marks.contains_key(&Subject::Prefix(Arc::clone(prefix))));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }
}
