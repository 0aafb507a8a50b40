//! The order of evaluation, and the reason it gives.

use config_flags::{Condition, Conditions, Context, FlagDefinition, FlagSet, Reason, Segments};

use super::{flag_when, name, share};

fn conditions() -> Conditions {
    Conditions {
        environments: Some(["staging", "production"].into()),
        segments: Some(["beta", "staff"].into()),
        percentage: Some(100.0),
        ..Conditions::default()
    }
}

#[track_caller]
fn check(
    conditions: Conditions,
    context: Context<'_>,
    on: bool,
    reason: Reason,
    condition: impl Into<Option<Condition>>,
) {
    let evaluation = flag_when(conditions).evaluate("flag", &context);
    assert_eq!(evaluation.on, on);
    assert_eq!(evaluation.reason, reason);
    assert_eq!(evaluation.condition, condition.into());
}

#[test]
fn an_unknown_flag_is_off() {
    let flags = flag_when(Conditions::default());
    let evaluation = flags.evaluate("other", &Context::new("production"));
    assert!(!evaluation.on);
    assert_eq!(evaluation.reason, Reason::Error);
    assert!(!FlagSet::default().is_enabled("flag", &Context::default()));
}

#[test]
fn a_flag_that_is_not_enabled_is_off_whatever_its_conditions() {
    for conditions in [Conditions::default(), share(100.0)] {
        let flag = FlagDefinition {
            enabled: false,
            conditions,
            ..FlagDefinition::default()
        };
        let flags = FlagSet::compile([(name("flag"), flag)]);
        let evaluation = flags.evaluate("flag", &Context::new("production").with_user_id("u"));
        assert!(!evaluation.on);
        assert_eq!(evaluation.reason, Reason::Disabled);
    }
}

#[test]
fn without_conditions_a_flag_is_on() {
    check(
        Conditions::default(),
        Context::default(),
        true,
        Reason::Static,
        None,
    );
}

#[test]
fn each_condition_must_hold() {
    use Condition::{Environment, Percentage, Segment};
    let everything = Context::new("production")
        .with_user_id("u")
        .with_segments("beta");
    check(conditions(), everything, true, Reason::Split, Percentage);
    check(
        conditions(),
        Context::new("development")
            .with_user_id("u")
            .with_segments("beta"),
        false,
        Reason::Default,
        Environment,
    );
    check(
        conditions(),
        everything.with_segments("other"),
        false,
        Reason::Default,
        Segment,
    );
    check(
        Conditions {
            percentage: Some(0.0),
            ..conditions()
        },
        everything,
        false,
        Reason::Split,
        Percentage,
    );
}

#[test]
fn what_cannot_be_decided_does_not_hold() {
    use Condition::{Environment, Percentage, Segment};
    let staff = Conditions {
        segments: Some(["staff"].into()),
        ..Conditions::default()
    };
    let here = Context::new("production");
    check(staff.clone(), here, false, Reason::Default, Segment);
    check(
        staff,
        here.with_segments("staff"),
        true,
        Reason::TargetingMatch,
        Segment,
    );
    check(
        conditions(),
        Context::default(),
        false,
        Reason::Default,
        Environment,
    );
    check(share(100.0), here, false, Reason::Default, Percentage);
    check(
        share(100.0),
        here.with_user_id(""),
        false,
        Reason::Default,
        Percentage,
    );
    check(
        share(100.0),
        here.with_sticky(""),
        false,
        Reason::Default,
        Percentage,
    );
    check(
        share(100.0),
        here.with_user_id("").with_sticky("s"),
        true,
        Reason::Split,
        Percentage,
    );
}

#[test]
fn an_empty_list_holds_for_nobody() {
    let nobody = Conditions {
        segments: Some(std::iter::empty::<String>().collect()),
        ..Conditions::default()
    };
    let context = Context::new("production").with_segments("staff");
    check(nobody, context, false, Reason::Default, Condition::Segment);
    let nowhere = Conditions {
        environments: Some([""].into()),
        ..Conditions::default()
    };
    check(
        nowhere,
        Context::new(""),
        false,
        Reason::Default,
        Condition::Environment,
    );
}

