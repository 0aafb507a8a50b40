//! The steps by which a simpler protocol would serve what was purged; one test for each rule.

use std::time::Duration;

use super::ledger::{G, G0, G1, P0, U0};
use super::redis::Room;
use super::wire::What;
use super::world::World;
use crate::fleet::Limits;

pub(super) const A: usize = 0;
pub(super) const B: usize = 1;
pub(super) const K: usize = 0;

pub(super) const ROOM: Room = Room {
    table: 1000,
    log: 1000,
    reply: 256,
};

pub(super) fn world() -> World {
    World::new(2, Limits::default(), ROOM)
}

/// The key is in Redis and in the memory of A.
pub(super) fn warm() -> World {
    let mut world = world();
    fetch(&mut world, A);
    assert!(world.is_hit(A, K) && world.current().data.values.contains_key(&K));
    world
}

pub(super) fn fetch(world: &mut World, server: usize) {
    world.request(server, K);
    world.carry_for(server);
    world.end_fetch(server, K);
    world.carry_for(server);
}

#[track_caller]
pub(super) fn must_fetch(world: &mut World, server: usize) {
    assert!(!world.request(server, K), "memory serves");
    world.carry_for(server);
    assert!(world.is_fetching(server, K), "Redis serves");
}

fn is_purge(what: &What) -> bool {
    matches!(what, What::Purge { .. })
}

fn is_store(what: &What) -> bool {
    matches!(what, What::Store { .. })
}

fn is_read(what: &What) -> bool {
    matches!(what, What::Read { .. })
}

#[test]
fn an_epoch_belongs_to_a_process() {
    let mut world = warm();
    world.snapshot();
    world.purge(B, G0);
    world.carry_for(B);
    world.restart(true);
    for server in [A, B] {
        world.cut(server);
        world.carry_for(server);
    }
    must_fetch(&mut world, A);
}

#[test]
fn who_joins_a_fetch_after_a_purge_does_not_share_it() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.purge(A, G0);
    world.carry();
    world.request(A, K);
    world.end_fetch(A, K);
    assert!(!world.is_hit(A, K));
    assert!(world.find(A, is_store).is_none());
    world.carry();
    assert!(world.is_fetching(A, K));
}

#[test]
fn nor_if_another_purge_hides_the_first() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.purge(A, G0);
    world.request(A, K);
    world.purge(A, G0);
    world.end_fetch(A, K);
    world.carry();
    assert!(world.is_fetching(A, K));
}

#[test]
fn who_came_before_the_purge_shares_it() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.request(A, K);
    world.purge(A, G0);
    world.end_fetch(A, K);
    world.carry();
    assert!(!world.is_fetching(A, K) && !world.is_hit(A, K));
}

#[test]
fn a_value_whose_purge_waits_is_a_miss() {
    for subject in [G0, U0, P0] {
        let mut world = warm();
        world.purge(B, subject);
        world.request(B, K);
        let read = world.find(B, is_read).unwrap();
        world.run(read);
        world.deliver(read);
        assert!(world.is_fetching(B, K));
    }
}

#[test]
fn a_purge_that_has_to_be_sent_again_still_waits() {
    let mut world = warm();
    world.purge(B, G0);
    let purge = world.find(B, is_purge).unwrap();
    world.run(purge);
    world.purge(B, G0);
    let purge = world.find(B, is_purge).unwrap();
    world.deliver(purge);
    assert_eq!(world.servers[B].node.waiting(), 1);
    world.carry();
    assert_eq!(world.servers[B].node.waiting(), 0);
}

#[test]
fn what_is_being_fetched_falls_under_the_floor_too() {
    let room = Room { log: 1, ..ROOM };
    let mut world = World::new(2, Limits::default(), room);
    world.request(A, K);
    world.carry();
    world.purge(B, U0);
    world.carry_for(B);
    world.purge(B, G1);
    world.carry_for(B);
    world.cut(A);
    world.carry_for(A);
    world.end_fetch(A, K);
    assert!(!world.is_hit(A, K));
}

#[test]
fn the_log_is_read_without_being_told_to() {
    let mut world = warm();
    world.purge(B, G0);
    world.carry_for(B);
    world.pass(Duration::from_millis(50));
    world.carry();
    must_fetch(&mut world, A);
}

#[test]
fn a_count_that_is_gone_is_a_miss() {
    let mut world = warm();
    world.purge(B, U0);
    world.carry_for(B);
    world.current().data.own.clear();
    must_fetch(&mut world, B);
}

