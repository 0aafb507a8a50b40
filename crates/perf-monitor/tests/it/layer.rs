use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty, Full};
use perf_monitor::{
    Aggregate, CacheOutcome, Ended, Monitor, ObserveLayer, ObservedBody, ObservedRequest, Outcome,
    PerformanceMonitor, RouteSlot, Window,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::stage::{
    Answered, Script, Step, Told, clock, data, monitor, pass, pass_millis, route, subject,
};

/// A monitor with one route, and what one request to it left behind.
struct Stage {
    monitor: Arc<Monitor>,
    route: RouteSlot,
    told: Arc<Told>,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Told)) -> Self {
        let monitor = monitor();
        let route = route(&monitor, "a");
        let mut told = Told::new(route.index());
        change(&mut told);
        let told = Arc::new(told);
        Self {
            monitor,
            route,
            told,
        }
    }

    /// The head of the answer to a request with `method` and the content `content`.
    async fn ask<A, B>(
        &self,
        method: Method,
        content: A,
        answer: impl AsyncFn(Request<ObservedRequest<A>>) -> Answered<B>,
    ) -> Response<ObservedBody<B>>
    where
        A: Body,
        B: Body,
    {
        let layer = ObserveLayer::new(self.monitor.shard(0), clock, subject);
        let answer = &answer;
        let service = layer.layer(service_fn(async move |request| answer(request).await));
        let mut request = Request::new(content);
        *request.method_mut() = method;
        request.extensions_mut().insert(Arc::clone(&self.told));
        service.oneshot(request).await.unwrap()
    }

    async fn get<B: Body>(&self, response: Response<B>) -> Response<ObservedBody<B>> {
        let response = std::cell::Cell::new(Some(response));
        let answer = async |_| Ok(response.take().unwrap());
        self.ask(Method::GET, Empty::<Bytes>::new(), answer).await
    }

    fn figures(&self) -> Aggregate {
        let figures = self
            .monitor
            .route_metrics(self.route.id(), Window::SinceStart);
        figures.unwrap()
    }

    #[track_caller]
    fn ended(&self) -> Ended {
        let ended = self.told.ended.lock().unwrap();
        assert_eq!(ended.len(), 1, "{ended:?}");
        ended[0].clone()
    }

    fn has_ended(&self) -> bool {
        !self.told.ended.lock().unwrap().is_empty()
    }
}

fn stage() -> Stage {
    Stage::new(|_| ())
}

