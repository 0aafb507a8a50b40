//! What may happen to servers, connections and Redis.

use std::time::Duration;

use super::ledger::Seen;
use super::redis::{Data, Redis};
use super::wire::What;
use super::world::World;
use crate::fleet::AttachmentId;

impl World {
    /// The connection breaks; commands that were sent may yet run.
    pub(super) fn cut(&mut self, server: usize) {
        let node = &mut self.servers[server].node;
        let attachment = node.attachment;
        node.lost(attachment, self.now);
        self.collect(server);
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let ticks = self.servers.iter().map(|server| server.node.next_tick());
            let Some(next) = ticks.min().filter(|next| *next <= until) else {
                break;
            };
            self.now = self.now.max(next);
            for server in 0..self.servers.len() {
                let (now, node) = (self.now, &mut self.servers[server].node);
                if node.next_tick() <= now {
                    node.tick(now);
                    assert!(
                        node.next_tick() > now,
                        "a tick leaves nothing due: {node:?}"
                    );
                    self.collect(server);
                }
            }
        }
        self.now = until;
    }

    pub(super) fn snapshot(&mut self) {
        self.snapshot = Some(self.current().data.clone());
    }

    /// The process ends and another one begins; empty, or with the last snapshot.
    pub(super) fn restart(&mut self, with_snapshot: bool) {
        let data = self.snapshot.clone().filter(|_| with_snapshot);
        self.current().is_up = false;
        self.promote(data.unwrap_or_default());
    }

    /// A replica that has what the last snapshot holds is the primary now; the old one goes on.
    pub(super) fn fail_over(&mut self) {
        self.promote(self.snapshot.clone().unwrap_or_default());
    }

    pub(super) fn promote(&mut self, data: Data) {
        let room = self.current().room;
        let id = self.processes.len() as u64 + 1;
        self.processes.push(Redis::new(id, data, room));
    }

    /// All but the current Redis end.
    pub(super) fn old_ends(&mut self) {
        let current = self.processes.len() - 1;
        for old in &mut self.processes[..current] {
            old.is_up = false;
        }
    }

    /// A server loses all that it knew.
    pub(super) fn restart_server(&mut self, server: usize) {
        self.lost.append(&mut self.servers[server].made);
        self.wire.retain(|exchange| {
            exchange.server != server || !matches!(exchange.what, What::Read { .. })
        });
        for exchange in self
            .wire
            .iter_mut()
            .filter(|exchange| exchange.server == server)
        {
            // What was sent may still run; nobody hears of it.
            exchange.attachment = AttachmentId(u64::MAX);
        }
        let mut fresh = self.fresh();
        // What it had purged holds on as far as it had reached Redis.
        let acked = self.servers[server].acked.0.into_iter().zip(self.reached.0);
        fresh.acked = Seen(std::array::from_fn(|_| 0));
        for (index, (acked, reached)) in acked.enumerate() {
            fresh.acked.0[index] = acked.min(reached);
        }
        self.servers[server] = fresh;
        self.collect(server);
    }
}
