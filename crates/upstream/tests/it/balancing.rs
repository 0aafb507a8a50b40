//! Which endpoint is asked, and what is told of it.

use std::sync::{Arc, Mutex};

use http::Request;
use tokio::join;
use tower::ServiceExt;
use upstream::{Balance, Forward, ForwardPolicy, Told, Upstream, UpstreamSettings, WorkerPools};

use crate::client::{empty, get, text};
use crate::origin::{Origin, nobody, policy, settings};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

#[tokio::test]
async fn round_robin_goes_round() {
    let (one, two) = (Origin::bind().await, Origin::bind().await);
    let settings = UpstreamSettings {
        balance: Balance::RoundRobin,
        pool_max_idle: 0,
        ..settings(&[one.address, two.address])
    };
    let forward = Forward::alone(policy(&settings));
    for origin in [&one, &two, &one, &two] {
        let (answer, _) = join!(get(&forward), origin.answer(OK));
        assert_eq!(text(answer).await, "hi");
    }
}

#[tokio::test]
async fn p2c_avoids_the_endpoint_that_is_down() {
    let origin = Origin::bind().await;
    let upstream = Upstream::new("up", &settings(&[nobody().await, origin.address]));
    let forward = Forward::alone(ForwardPolicy::new(Arc::clone(&upstream)));
    let serve = async {
        let mut peer = origin.accept().await;
        loop {
            peer.head().await;
            peer.send(OK).await;
        }
    };
    let ask = async {
        for _ in 0..50 {
            assert_eq!(text(get(&forward).await).await, "hi");
        }
    };
    tokio::select! {
        () = ask => {}
        () = serve => {}
    }
    let [down, up] = upstream.endpoints() else {
        panic!()
    };
    assert!(
        down.requests() <= 1,
        "its failure costs it a second: {down:?}"
    );
    assert_eq!(up.requests(), 50);
    assert_eq!(down.failures(), down.requests());
}

/// What was told of a request, in an extension of its own.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

fn forward() -> Forward {
    Forward::new(
        WorkerPools::new(2),
        http::Extensions::get::<ForwardPolicy>,
        |_| None,
        |extensions, told: &Told<'_>| {
            if let Some(Heard(heard)) = extensions.get() {
                heard.lock().unwrap().push(format!(
                    "{} {} tries={} kept={} error={:?}",
                    told.upstream.unwrap_or("-"),
                    told.endpoint.map_or("-", |endpoint| endpoint.address()),
                    told.tries,
                    told.kept,
                    told.error
                ));
            }
        },
    )
}

#[tokio::test]
async fn what_was_learned_is_told_once() {
    let origin = Origin::bind().await;
    let (policy, heard, address) = (origin.policy(), Heard::default(), origin.address);
    let forward = forward();
    let ask = || {
        let request = Request::get("/")
            .extension(policy.clone())
            .extension(heard.clone())
            .body(empty())
            .unwrap();
        forward.clone().oneshot(request)
    };
    let (answer, (mut peer, _)) = join!(ask(), origin.answer(OK));
    text(answer.unwrap()).await;
    // The second client leaves before it has an answer.
    let leaving = tokio::spawn(ask());
    peer.head().await;
    leaving.abort();
    peer.closed().await;
    assert_eq!(
        *heard.0.lock().unwrap(),
        [
            format!("up {address} tries=1 kept=false error=None"),
            format!("up {address} tries=1 kept=true error=None"),
        ]
    );
}

#[tokio::test]
async fn a_refusal_is_told_with_its_word() {
    let address = nobody().await;
    let heard = Heard::default();
    let request = Request::get("/")
        .extension(policy(&settings(&[address])))
        .extension(heard.clone())
        .body(empty())
        .unwrap();
    let answer = forward().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 502);
    assert_eq!(
        *heard.0.lock().unwrap(),
        [format!(
            "up {address} tries=2 kept=false error=Some(\"connection_refused\")"
        )]
    );
}