async fn drain<B: Body<Error: std::fmt::Debug>>(body: ObservedBody<B>) -> Bytes {
    body.collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn a_request_is_counted_when_its_last_piece_is_handed_over() {
    let stage = stage();
    let response = stage.get(Response::new(Full::<Bytes>::from("hello"))).await;
    assert_eq!((stage.figures().count, stage.figures().in_flight), (0, 1));
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    // The body is still there and has not been asked for an end.
    let figures = stage.figures();
    assert_eq!(
        (figures.count, figures.in_flight, figures.bytes_out),
        (1, 0, 5)
    );
    assert_eq!(stage.ended().outcome, Outcome::Success);
    drop(body);
    assert_eq!(stage.figures().count, 1);
}

#[tokio::test]
async fn a_body_that_is_not_asked_again_after_its_length_is_complete() {
    let stage = stage();
    let mut response = Response::new(Script::new([data("hel"), data("lo")]));
    response
        .headers_mut()
        .insert("content-length", HeaderValue::from_static("5"));
    let mut body = stage.get(response).await.into_body();
    body.frame().await;
    assert!(!stage.has_ended());
    body.frame().await;
    drop(body);
    assert!(!stage.ended().aborted);
}

#[tokio::test]
async fn what_has_no_content_is_counted_at_its_head() {
    for (method, status) in [
        ("HEAD", 200),
        ("GET", 204),
        ("GET", 304),
        ("CONNECT", 200),
        ("GET", 101),
    ] {
        let stage = stage();
        let mut response = Response::new(Script::new([data("never read")]));
        *response.status_mut() = status.try_into().unwrap();
        let response = std::cell::Cell::new(Some(response));
        let answer = async |_| Ok(response.take().unwrap());
        let method = method.parse().unwrap();
        drop(stage.ask(method, Empty::<Bytes>::new(), answer).await);
        assert!(!stage.ended().aborted, "{status}");
        assert_eq!(stage.figures().aborted, 0, "{status}");
    }
    let stage = stage();
    drop(stage.get(Response::new(Empty::<Bytes>::new())).await);
    assert!(!stage.ended().aborted);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_is_told_as_499() {
    let stage = stage();
    let never = async |_| std::future::pending::<Answered<Empty<Bytes>>>().await;
    {
        let asking = stage.ask(Method::GET, Empty::<Bytes>::new(), never);
        tokio::pin!(asking);
        assert!(matches!(
            futures_poll(asking.as_mut()).await,
            std::task::Poll::Pending
        ));
        assert_eq!(stage.figures().in_flight, 1);
    }
    let (ended, figures) = (stage.ended(), stage.figures());
    assert_eq!((ended.status, ended.outcome), (499, Outcome::Aborted));
    assert_eq!(
        (figures.count, figures.aborted, figures.in_flight),
        (1, 1, 0)
    );
    assert!(figures.error_rate == 0.0);
}

async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn a_client_that_leaves_after_the_head_keeps_its_status() {
    let stage = stage();
    let mut body = stage
        .get(Response::new(Script::new([data("a"), data("b")])))
        .await
        .into_body();
    body.frame().await;
    drop(body);
    let ended = stage.ended();
    assert_eq!(
        (ended.status, ended.aborted, ended.response_bytes),
        (200, true, 1)
    );
    assert_eq!(stage.figures().aborted, 1);
    let text = stage.monitor.text(perf_monitor::Format::Prometheus);
    assert!(
        text.contains("http_server_requests_aborted_total{http_route=\"/a\"} 1\n"),
        "{text}"
    );
}

#[tokio::test]
async fn a_client_slow_to_take_makes_no_route_slow() {
    let stage = stage();
    let script = [
        Step::Work(10),
        data("a"),
        Step::Work(20),
        data("b"),
        Step::Work(5),
    ];
    let mut body = stage
        .get(Response::new(Script::new(script)))
        .await
        .into_body();
    for _ in 0..3 {
        body.frame().await;
        pass_millis(1_000);
    }
    let ended = stage.ended();
    assert_eq!(ended.response_time, Some(Duration::from_millis(35)));
    assert_eq!(ended.total_time, Duration::from_millis(2_035));
    assert_eq!(stage.figures().max, Duration::from_millis(35));
}

#[tokio::test]
async fn a_client_slow_to_take_the_last_piece_that_leaves_then_is_not_timed_either() {
    let stage = stage();
    let script = [Step::Work(10), data("a"), data("b")];
    let mut body = stage
        .get(Response::new(Script::new(script)))
        .await
        .into_body();
    body.frame().await;
    pass_millis(1_000);
    drop(body);
    assert_eq!(stage.ended().response_time, Some(Duration::from_millis(10)));
}

#[tokio::test]
async fn a_client_slow_to_send_makes_no_route_slow() {
    let stage = stage();
    let content = Script::new([
        data("abc"),
        Step::Pending,
        Step::Work(500), // Time that passes while the client sends.
        data("de"),
        Step::Pending,
    ]);
    let answer = async |request: Request<ObservedRequest<Script>>| {
        pass_millis(7);
        request.into_body().collect().await.unwrap();
        Ok(Response::new(Full::<Bytes>::from("x")))
    };
    drain(stage.ask(Method::POST, content, answer).await.into_body()).await;
    let ended = stage.ended();
    assert_eq!(ended.response_time, Some(Duration::from_millis(7)));
    assert_eq!((ended.request_bytes, stage.figures().bytes_in), (5, 5));
}

#[tokio::test]
async fn pieces_are_bounded() {
    let stage = stage();
    let content: Vec<u8> = (0..200_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
    let response = stage
        .get(Response::new(Full::<Bytes>::from(content.clone())))
        .await;
    let mut body = response.into_body();
    let mut got = Vec::new();
    while let Some(frame) = body.frame().await {
        let piece = frame.unwrap().into_data().unwrap();
        assert!(piece.len() <= 64 << 10);
        got.extend_from_slice(&piece);
        assert_eq!(
            body.size_hint().exact(),
            Some((content.len() - got.len()) as u64)
        );
        assert_eq!(stage.has_ended(), got.len() == content.len());
        assert_eq!(body.is_end_stream(), got.len() == content.len());
    }
    assert_eq!(got, content);
}

#[tokio::test]
async fn an_event_stream_is_counted_at_its_head() {
    let stage = stage();
    let mut response = Response::new(Script::new([data("data: 1\n\n"), data("data: 2\n\n")]));
    let value = HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert("content-type", value);
    let mut body = stage.get(response).await.into_body();
    let figures = stage.figures();
    assert_eq!((figures.count, figures.timed, figures.in_flight), (1, 0, 1));
    pass(Duration::from_hours(1));
    body.frame().await;
    drop(body);
    let (figures, ended) = (stage.figures(), stage.ended());
    assert_eq!((figures.count, figures.timed, figures.aborted), (1, 0, 0));
    assert_eq!(
        (figures.in_flight, figures.bytes_out, figures.max),
        (0, 9, Duration::ZERO)
    );
    assert_eq!((ended.aborted, ended.response_time), (true, None));
}

#[tokio::test]
async fn the_grpc_status_is_the_outcome() {
    let trailers = |status| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(status));
        trailers
    };
    let grpc = HeaderValue::from_static("application/grpc+proto");
    for (status, expected) in [
        ("0", Outcome::Success),
        ("5", Outcome::ClientError),
        ("14", Outcome::ServerError),
    ] {
        // In trailers, and in a head that is also the end.
        let stage = stage();
        let script = Script::new([data("message"), Step::Trailers(trailers(status))]);
        let mut response = Response::new(script);
        response.headers_mut().insert("content-type", grpc.clone());
        let mut body = stage.get(response).await.into_body();
        body.frame().await;
        body.frame().await;
        assert_eq!(stage.ended().outcome, expected);

        let stage = self::stage();
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.headers_mut() = trailers(status);
        response.headers_mut().insert("content-type", grpc.clone());
        drop(stage.get(response).await);
        assert_eq!(
            (stage.ended().outcome, stage.ended().status),
            (expected, 200)
        );
    }
    let stage = stage();
    let mut response = Response::new(Script::new([data("message")]));
    response.headers_mut().insert("content-type", grpc);
    drain(stage.get(response).await.into_body()).await;
    assert_eq!(stage.ended().error_type, Some("UNKNOWN"));
    assert_eq!(stage.figures().server_errors, 1);
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_failure_of_ours() {
    let stage = stage();
    let mut body = stage
        .get(Response::new(Script::new([data("a"), Step::Fail])))
        .await
        .into_body();
    body.frame().await;
    body.frame().await.unwrap().unwrap_err();
    let ended = stage.ended();
    assert_eq!((ended.status, ended.outcome), (200, Outcome::ServerError));
    assert!(ended.broken && !ended.aborted);
    assert_eq!(ended.error_type, Some("incomplete_body"));
}

#[tokio::test]
async fn a_service_that_fails_is_counted_as_500() {
    let stage = stage();
    let layer = ObserveLayer::new(stage.monitor.shard(0), clock, subject);
    let service = layer.layer(service_fn(async |_| {
        Err::<Response<Empty<Bytes>>, _>("failed")
    }));
    let mut request = Request::new(Empty::<Bytes>::new());
    request.extensions_mut().insert(Arc::clone(&stage.told));
    service.oneshot(request).await.unwrap_err();
    let ended = stage.ended();
    assert_eq!(
        (ended.status, ended.error_type),
        (500, Some("service_error"))
    );
}

#[tokio::test]
async fn a_handler_that_panics_is_counted_as_500() {
    let stage = Arc::new(stage());
    let asking = Arc::clone(&stage);
    let tasks = tokio::task::LocalSet::new();
    let task = tasks.run_until(async move {
        tokio::task::spawn_local(async move {
            let answer = async |_| -> Answered<Empty<Bytes>> { panic!("a handler's mistake") };
            asking.ask(Method::GET, Empty::<Bytes>::new(), answer).await;
        })
        .await
    });
    task.await.unwrap_err();
    let ended = stage.ended();
    assert_eq!((ended.status, ended.error_type), (500, Some("panic")));
    assert!(!ended.aborted);
}

#[tokio::test]
async fn what_is_not_counted_is_told_all_the_same() {
    let stage = Stage::new(|told| told.counted = false);
    drain(
        stage
            .get(Response::new(Full::<Bytes>::from("x")))
            .await
            .into_body(),
    )
    .await;
    assert_eq!(stage.ended().status, 200);
    assert_eq!(stage.figures(), Aggregate::default());
}

#[tokio::test]
async fn a_request_without_a_subject_passes() {
    let monitor = monitor();
    let layer = ObserveLayer::new(monitor.shard(0), clock, subject);
    let echo = async |request: Request<ObservedRequest<Full<Bytes>>>| {
        Ok::<_, std::convert::Infallible>(Response::new(request.into_body()))
    };
    let request = Request::new(Full::<Bytes>::from("hello"));
    let response = layer
        .layer(service_fn(echo))
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(drain(response.into_body()).await, "hello");
    assert!(monitor.all_metrics(Window::SinceStart).routes.is_empty());
}

#[tokio::test]
async fn the_subjects_words_reach_figures_and_rings() {
    let stage = Stage::new(|told| {
        told.cache = CacheOutcome::Stale;
        told.error_type = Some("timeout");
    });
    let mut response = Response::new(Full::<Bytes>::from("x"));
    *response.status_mut() = http::StatusCode::GATEWAY_TIMEOUT;
    drain(stage.get(response).await.into_body()).await;
    assert!((stage.figures().hit_rate - 1.0).abs() < f64::EPSILON);
    let text = stage.monitor.text(perf_monitor::Format::Prometheus);
    let series = "http_server_request_duration_seconds_count{urm_route=\"a\",http_route=\"/a\",\
        http_request_method=\"GET\",http_response_status_code=\"504\",url_scheme=\"https\",\
        error_type=\"timeout\"} 1\n";
    assert!(text.contains(series), "{text}");
    let recent = stage.monitor.recent(10);
    assert_eq!((recent.len(), &*recent[0].request_id), (1, "request-1"));
    assert_eq!((&*recent[0].route, &*recent[0].user_agent), ("a", "tester"));
    let slowest = stage.monitor.slowest("a", 10);
    assert_eq!((slowest.len(), &*slowest[0].request_id), (1, "request-1"));
}

#[test]
fn body_wrappers_are_empty_by_default() {
    let body = ObservedBody::<Full<Bytes>>::default();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
    let body = ObservedRequest::<Full<Bytes>>::default();
    assert!(body.is_end_stream());
    assert_eq!(body.size_hint().exact(), Some(0));
}