#[test]
fn a_count_is_made_at_the_count_of_redis() {
    let mut world = warm();
    world.forget(A, K);
    world.purge(B, U0);
    world.carry_for(B);
    world.current().data.own.clear();
    must_fetch(&mut world, A);
    must_fetch(&mut world, B);
}

#[test]
fn what_is_purged_while_away_has_numbers_of_its_own() {
    let mut world = warm();
    world.cut(A);
    world.purge(A, G0);
    world.purge(A, G1);
    assert!(!world.request(A, K) && world.is_fetching(A, K));
    world.end_fetch(A, K);
    assert!(world.is_hit(A, K));
    world.purge(B, G);
    world.carry();
    world.hint(A);
    world.carry();
    must_fetch(&mut world, A);
    must_fetch(&mut world, B);
}

#[test]
fn and_none_of_the_counts_of_redis() {
    let mut world = world();
    // The key's count is there, so that nothing but its number keeps a value out.
    world.request(B, K);
    world.carry_for(B);
    world.cut(A);
    world.purge(A, G1);
    world.request(A, K);
    assert!(world.is_fetching(A, K));
    let attach = world.find(A, |_| true).unwrap();
    world.run(attach);
    world.deliver(attach);
    world.purge(B, G0);
    world.carry_for(B);
    world.end_fetch(A, K);
    world.carry_for(A);
    world.end_fetch(B, K);
    world.carry_for(B);
    must_fetch(&mut world, B);
}

#[test]
fn a_value_carries_the_count_at_which_its_fetch_began() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.purge(B, G0);
    world.carry_for(B);
    // Its reply tells A of a count, but not of what was purged before.
    world.purge(A, G1);
    world.carry_for(A);
    world.end_fetch(A, K);
    world.carry_for(A);
    assert!(world.current().data.values.contains_key(&K));
    must_fetch(&mut world, B);
}

#[test]
fn nothing_is_judged_by_a_part_of_the_log() {
    let room = Room { reply: 1, ..ROOM };
    let mut world = World::new(2, Limits::default(), room);
    fetch(&mut world, A);
    world.forget(A, K);
    world.purge(B, G1);
    world.carry_for(B);
    world.purge(B, G0);
    world.carry_for(B);
    must_fetch(&mut world, A);
}

#[test]
fn a_purge_elsewhere_of_what_is_held_here_counts() {
    let mut world = warm();
    world.purge(B, U0);
    world.carry_for(B);
    world.hint(A);
    world.carry();
    must_fetch(&mut world, A);
}

#[test]
fn own_counts_of_another_epoch_are_forgotten() {
    let mut world = world();
    world.purge(A, G1);
    world.carry_for(A);
    world.restart(false);
    world.cut(A);
    let attach = world.find(A, |_| true).unwrap();
    world.run(attach);
    world.deliver(attach);
    world.request(A, K);
    let read = world.find(A, is_read).unwrap();
    world.run(read);
    world.deliver(read);
    world.end_fetch(A, K);
    assert!(world.is_hit(A, K));
    // It gets the count that the first one had before.
    world.cut(B);
    world.carry_for(B);
    world.purge(B, G0);
    world.carry_for(B);
    world.hint(A);
    world.carry_for(A);
    must_fetch(&mut world, A);
}

#[test]
fn a_later_reply_does_not_take_a_higher_count_back() {
    let mut world = world();
    world.purge(A, G0);
    let purge = world.find(A, is_purge).unwrap();
    world.run(purge);
    world.hint(B);
    world.carry_for(B);
    fetch(&mut world, B);
    world.purge(B, G0);
    world.carry_for(B);
    world.hint(A);
    let sync = world.find(A, |what| matches!(what, What::Sync { .. }));
    let sync = sync.unwrap();
    world.run(sync);
    world.deliver(sync);
    world.carry_for(A);
    must_fetch(&mut world, A);
}

#[test]
fn an_entry_of_the_log_is_not_passed_over_for_a_higher_count_of_its_subject() {
    let mut world = world();
    world.purge(A, G0);
    world.request(A, K);
    let read = world.find(A, is_read).unwrap();
    world.run(read);
    world.deliver(read);
    assert!(world.is_fetching(A, K));
    world.purge(B, G0);
    world.carry_for(B);
    world.carry_for(A);
    world.hint(A);
    world.carry_for(A);
    world.end_fetch(A, K);
    assert!(!world.is_hit(A, K));
}