#[test]
fn both_spellings_of_a_condition_count() {
    let old = Conditions {
        environment: Some(["production"].into()),
        user_segments: Some(["staff"].into()),
        ..Conditions::default()
    };
    let context = Context::new("production").with_segments("staff");
    check(
        old.clone(),
        context,
        true,
        Reason::TargetingMatch,
        Condition::Segment,
    );
    check(
        old,
        Context::new("staging").with_segments("staff"),
        false,
        Reason::Default,
        Condition::Environment,
    );
}

#[test]
fn the_user_id_is_the_key_and_the_sticky_one_stands_in() {
    let flags = flag_when(share(50.0));
    for key in (0..100).map(|n| format!("k{n}")) {
        let user = Context::new("production").with_user_id(key.as_str());
        let sticky = Context::new("production").with_sticky(key.as_str());
        assert_eq!(
            flags.is_enabled("flag", &user),
            flags.is_enabled("flag", &sticky)
        );
        assert_eq!(
            flags.is_enabled("flag", &user.with_sticky("other")),
            flags.is_enabled("flag", &user),
        );
    }
}

#[test]
fn an_evaluation_tells_what_it_looked_at() {
    #[track_caller]
    fn check(conditions: Conditions, context: Context<'_>, looked_at: [bool; 3]) {
        let basis = flag_when(conditions).evaluate("flag", &context).basis;
        assert_eq!([basis.segments, basis.user_id, basis.sticky], looked_at);
    }
    let here = Context::new("production");
    let user = here.with_user_id("u");
    check(Conditions::default(), user, [false, false, false]);
    check(share(10.0), user, [false, true, false]);
    check(share(10.0), here, [false, true, true]);
    check(share(10.0), here.with_sticky("s"), [false, true, true]);
    check(conditions(), user, [true, false, false]);
    check(
        conditions(),
        user.with_segments("staff"),
        [true, true, false],
    );
    // In another environment nothing about the caller matters.
    check(
        conditions(),
        Context::new("development"),
        [false, false, false],
    );
}

#[test]
fn segments_come_in_any_shape() {
    let owned = [String::from("beta"), String::from("staff")];
    let boxed: [Box<str>; 1] = ["staff".into()];
    let flags = flag_when(Conditions {
        segments: Some(["staff"].into()),
        ..Conditions::default()
    });
    for segments in [
        Segments::from("staff"),
        Segments::from(&["beta", "staff"]),
        Segments::from(&owned[..]),
        Segments::from(&boxed[..]),
    ] {
        let context = Context::new("production").with_segments(segments);
        assert!(flags.is_enabled("flag", &context));
        assert!(!segments.contains("staf") && !segments.contains("Staff"));
    }
}

#[test]
fn ids_follow_the_names() {
    let flags: FlagSet = ["b", "a", "c"]
        .map(|flag| (name(flag), FlagDefinition::on()))
        .into_iter()
        .collect();
    let names: Vec<_> = flags.all().map(|flag| flag.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(flags.len(), 3);
    for flag in flags.all() {
        assert_eq!(flags.flag_id(flag.name.as_str()), Some(flag.id));
        assert_eq!(flags.get(flag.id).unwrap().name, flag.name);
        assert!(flags.is_enabled(flag.id, &Context::default()));
    }
    assert_eq!(flags.flag_id("d"), None);
}

#[test]
fn the_id_of_another_set_is_no_panic() {
    let many: FlagSet = ["a", "b"]
        .map(|flag| (name(flag), FlagDefinition::on()))
        .into_iter()
        .collect();
    let id = many.flag_id("b").unwrap();
    let evaluation = flag_when(Conditions::default()).evaluate(id, &Context::default());
    assert_eq!(evaluation.reason, Reason::Error);
}
