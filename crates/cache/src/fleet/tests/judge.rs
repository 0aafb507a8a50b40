//! What must hold: at every moment, and when faults are over.

use std::time::Duration;

use super::ledger::{KEYS, Seen, check};
use super::world::{Kept, Server, World};

impl World {
    /// What must hold at every moment.
    pub(super) fn check(&self) {
        let before = self.now.checked_sub(Duration::from_millis(100));
        let mut long_since = Seen::default();
        for (_, reached) in self
            .history
            .iter()
            .filter(|(at, _)| before.is_some_and(|before| *at <= before))
        {
            long_since.join(*reached);
        }
        for (index, at) in self.servers.iter().enumerate() {
            for key in (0..KEYS).filter(|key| self.is_hit(index, *key)) {
                let Some(Kept { saw, .. }) = &at.memory[key] else {
                    continue;
                };
                check(key, *saw, at.acked, "memory outlives a purge made here");
                check(key, *saw, at.told, "memory outlives a purge heard of here");
                let process = at.process.get(&at.node.attachment.0);
                if at.node.is_attached(self.now)
                    && process.is_some_and(|process| self.is_current(*process))
                {
                    check(key, *saw, long_since, "memory of a connected node is late");
                }
            }
        }
    }

    pub(super) fn flights(&self) -> usize {
        let flights = self.servers.iter().flat_map(|at| &at.flights);
        flights.flatten().count()
    }

    /// Faults are over: all nodes use Redis again, no purge is lost, what one stores the others find.
    pub(super) fn settle(&mut self) {
        self.old_ends();
        let is_cluster = self.is_cluster;
        let mut settled_for = 0;
        for _ in 0..400 {
            self.carry();
            for (server, key) in pairs(self.servers.len()) {
                self.end_fetch(server, key);
            }
            self.pass(Duration::from_millis(10));
            let is_back = |at: &Server| at.node.is_attached(self.now) && at.node.waiting() == 0;
            let is_settled = self.servers.iter().all(is_back) && self.flights() == 0;
            settled_for = if is_settled { settled_for + 1 } else { 0 };
            // By then every log has been read twice.
            if settled_for == 12 {
                break;
            }
        }
        self.carry();
        let mut held = Seen::default();
        for (index, last) in self.purged.0.into_iter().enumerate() {
            let kept = (1..=last)
                .rev()
                .find(|purge| !self.lost.contains(&(index, *purge)));
            held.0[index] = kept.unwrap_or_default();
        }
        for (server, key) in pairs(self.servers.len()) {
            let at = &self.servers[server];
            assert!(
                at.node.is_attached(self.now),
                "node {server} is away for good"
            );
            assert_eq!(at.node.waiting(), 0, "node {server} has unconfirmed purges");
            if self.is_hit(server, key)
                && let Some(kept) = &at.memory[key]
            {
                check(key, kept.saw, held, "a purge is lost in memory");
            }
        }
        for key in 0..KEYS {
            let before: u32 = self.servers.iter().map(|server| server.fetched).sum();
            for server in 0..self.servers.len() {
                self.servers[server].memory[key] = None;
                for _ in 0..2 {
                    self.request(server, key);
                    self.carry();
                    self.end_fetch(server, key);
                    self.carry();
                }
                assert!(
                    self.is_hit(server, key),
                    "key {key} is no hit on node {server}"
                );
                if let Some(kept) = &self.servers[server].memory[key] {
                    check(key, kept.saw, held, "a purge is lost in Redis");
                }
            }
            let after: u32 = self.servers.iter().map(|server| server.fetched).sum();
            assert!(
                after <= before + 1,
                "key {key} is fetched by more than one (cluster: {is_cluster})"
            );
        }
    }
}

pub(super) fn pairs(servers: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..servers).flat_map(|server| (0..KEYS).map(move |key| (server, key)))
}
