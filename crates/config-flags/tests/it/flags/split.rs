//! The split: its published vectors, and what holds for every share.

use config_flags::{Context, FlagDefinition, FlagSet, bucket};
use proptest::prelude::*;

use super::{flag_when, name, share};

#[test]
fn the_published_vectors_hold() {
    #[track_caller]
    fn check(flag: &str, key: &str, place: u32) {
        assert_eq!(bucket(flag, key), place);
    }
    check("checkout-v2", "u-4711", 98_766);
    check("checkout-v2", "u-4712", 91_161);
    check("banner", "u-4711", 52_444);
    check("a", "b", 83_447);
    check(
        "checkout-v2",
        "7c1f9bd2-3b1e-4c55-9f0a-2f1d1f8f6a10",
        64_363,
    );
    check("checkout-v2", "Zoë", 37_657);
    check("checkout-v2", &"k".repeat(300), 61_731);
}

#[test]
fn the_share_begins_at_the_bucket() {
    let on = |percentage| {
        flag_when(share(percentage)).is_enabled("flag", &Context::new("p").with_user_id("u"))
    };
    let place = f64::from(bucket("flag", "u"));
    assert!(!on(place / 1000.0));
    assert!(on((place + 1.0) / 1000.0));
}

#[test]
fn over_100_000_users_the_share_is_met() {
    for percentage in [0.0, 0.1, 1.0, 12.5, 33.333, 50.0, 90.0, 100.0] {
        let flags = flag_when(share(percentage));
        let on = (0..100_000)
            .filter(|n| {
                let user = format!("user-{n}");
                flags.is_enabled("flag", &Context::new("p").with_user_id(user.as_str()))
            })
            .count();
        let met = on as f64 / 1000.0;
        assert!(
            (met - percentage).abs() <= 0.5,
            "{met} % for {percentage} %"
        );
    }
}

#[test]
fn two_flags_split_independently() {
    let flags = FlagSet::compile(
        ["one", "two"].map(|flag| (name(flag), FlagDefinition::when(share(50.0)))),
    );
    let mut seen = [[0_u32; 2]; 2];
    for user in (0..100_000).map(|n| format!("user-{n}")) {
        let context = Context::new("p").with_user_id(user.as_str());
        let one = flags.is_enabled("one", &context);
        let two = flags.is_enabled("two", &context);
        seen[usize::from(one)][usize::from(two)] += 1;
    }
    for count in seen.as_flattened() {
        assert!(count.abs_diff(25_000) < 500, "{seen:?}");
    }
}

proptest! {
    #[test]
    fn raising_a_share_moves_nobody_out(key in ".+", low in 0_u32..=100_000, more in 0_u32..=100_000) {
        let high = low.saturating_add(more).min(100_000);
        let on = |steps: u32| {
            flag_when(share(f64::from(steps) / 1000.0))
                .is_enabled("flag", &Context::new("p").with_user_id(key.as_str()))
        };
        prop_assert!(!on(low) || on(high));
        prop_assert!(on(100_000));
        prop_assert!(!on(0));
    }

    #[test]
    fn every_bucket_lies_in_range(flag in "[a-z]{1,100}", key in ".{0,400}") {
        prop_assert!(bucket(&flag, &key) < 100_000);
    }
}
