//! Servers and their clients: who is served what.

use std::collections::HashMap;
use std::time::Instant;

use super::ledger::{KEYS, Seen, check, own, subject, with_labels};
use super::redis::{Data, Redis, Room, Stored};
use super::wire::{Exchange, Value, What};
use crate::fleet::{FetchEnd, FleetFetch, Held, Limits, Node, Receipt};

/// What a request must see at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) number: u64,
    /// Purges made on this server, and those that it was told of.
    pub(super) acked: Seen,
    pub(super) told: Seen,
    /// Those that had run in the Redis that the server is attached to.
    pub(super) reached: Seen,
}

pub(super) struct Kept {
    pub(super) number: u64,
    pub(super) saw: Seen,
    pub(super) _held: Held,
}

pub(super) struct Flight {
    /// None while Redis is being read.
    pub(super) fetch: Option<(FleetFetch, Seen)>,
    pub(super) followers: Vec<Asked>,
}

pub(super) struct Server {
    pub(super) node: Node,
    pub(super) memory: [Option<Kept>; KEYS],
    pub(super) flights: [Option<Flight>; KEYS],
    pub(super) acked: Seen,
    pub(super) told: Seen,
    /// Which purges it made.
    pub(super) made: Vec<(usize, u32)>,
    /// Which process an attachment is with.
    pub(super) process: HashMap<u64, usize>,
    pub(super) fetched: u32,
}

pub(super) struct World {
    pub(super) now: Instant,
    pub(super) servers: Vec<Server>,
    pub(super) processes: Vec<Redis>,
    pub(super) wire: Vec<Exchange>,
    pub(super) snapshot: Option<Data>,
    /// Values lie apart from the numbers.
    pub(super) is_cluster: bool,
    pub(super) limits: Limits,
    pub(super) epochs: u64,
    pub(super) purged: Seen,
    pub(super) reached: Seen,
    pub(super) history: Vec<(Instant, Seen)>,
    pub(super) lost: Vec<(usize, u32)>,
}

impl World {
    pub(super) fn new(servers: usize, limits: Limits, room: Room) -> Self {
        let now = Instant::now();
        let mut world = Self {
            now,
            servers: Vec::new(),
            processes: vec![Redis::new(1, Data::default(), room)],
            wire: Vec::new(),
            snapshot: None,
            is_cluster: false,
            limits,
            epochs: 0,
            purged: Seen::default(),
            reached: Seen::default(),
            history: Vec::new(),
            lost: Vec::new(),
        };
        for _ in 0..servers {
            world.servers.push(world.fresh());
            world.collect(world.servers.len() - 1);
        }
        world.carry();
        world
    }

    pub(super) fn fresh(&self) -> Server {
        Server {
            node: Node::new(self.limits, self.now),
            memory: [None, None],
            flights: [None, None],
            acked: Seen::default(),
            told: Seen::default(),
            made: Vec::new(),
            process: HashMap::new(),
            fetched: 0,
        }
    }

    pub(super) fn current(&mut self) -> &mut Redis {
        self.processes.last_mut().expect("there is one")
    }

    pub(super) fn is_current(&self, process: usize) -> bool {
        process + 1 == self.processes.len()
    }

    /// A client asks; says whether memory answered.
    pub(super) fn request(&mut self, server: usize, key: usize) -> bool {
        let asked = self.asked(server);
        self.request_as(server, key, asked)
    }

    pub(super) fn asked(&self, server: usize) -> Asked {
        let at = &self.servers[server];
        let process = at.process.get(&at.node.attachment.0);
        let is_current = process.is_some_and(|process| self.is_current(*process));
        Asked {
            number: at.node.number(),
            acked: at.acked,
            told: at.told,
            reached: if is_current {
                self.reached
            } else {
                Seen::default()
            },
        }
    }

