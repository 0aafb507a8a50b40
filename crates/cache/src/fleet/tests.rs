//! Nodes over a Redis that is only modelled: every order of messages, loss and restart can be played.

mod bounds;
mod faults;
mod judge;
mod ledger;
mod redis;
mod schedule;
mod traces;
mod unit;
mod wire;
mod world;
