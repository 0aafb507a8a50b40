//! The checks that come with the crate, against the real thing.

use std::io;
use std::net::TcpListener;
use std::time::Duration;

use ops_health::{
    Cause, Criticality, HealthCheck, MemoryCheck, PingCheck, ReachCheck, Status, TargetState,
    TargetsCheck,
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn memory_is_read() {
    let result = MemoryCheck::new().execute().await;
    assert_eq!(MemoryCheck::new().criticality(), Criticality::Critical);
    let figure = |name: &str| result.details[name].parse::<u64>().unwrap();
    assert!(figure("resident_bytes") > 100_000);
    assert!(figure("limit_bytes") > figure("resident_bytes"));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_judged_by_its_answer_and_its_time() {
    #[track_caller]
    fn judged(status: Status, wanted: Status) {
        assert_eq!(status, wanted);
    }
    let after = |millis, answer: fn() -> io::Result<()>| {
        PingCheck::new(
            "search",
            move || async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                answer()
            },
            Duration::from_millis(50),
        )
    };
    judged(after(10, || Ok(())).execute().await.status, Status::Healthy);
    judged(
        after(60, || Ok(())).execute().await.status,
        Status::Degraded,
    );
    let fails = after(10, || Err(io::Error::other("gone"))).execute().await;
    judged(fails.status, Status::Unhealthy);
    assert_eq!(fails.details["error"], "gone");
}

#[test]
fn a_ping_is_minor_until_told_otherwise() {
    let ping = || PingCheck::new("search", || async { Ok::<_, io::Error>(()) }, SECOND);
    assert_eq!(ping().criticality(), Criticality::Minor);
    assert_eq!(ping().critical().criticality(), Criticality::Critical);
    assert!(!ping().gates_readiness());
    assert_eq!(ping().cause(), Cause::Shared);
    assert!(ping().gating_readiness().gates_readiness());
    assert_eq!(ping().gating_readiness().cause(), Cause::Local);
}

#[tokio::test]
async fn targets_are_counted() {
    let check = TargetsCheck::new("upstream:catalog", || {
        [None, Some("ejected")]
            .map(|out| TargetState {
                address: format!("10.0.0.{}:80", u8::from(out.is_some())),
                out: out.map(Into::into),
            })
            .to_vec()
    });
    let result = check.execute().await;
    assert_eq!(result.status, Status::Degraded);
    assert_eq!(result.details["10.0.0.1:80"], "ejected");
    assert_eq!(check.criticality(), Criticality::Minor);
}

#[tokio::test]
async fn addresses_are_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let open = listener.local_addr().unwrap().to_string();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    for (addresses, status) in [
        (vec![open.clone()], Status::Healthy),
        (vec![open.clone(), closed.clone()], Status::Degraded),
        (vec![closed], Status::Unhealthy),
        (vec!["no address".into(), open], Status::Degraded),
        (vec![], Status::Unhealthy),
    ] {
        let check = ReachCheck::new("upstream:catalog", move || addresses.clone(), SECOND);
        let result = check.execute().await;
        assert_eq!(result.status, status, "{result:?}");
    }
}
