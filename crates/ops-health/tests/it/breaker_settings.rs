//! What can be configured about a breaker, and how a response is judged by it.

use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use ops_health::{Breaker, BreakerSettings, CallOutcome, Judgement, ResponseHead};
use validator::Validate;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_response_is_judged_by_its_status() {
    #[track_caller]
    fn check(
        settings: &BreakerSettings,
        status: u16,
        fields: &[(&'static str, &'static str)],
        expected: Judgement,
    ) {
        let breaker = Breaker::new("part", settings.clone(), Instant::now());
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let head = ResponseHead {
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            extensions: &Extensions::new(),
        };
        assert_eq!(breaker.judge(head), expected, "{status} {fields:?}");
    }
    let settings = BreakerSettings::default();
    let failure = Judgement::Known(CallOutcome::Failure);
    let success = Judgement::Known(CallOutcome::Success);
    for status in [502, 503, 504] {
        check(&settings, status, &[], failure);
    }
    for status in [200, 304, 404, 429, 500, 501, 505] {
        check(&settings, status, &[], success);
    }
    let listed = BreakerSettings {
        failure_statuses: vec![500],
        ..settings.clone()
    };
    check(&listed, 500, &[], failure);
    check(&listed, 503, &[], success);

    let kind = CONTENT_TYPE.as_str();
    for grpc in [
        "application/grpc",
        "application/grpc+proto",
        "Application/gRPC;x=y",
    ] {
        check(&settings, 200, &[(kind, grpc)], Judgement::InTrailers);
        check(&settings, 503, &[(kind, grpc)], failure);
        for (status, expected) in [
            ("4", failure),
            ("14", failure),
            ("0", success),
            ("13", success),
        ] {
            check(
                &settings,
                200,
                &[(kind, grpc), ("grpc-status", status)],
                expected,
            );
        }
    }
    check(
        &settings,
        200,
        &[(kind, "application/grpc-web"), ("grpc-status", "14")],
        success,
    );
    check(&settings, 200, &[(kind, "application/json")], success);
}

#[test]
fn settings_have_the_documented_defaults_and_bounds() {
    #[track_caller]
    fn wrong(field: &str, change: impl FnOnce(&mut BreakerSettings)) {
        let mut settings = BreakerSettings::default();
        change(&mut settings);
        let errors = settings.validate().unwrap_err();
        assert!(errors.errors().contains_key(field), "{errors}");
    }
    let sound = BreakerSettings::default();
    assert!(sound.validate().is_ok());
    let written = serde_json::to_value(&sound).unwrap();
    let read: BreakerSettings = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(read, sound);
    let empty: BreakerSettings = serde_json::from_str("{}").unwrap();
    assert_eq!(empty, sound);
    assert_eq!(written["failures_in_row"], 7);
    assert_eq!(
        written["failure_statuses"],
        serde_json::json!([502, 503, 504])
    );
    assert_eq!(
        (&written["minimum_calls"], &written["trial_calls"]),
        (&20.into(), &5.into())
    );

    wrong("failures_in_row", |settings| settings.failures_in_row = 0);
    wrong("failure_statuses", |settings| {
        settings.failure_statuses.push(200);
    });
    wrong("failure_rate", |settings| settings.failure_rate = 0.0);
    wrong("slow_rate", |settings| settings.slow_rate = 1.1);
    wrong("slow_call", |settings| {
        settings.slow_call = Some(Duration::ZERO);
    });
    wrong("minimum_calls", |settings| settings.minimum_calls = 0);
    wrong("window", |settings| settings.window = SECOND / 2);
    wrong("open", |settings| settings.open = Duration::ZERO);
    wrong("open_max", |settings| settings.open_max = 90_000 * SECOND);
    wrong("trial_calls", |settings| settings.trial_calls = 0);
    wrong("__all__", |settings| settings.open_max = SECOND / 2);
}

#[test]
fn the_schema_has_every_key() {
    let schema = serde_json::to_value(schemars::schema_for!(BreakerSettings)).unwrap();
    let properties = schema["properties"].as_object().unwrap();
    let keys = [
        "failures_in_row",
        "failure_statuses",
        "failure_rate",
        "slow_call",
        "slow_rate",
        "minimum_calls",
        "window",
        "open",
        "open_max",
        "trial_calls",
    ];
    assert_eq!(properties.len(), keys.len());
    for key in keys {
        assert!(properties[key]["description"].is_string(), "{key}");
    }
    assert_eq!(properties["failure_statuses"]["items"]["minimum"], 400);
    assert_eq!(properties["failure_rate"]["maximum"], 1.0);
}