    pub(super) fn request_as(&mut self, server: usize, key: usize, asked: Asked) -> bool {
        if self.is_hit(server, key) {
            return true;
        }
        if let Some(flight) = &mut self.servers[server].flights[key] {
            flight.followers.push(asked);
            return false;
        }
        let read = self.servers[server].node.begin_read(&own(key), self.now);
        self.servers[server].flights[key] = Some(Flight {
            fetch: None,
            followers: Vec::new(),
        });
        match read {
            None => self.begin_fetch(server, key),
            Some(read) => {
                let attachment = read.attachment();
                let value = Value::NotYetRead;
                let (read, asked) = (Box::new(read), Box::new(asked));
                self.put(
                    server,
                    attachment,
                    What::Read {
                        key,
                        read,
                        asked,
                        value,
                    },
                );
            }
        }
        false
    }

    pub(super) fn is_hit(&self, server: usize, key: usize) -> bool {
        let at = &self.servers[server];
        at.memory[key].as_ref().is_some_and(|kept| {
            with_labels(key, |labels| at.node.live(kept.number, labels).is_some())
        })
    }

    pub(super) fn is_fetching(&self, server: usize, key: usize) -> bool {
        let flight = self.servers[server].flights[key].as_ref();
        flight.is_some_and(|flight| flight.fetch.is_some())
    }

    /// Memory lets go of a key.
    pub(super) fn forget(&mut self, server: usize, key: usize) {
        self.servers[server].memory[key] = None;
    }

    /// Somebody says that there is something in the log.
    pub(super) fn hint(&mut self, server: usize) {
        self.servers[server].node.hint(self.now);
        self.collect(server);
    }

    /// A refresh in the background.
    pub(super) fn refresh(&mut self, server: usize, key: usize) {
        let at = &mut self.servers[server];
        if at.memory[key].is_some() && at.flights[key].is_none() {
            at.flights[key] = Some(Flight {
                fetch: None,
                followers: Vec::new(),
            });
            self.begin_fetch(server, key);
        }
    }

    pub(super) fn begin_fetch(&mut self, server: usize, key: usize) {
        let saw = self.purged;
        let at = &mut self.servers[server];
        at.fetched += 1;
        let fetch = at.node.begin_fetch(&own(key));
        if let Some(flight) = &mut at.flights[key] {
            flight.fetch = Some((fetch, saw));
        }
    }

    /// The upstream has answered.
    pub(super) fn end_fetch(&mut self, server: usize, key: usize) {
        if !self.is_fetching(server, key) {
            return;
        }
        let now = self.now;
        let at = &mut self.servers[server];
        let Some(Flight {
            fetch: Some((fetch, saw)),
            followers,
        }) = at.flights[key].take()
        else {
            return;
        };
        let number = fetch.number();
        let end = with_labels(key, |labels| at.node.end_fetch(&fetch, labels, now));
        if let FetchEnd::Kept(store) = end {
            at.memory[key] = Some(Kept {
                number,
                saw,
                _held: fetch.into_held(),
            });
            if let Some((attachment, numbers)) = store {
                let stored = Stored { numbers, saw };
                self.put(
                    server,
                    attachment,
                    What::Store {
                        key,
                        stored,
                        admitted: false,
                    },
                );
            }
        }
        self.land(server, key, number, saw, followers);
    }

    /// Those who waited share what came, or go again.
    pub(super) fn land(
        &mut self,
        server: usize,
        key: usize,
        number: u64,
        saw: Seen,
        followers: Vec<Asked>,
    ) {
        for asked in followers {
            let node = &self.servers[server].node;
            if with_labels(key, |labels| node.may_share(number, asked.number, labels)) {
                check(
                    key,
                    saw,
                    asked.acked,
                    "a follower outlives a purge made here",
                );
                check(
                    key,
                    saw,
                    asked.told,
                    "a follower outlives a purge heard of here",
                );
            } else {
                let number = node.number();
                self.request_as(server, key, Asked { number, ..asked });
            }
        }
    }

    /// Somebody purges on a server.
    pub(super) fn purge(&mut self, server: usize, index: usize) -> Receipt {
        self.purged.0[index] += 1;
        let at = &mut self.servers[server];
        at.acked.0[index] = self.purged.0[index];
        at.made.push((index, self.purged.0[index]));
        let receipt = at.node.purge(vec![subject(index)], self.now);
        self.collect(server);
        receipt
    }
}
