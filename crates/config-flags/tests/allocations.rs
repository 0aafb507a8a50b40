//! An evaluation allocates nothing. A binary of its own: the counter replaces the allocator.

use allocation_counter::measure;
use config_flags::{Conditions, Context, FlagDefinition, FlagName, FlagSet, StickySource};
use http::{HeaderMap, HeaderValue, header};

#[test]
fn an_evaluation_allocates_nothing() {
    let flags = FlagSet::compile([(
        FlagName::new("checkout-v2").unwrap(),
        FlagDefinition::when(Conditions {
            environments: Some(["staging", "production"].into()),
            segments: Some(["beta", "staff"].into()),
            percentage: Some(50.0),
            ..Conditions::default()
        }),
    )]);
    let id = flags.flag_id("checkout-v2").unwrap();
    let long = "u".repeat(1000);
    let counted = measure(|| {
        for key in ["u-4711", long.as_str()] {
            let context = Context::new("production")
                .with_user_id(key)
                .with_segments(&["beta"]);
            std::hint::black_box(flags.evaluate("checkout-v2", &context));
            std::hint::black_box(flags.evaluate(id, &context));
            std::hint::black_box(flags.evaluate("unknown", &context));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn finding_the_sticky_key_allocates_nothing() {
    let settings = toml::from_str("sticky = { cookie = 'sid' }").unwrap();
    let source = StickySource::new(&settings);
    let mut headers = HeaderMap::new();
    let cookies = HeaderValue::from_static("theme=dark; sid=a81f");
    headers.insert(header::COOKIE, cookies);
    let counted = measure(|| {
        std::hint::black_box(source.key(&headers));
    });
    assert_eq!(counted.count_total, 0);
}