#[test]
fn the_own_purge_in_the_log_is_passed_over() {
    let mut world = world();
    world.purge(A, G0);
    world.carry();
    let number = world.servers[A].node.number();
    fetch(&mut world, A);
    world.hint(A);
    world.carry();
    assert_eq!(world.servers[A].node.number(), number);
    assert!(world.is_hit(A, K));
}

#[test]
fn a_table_that_is_gone_begins_an_epoch() {
    let mut world = warm();
    world.purge(B, G0);
    world.carry_for(B);
    world.current().data.table.clear();
    world.restart_server(A);
    world.carry();
    must_fetch(&mut world, A);
    world.settle();
}

#[test]
fn memory_falls_with_its_epoch() {
    let mut world = warm();
    world.restart(false);
    world.cut(B);
    world.carry_for(B);
    world.purge(B, G0);
    world.carry_for(B);
    world.cut(A);
    world.carry_for(A);
    must_fetch(&mut world, A);
}

#[test]
fn a_read_brings_the_log_along() {
    for subject in [G0, U0, P0] {
        let mut world = warm();
        world.forget(A, K);
        world.purge(B, subject);
        world.carry_for(B);
        must_fetch(&mut world, A);
    }
}

#[test]
fn what_a_deposed_primary_confirmed_is_sent_again() {
    let mut world = warm();
    world.snapshot();
    world.fail_over();
    world.cut(A);
    world.carry_for(A);
    fetch(&mut world, A);
    let receipt = world.purge(B, G0);
    world.carry_for(B);
    assert!(world.servers[B].node.is_confirmed(&receipt));
    world.old_ends();
    world.cut(B);
    world.carry();
    world.hint(A);
    world.carry();
    must_fetch(&mut world, A);
}

#[test]
fn a_store_wants_the_count_of_its_subject() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.current().data.own.clear();
    world.purge(B, G1);
    world.carry();
    world.end_fetch(A, K);
    world.carry();
    assert!(world.is_hit(A, K));
    assert!(world.current().data.values.is_empty());
}

#[test]
fn a_store_that_a_purge_in_redis_overtakes_is_refused() {
    let mut world = world();
    world.request(A, K);
    world.carry();
    world.purge(B, U0);
    world.carry_for(B);
    world.end_fetch(A, K);
    world.carry_for(A);
    assert!(world.current().data.values.is_empty());
}

#[test]
fn a_reply_dies_with_its_attachment() {
    let room = Room { log: 1, ..ROOM };
    let mut world = World::new(2, Limits::default(), room);
    fetch(&mut world, A);
    world.forget(A, K);
    world.request(A, K);
    let read = world.find(A, is_read).unwrap();
    world.run(read);
    world.cut(A);
    world.purge(B, U0);
    world.carry_for(B);
    world.purge(B, G1);
    world.carry_for(B);
    let attach = world.find(A, |what| matches!(what, What::Attach { .. }));
    let attach = attach.unwrap();
    world.run(attach);
    world.deliver(attach);
    world.carry_for(A);
    assert!(world.is_fetching(A, K));
}

#[test]
fn a_demoted_primary_refuses_to_be_read() {
    let mut world = warm();
    world.forget(A, K);
    world.snapshot();
    world.current().is_demoted = true;
    world.fail_over();
    world.cut(B);
    world.carry_for(B);
    world.purge(B, G0);
    world.carry_for(B);
    must_fetch(&mut world, A);
}

#[test]
fn a_purge_made_while_away_is_queued_until_redis_has_it() {
    let mut world = warm();
    world.cut(A);
    let receipt = world.purge(A, G0);
    assert!(!world.servers[A].node.is_confirmed(&receipt));
    let attach = world.find(A, |_| true).unwrap();
    world.run(attach);
    world.deliver(attach);
    assert!(!world.servers[A].node.is_confirmed(&receipt));
    world.carry();
    assert!(world.servers[A].node.is_confirmed(&receipt));
    must_fetch(&mut world, B);
}

#[test]
fn who_attaches_learns_the_counts_of_groups() {
    for subject in [G0, P0] {
        let mut world = warm();
        world.purge(B, subject);
        world.carry_for(B);
        world.restart_server(A);
        world.carry();
        must_fetch(&mut world, A);
    }
}
