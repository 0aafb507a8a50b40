//! Any order of requests, purges, messages, losses and restarts.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::ledger::{KEYS, SUBJECTS, U0, U1};
use super::redis::Room;
use super::world::World;
use crate::fleet::Limits;

/// Which faults a schedule has, and how narrow everything is.
#[derive(Clone, Copy, Debug)]
struct Plan {
    servers: usize,
    is_cluster: bool,
    is_narrow: bool,
    /// In one of so many steps.
    rare: u32,
}

fn plans() -> impl Strategy<Value = Plan> {
    (2..=4_usize, any::<bool>(), any::<bool>(), 4..40_u32).prop_map(
        |(servers, is_cluster, is_narrow, rare)| Plan {
            servers,
            is_cluster,
            is_narrow,
            rare,
        },
    )
}

fn world(plan: Plan) -> World {
    let limits = Limits::default();
    let room = Room {
        table: 1000,
        log: 1000,
        reply: 256,
    };
    let mut world = if plan.is_narrow {
        let limits = Limits {
            marks: 2,
            queue: 2,
            prefixes: 1,
            ..limits
        };
        let room = Room {
            table: 1,
            log: 3,
            reply: 1,
        };
        World::new(plan.servers, limits, room)
    } else {
        World::new(plan.servers, limits, room)
    };
    world.is_cluster = plan.is_cluster;
    world
}

/// One step; the number chooses which and with what.
fn step(world: &mut World, plan: Plan, chosen: u32) {
    let mut rest = chosen as usize;
    let mut choose = |many: usize| {
        let one = rest % many;
        rest /= many;
        one
    };
    if choose(plan.rare as usize) == 0 {
        return fault(world, choose);
    }
    let server = choose(world.servers.len());
    match choose(14) {
        0 | 1 => drop(world.request(server, choose(KEYS))),
        2 => world.end_fetch(server, choose(KEYS)),
        3 => world.refresh(server, choose(KEYS)),
        4 => drop(world.purge(server, choose(SUBJECTS))),
        5 => world.hint(server),
        6 => world.pass(Duration::from_millis(choose(30) as u64)),
        7 => world.carry_for(server),
        8 => world.forget(server, choose(KEYS)),
        kind if world.wire.is_empty() => drop(world.request(server, kind % KEYS)),
        9 | 10 => {
            let place = choose(world.wire.len());
            world.run(place);
        }
        11 => {
            let place = choose(world.wire.len());
            world.run_value(place);
        }
        _ => {
            let place = choose(world.wire.len());
            if world.is_answered(place) {
                world.deliver(place);
            }
        }
    }
}

fn fault(world: &mut World, mut choose: impl FnMut(usize) -> usize) {
    match choose(16) {
        0 | 1 => world.cut(choose(world.servers.len())),
        2 | 3 if !world.wire.is_empty() => {
            let place = choose(world.wire.len());
            world.lose(place);
        }
        4 => world.restart_server(choose(world.servers.len())),
        5 | 6 => world.snapshot(),
        7 => world.restart(false),
        8 => world.restart(true),
        9 => world.fail_over(),
        10 => world.old_ends(),
        11 => {
            world.snapshot();
            world.current().is_demoted = true;
            world.fail_over();
        }
        12 => drop(
            world
                .current()
                .data
                .own
                .remove(&([U0, U1][choose(2)] as u128)),
        ),
        13 => world.current().data.table.clear(),
        14 => drop(world.current().data.values.remove(&choose(KEYS))),
        _ => world.pass(Duration::from_millis(200)),
    }
}

/// `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|cases| cases.parse().ok()).unwrap_or(150)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn nothing_purged_is_served_and_all_use_redis_again(
        plan in plans(),
        steps in vec(any::<u32>(), 1..250),
    ) {
        let mut world = world(plan);
        for chosen in steps {
            step(&mut world, plan, chosen);
            world.check();
        }
        world.settle();
    }
}
