//! A breaker before a tower service.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::channel::Channel;
use http_body_util::{BodyExt, Empty, Full};
use ops_health::{
    Breaker, BreakerHooks, BreakerLayer, BreakerRefusal, BreakerSettings, BreakerState,
    CallOutcome, Judgement,
};
use tower::{Layer, Service, ServiceExt, service_fn};

thread_local! {
    static NOW: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The time of the test, which stands still.
fn clock() -> Instant {
    NOW.get().unwrap_or_else(|| {
        let now = Instant::now();
        NOW.set(Some(now));
        now
    })
}

fn pass(time: Duration) {
    NOW.set(Some(clock() + time));
}

fn hooks() -> BreakerHooks {
    BreakerHooks {
        clock,
        ..BreakerHooks::default()
    }
}

fn breaker() -> Arc<Breaker> {
    Arc::new(Breaker::new("part", BreakerSettings::default(), clock()))
}

fn layer(breaker: &Arc<Breaker>) -> BreakerLayer {
    BreakerLayer::for_all(Arc::clone(breaker)).with_hooks(hooks())
}

fn failures(breaker: &Breaker) -> u64 {
    breaker.status(clock()).counts.failures_in_row
}

fn calls(breaker: &Breaker) -> u64 {
    breaker.status(clock()).counts.calls
}

fn request() -> Request<()> {
    Request::new(())
}

fn response(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from("body"));
    *response.status_mut() = status;
    response
}

#[tokio::test]
async fn an_open_one_refuses_without_asking() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let inner = service_fn(move |_: Request<()>| {
        counts.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, Infallible>(response(StatusCode::BAD_GATEWAY)) }
    });
    let breaker = breaker();
    let service = layer(&breaker).layer(inner);
    for _ in 0..7 {
        let answer = service.clone().oneshot(request()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    let answer = service.clone().oneshot(request()).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 7);
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let after: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=2).contains(&after));
    let refusal = answer.extensions().get::<BreakerRefusal>().unwrap();
    assert_eq!(refusal.state, BreakerState::Open);
    assert!(
        answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );

    pass(Duration::from_secs(after));
    let answer = service.oneshot(request()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(asked.load(Ordering::SeqCst), 8);
}

#[tokio::test]
async fn an_error_is_a_failure_and_rises() {
    let inner = service_fn(|_: Request<()>| async { Err::<Response<Full<Bytes>>, _>("away") });
    let breaker = breaker();
    let service = layer(&breaker).layer(inner);
    assert_eq!(service.oneshot(request()).await.unwrap_err(), "away");
    assert_eq!(failures(&breaker), 1);
}

#[tokio::test]
async fn each_request_has_the_breaker_of_its_own_part() {
    let inner = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(response(StatusCode::SERVICE_UNAVAILABLE))
    });
    let service = BreakerLayer::new(hooks()).layer(inner);
    let (one, other) = (breaker(), breaker());
    for _ in 0..7 {
        let mut request = request();
        request.extensions_mut().insert(Arc::clone(&one));
        service.clone().oneshot(request).await.unwrap();
        let answer = service.clone().oneshot(self::request()).await.unwrap();
        assert!(answer.extensions().get::<BreakerRefusal>().is_none());
    }
    assert_eq!(one.state(), BreakerState::Open);
    assert_eq!(other.state(), BreakerState::Closed);
    let mut request = request();
    request.extensions_mut().insert(one);
    let answer = service.oneshot(request).await.unwrap();
    assert!(answer.extensions().get::<BreakerRefusal>().is_some());
}

#[tokio::test]
async fn a_hook_may_tell_an_answer_of_ones_own() {
    #[derive(Clone)]
    struct Ours;
    let inner = service_fn(|_: Request<()>| async {
        let mut response = response(StatusCode::SERVICE_UNAVAILABLE);
        response.extensions_mut().insert(Ours);
        Ok::<_, Infallible>(response)
    });
    let breaker = breaker();
    let hooks = BreakerHooks {
        judge: |breaker, head| match head.extensions.get::<Ours>() {
            Some(Ours) => Judgement::Known(CallOutcome::Undecided),
            None => breaker.judge(head),
        },
        ..hooks()
    };
    let service = layer(&breaker).with_hooks(hooks).layer(inner);
    for _ in 0..20 {
        let answer = service.clone().oneshot(request()).await.unwrap();
        assert!(answer.extensions().get::<BreakerRefusal>().is_none());
    }
    assert_eq!(calls(&breaker), 0);
}

