//! Evaluating one flag among 10 and among 1,000, against Unleash's engine.
//!
//! Every flag has the same rule: two environments, three segments, half of the users. The users come in turn,
//! so that the share is decided anew each time. Ours by id is what a route does, whose flag is looked up when the
//! table is built; by name is what the API does. Read the ratios inside a group, not the times.

#![expect(clippy::unwrap_used, reason = "the flags are valid")]

use std::hint::black_box;
use std::time::Duration;

use config_flags::{Conditions, Context, FlagDefinition, FlagName, FlagSet};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use serde_json::json;
use unleash_yggdrasil::{Context as TheirContext, EngineState, UpdateMessage};

const ENVIRONMENTS: [&str; 2] = ["staging", "production"];
const SEGMENTS: [&str; 3] = ["beta", "staff", "partner"];
/// A power of two.
const USERS: usize = 1 << 10;

fn name(flag: usize) -> String {
    format!("checkout-v{flag}")
}

fn ours(count: usize) -> FlagSet {
    FlagSet::compile((0..count).map(|flag| {
        let conditions = Conditions {
            environments: Some(ENVIRONMENTS.into()),
            segments: Some(SEGMENTS.into()),
            percentage: Some(50.0),
            ..Conditions::default()
        };
        let name = FlagName::new(name(flag)).unwrap();
        (name, FlagDefinition::when(conditions))
    }))
}

fn theirs(count: usize) -> EngineState {
    let features: Vec<_> = (0..count)
        .map(|flag| {
            let is_in = |field: &str, values: &[&str]| json!({ "contextName": field, "operator": "IN", "values": values });
            json!({
                "name": name(flag),
                "enabled": true,
                "strategies": [{
                    "name": "flexibleRollout",
                    "constraints": [is_in("environment", &ENVIRONMENTS), is_in("segment", &SEGMENTS)],
                    "parameters": { "rollout": "50", "stickiness": "userId", "groupId": name(flag) },
                }],
            })
        })
        .collect();
    let features: UpdateMessage =
        serde_json::from_value(json!({ "version": 2, "features": features })).unwrap();
    let engine = EngineState::default();
    assert!(engine.take_state(features).is_none());
    engine
}

fn evaluate(criterion: &mut Criterion) {
    let users: Vec<_> = (0..USERS).map(|user| format!("user-{user}")).collect();
    for count in [10, 1_000] {
        let flags = ours(count);
        let names: Vec<_> = (0..count).map(name).collect();
        let ids: Vec<_> = names
            .iter()
            .map(|name| flags.flag_id(name).unwrap())
            .collect();
        let contexts: Vec<_> = users
            .iter()
            .map(|user| {
                Context::new("production")
                    .with_user_id(user.as_str())
                    .with_segments("staff")
            })
            .collect();
        let engine = theirs(count);
        let their_contexts: Vec<_> = users
            .iter()
            .map(|user| TheirContext {
                user_id: Some(user.clone()),
                environment: Some("production".to_owned()),
                properties: Some([("segment".to_owned(), "staff".to_owned())].into()),
                ..TheirContext::default()
            })
            .collect();
        // Both bring about half of the users in, or they would not do the same work.
        let about_half = |on: usize| (USERS * 4 / 10..USERS * 6 / 10).contains(&on);
        let on = contexts
            .iter()
            .filter(|user| flags.is_enabled(ids[0], user));
        assert!(about_half(on.count()));
        let on = their_contexts.iter();
        assert!(about_half(
            on.filter(|user| engine.is_enabled(&names[0], user, &None))
                .count()
        ));

        let mut group = criterion.benchmark_group(format!("flags/{count}"));
        let mut at = 0;
        let mut next = move || {
            at += 1;
            (at * 7 % count, at % USERS)
        };
        group.bench_function(BenchmarkId::from_parameter("ours"), |bencher| {
            bencher.iter(|| {
                let (flag, user) = next();
                black_box(flags.evaluate(ids[flag], &contexts[user]).on)
            });
        });
        group.bench_function(BenchmarkId::from_parameter("ours by name"), |bencher| {
            bencher.iter(|| {
                let (flag, user) = next();
                black_box(flags.evaluate(names[flag].as_str(), &contexts[user]).on)
            });
        });
        group.bench_function(
            BenchmarkId::from_parameter("unleash-yggdrasil"),
            |bencher| {
                bencher.iter(|| {
                    let (flag, user) = next();
                    black_box(engine.is_enabled(&names[flag], &their_contexts[user], &None))
                });
            },
        );
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = evaluate
}
criterion_main!(benches);
