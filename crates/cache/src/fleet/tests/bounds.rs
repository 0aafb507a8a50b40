//! What has a bound drops more when it is met, never less.

use std::time::Duration;

use super::ledger::{G, G0, G1, U0, U1};
use super::redis::Room;
use super::traces::{A, B, K, ROOM, fetch, must_fetch, warm, world};
use super::wire::What;
use super::world::World;
use crate::fleet::Limits;

#[test]
fn more_purges_than_can_wait_begin_an_epoch() {
    let limits = Limits {
        queue: 1,
        ..Limits::default()
    };
    let mut world = World::new(2, limits, ROOM);
    fetch(&mut world, B);
    world.cut(A);
    let first = world.purge(A, G0);
    let second = world.purge(A, G1);
    assert_eq!(world.servers[A].node.waiting(), 0);
    assert!(!world.servers[A].node.is_confirmed(&first));
    // What was under way when the queue was given up comes too early.
    let late = world.find(A, |what| matches!(what, What::Attach { anew: false, .. }));
    let late = late.unwrap();
    world.run(late);
    world.deliver(late);
    assert!(!world.servers[A].node.is_confirmed(&second));
    world.pass(Duration::from_millis(49));
    assert!(
        world.wire.is_empty(),
        "the next connection comes after a pause"
    );
    world.pass(Duration::from_millis(1));
    world.carry();
    assert!(world.servers[A].node.is_confirmed(&first));
    assert!(world.servers[A].node.is_confirmed(&second));
    world.hint(B);
    world.carry();
    must_fetch(&mut world, B);
    world.settle();
}

#[test]
fn what_falls_out_of_the_table_of_redis_is_under_its_floor() {
    let room = Room { table: 1, ..ROOM };
    let mut world = World::new(2, Limits::default(), room);
    fetch(&mut world, A);
    world.purge(B, G0);
    world.purge(B, G1);
    world.carry_for(B);
    assert_eq!(world.current().data.table.len(), 1);
    world.restart_server(A);
    world.carry();
    must_fetch(&mut world, A);
}

#[test]
fn what_falls_out_of_the_table_of_a_node_is_under_its_floors() {
    let limits = Limits {
        marks: 2,
        ..Limits::default()
    };
    let mut world = World::new(2, limits, ROOM);
    fetch(&mut world, A);
    world.request(B, K);
    world.carry();
    assert!(world.is_hit(B, K));
    for group in [G0, G1, G] {
        world.purge(B, group);
        world.carry();
    }
    assert!(world.servers[B].node.marks() <= 2);
    must_fetch(&mut world, B);
    world.settle();
}

#[test]
fn an_old_value_that_a_shard_brings_back_is_judged_by_what_it_carries() {
    let mut world = world();
    world.is_cluster = true;
    fetch(&mut world, A);
    let old = world.current().data.values.clone();
    world.purge(B, U0);
    world.carry();
    fetch(&mut world, B);
    world.current().data.values = old;
    world.forget(B, K);
    must_fetch(&mut world, B);
}

#[test]
fn a_subject_that_nobody_holds_leaves_no_trace() {
    let mut world = warm();
    let number = world.servers[A].node.number();
    // Nothing under the second key is held anywhere.
    for _ in 0..100 {
        world.purge(B, U1);
        world.carry_for(B);
    }
    world.hint(A);
    world.carry();
    assert_eq!(world.servers[B].node.marks(), 0);
    assert_eq!(world.servers[A].node.marks(), 0);
    assert!(world.is_hit(A, K));
    assert!(!world.current().data.own.contains_key(&3));
    world.forget(A, K);
    world.request(A, K);
    world.carry();
    assert!(world.is_hit(A, K), "Redis has it still");
    assert_eq!(
        world.servers[A].node.number(),
        number + 100,
        "A has counted, and kept nothing"
    );
}