#[test]
fn who_leaves_counts_as_nothing_and_gives_a_trial_back() {
    let inner = service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let breaker = breaker();
    let mut service = layer(&breaker).layer(inner);
    let mut context = Context::from_waker(Waker::noop());
    let mut leave = || {
        let mut future = Box::pin(service.call(request()));
        let pending = future.as_mut().poll(&mut context).is_pending();
        drop(future);
        pending
    };
    assert!(leave());
    assert_eq!(calls(&breaker), 0);
    for _ in 0..7 {
        let permit = breaker.try_acquire(clock()).unwrap();
        permit.complete(CallOutcome::Failure, clock());
    }
    assert!(!leave(), "it refuses");
    pass(Duration::from_secs(2));
    for _ in 0..20 {
        assert!(leave());
    }
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn who_leaves_a_hung_part_is_a_slow_call() {
    let settings = BreakerSettings {
        slow_call: Some(Duration::from_secs(1)),
        ..BreakerSettings::default()
    };
    let breaker = Arc::new(Breaker::new("part", settings, clock()));
    let inner = service_fn(|_: Request<()>| {
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    });
    let future = layer(&breaker).layer(inner).call(request());
    pass(Duration::from_secs(2));
    drop(future);
    assert_eq!(breaker.status(clock()).counts.slow, 1);
}

/// A gRPC call, and the other end of its answer's body.
async fn grpc(
    breaker: &Arc<Breaker>,
) -> (
    impl Body<Data = Bytes, Error = Infallible> + Unpin,
    http_body_util::channel::Sender<Bytes>,
) {
    let (sender, body) = Channel::<Bytes, Infallible>::new(4);
    let mut body = Some(body);
    let inner = service_fn(move |_: Request<()>| {
        let body = body.take().map(BodyExt::boxed_unsync).unwrap_or_default();
        let response = Response::builder().header("content-type", "application/grpc");
        let response = response.body(body).unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let answer = layer(breaker).layer(inner).oneshot(request()).await;
    (answer.unwrap().into_body(), sender)
}

#[tokio::test]
async fn trailers_tell_how_a_grpc_call_went() {
    for (status, failed) in [("14", 1), ("4", 1), ("0", 0), ("13", 0)] {
        let breaker = breaker();
        let (body, mut sender) = grpc(&breaker).await;
        sender.send_data(Bytes::from("message")).await.unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", status.parse().unwrap());
        sender.send_trailers(trailers).await.unwrap();
        drop(sender);
        assert_eq!(calls(&breaker), 0);
        let collected = body.collect().await.unwrap();
        assert!(collected.trailers().is_some());
        assert_eq!(
            (calls(&breaker), failures(&breaker)),
            (1, failed),
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_grpc_stream_that_goes_on_has_been_answered() {
    let breaker = breaker();
    let (mut body, mut sender) = grpc(&breaker).await;
    sender.send_data(Bytes::from("first")).await.unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!(calls(&breaker), 0);
    pass(Duration::from_secs(10));
    sender.send_data(Bytes::from("second")).await.unwrap();
    body.frame().await.unwrap().unwrap();
    assert_eq!((calls(&breaker), failures(&breaker)), (1, 0));
}

/// A body that is cut at its start.
#[derive(Default)]
struct Cut;

impl Body for Cut {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err("cut")))
    }
}

#[tokio::test]
async fn a_grpc_answer_that_breaks_off_is_a_failure_and_one_that_is_dropped_nothing() {
    let broken = breaker();
    let inner = service_fn(|_: Request<()>| async {
        let response = Response::builder().header("content-type", "application/grpc");
        Ok::<_, Infallible>(response.body(Cut).unwrap())
    });
    let answer = layer(&broken)
        .layer(inner)
        .oneshot(request())
        .await
        .unwrap();
    assert!(answer.into_body().collect().await.is_err());
    assert_eq!((calls(&broken), failures(&broken)), (1, 1));

    let breaker = breaker();
    let (body, _sender) = grpc(&breaker).await;
    drop(body);
    assert_eq!(calls(&breaker), 0);
}

#[test]
fn readiness_is_that_of_the_service_behind() {
    struct Busy;
    impl Service<Request<()>> for Busy {
        type Response = Response<Empty<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Pending
        }
        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::ready(Ok(Response::default()))
        }
    }
    let breaker = breaker();
    breaker.force_open(clock());
    let mut context = Context::from_waker(Waker::noop());
    let busy = layer(&breaker).layer(Busy).poll_ready(&mut context);
    assert!(busy.is_pending());
    let mut free = layer(&breaker).layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(response(StatusCode::OK))
    }));
    assert!(free.poll_ready(&mut context).is_ready());
}
