//! An upstream that does what a test says, and a cache before it on a paused clock.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use cache::{
    Cache, CacheBody, CacheBodyError, CacheHooks, CacheLayer, CacheOutcome, CachePolicy,
    CacheProvider, CacheRequestBody, FillMemory, MemoryOptions, MemoryProvider, RouteCacheSettings,
    TokioSpawn,
};
use http::{Extensions, HeaderMap, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tower::{Layer, Service, ServiceExt};

thread_local! {
    static STARTED: Cell<Option<Instant>> = const { Cell::new(None) };
    static TOLD: RefCell<Vec<CacheOutcome>> = const { RefCell::new(Vec::new()) };
}

/// The paused clock of the test's runtime.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

pub(crate) fn wall() -> SystemTime {
    let started = STARTED.get().unwrap_or_else(|| {
        STARTED.set(Some(now()));
        now()
    });
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + (now() - started)
}

/// What the layer has told since it was last asked.
pub(crate) fn told() -> Vec<CacheOutcome> {
    TOLD.take()
}

/// Marks a response as the program's own refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refused;

fn hooks() -> CacheHooks {
    CacheHooks {
        clock: now,
        wall,
        seen: |extensions| cache::Seen {
            scheme: "https",
            ..(CacheHooks::default().seen)(extensions)
        },
        tell: |_, outcome| TOLD.with_borrow_mut(|told| told.push(outcome)),
        is_refusal: |extensions: &Extensions| extensions.get::<Refused>().is_some(),
        ..CacheHooks::default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("broken")]
pub(crate) struct Broken;

impl Broken {
    /// Whether it is why a body ended early.
    pub(crate) fn is_behind(error: &CacheBodyError) -> bool {
        let source = Error::source(error);
        source.and_then(|source| source.downcast_ref()) == Some(&Self)
    }
}

/// A body that is there, or one whose pieces a test sends.
pub(crate) enum TestBody {
    Whole(Option<Bytes>),
    Piped(mpsc::UnboundedReceiver<Result<Frame<Bytes>, Broken>>, Pipe),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pipe(Arc<AtomicBool>);

impl Pipe {
    /// Whether the body was dropped.
    pub(crate) fn is_dropped(&self) -> bool {
        self.0.load(SeqCst)
    }
}

pub(crate) type Sender = mpsc::UnboundedSender<Result<Frame<Bytes>, Broken>>;

impl TestBody {
    pub(crate) fn whole(body: &'static str) -> Self {
        Self::Whole(Some(Bytes::from_static(body.as_bytes())))
    }

    pub(crate) fn piped() -> (Sender, Pipe, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let pipe = Pipe::default();
        (sender, pipe.clone(), Self::Piped(receiver, pipe))
    }
}

impl Drop for TestBody {
    fn drop(&mut self) {
        if let Self::Piped(_, pipe) = self {
            pipe.0.store(true, SeqCst);
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a pipe takes")]
pub(crate) fn piece(text: &str) -> Result<Frame<Bytes>, Broken> {
    Ok(Frame::data(Bytes::copy_from_slice(text.as_bytes())))
}

impl Body for TestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match &mut *self {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Piped(receiver, _) => receiver.poll_recv(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }
}

type Answer = Box<dyn FnMut(&Request<Empty<Bytes>>) -> Response<TestBody> + Send>;

/// Answers as the test says, and remembers what it was asked.
#[derive(Clone)]
pub(crate) struct Upstream {
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<Vec<(Method, Uri, HeaderMap)>>>,
    contents: Arc<Mutex<Vec<Sent>>>,
    gate: Arc<Mutex<Option<Arc<Semaphore>>>>,
}

/// What requests of tests have for a body.
pub(crate) trait RequestContent:
    Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static
{
}

impl<A> RequestContent for A where
    A: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static
{
}

/// The content that a request came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What its body said of its length before it was read.
    pub(crate) length: Option<u64>,
    pub(crate) bytes: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) broken: bool,
}

async fn received<A>(body: CacheRequestBody<A>) -> Sent
where
    A: RequestContent,
{
    let mut sent = Sent {
        length: body.size_hint().exact(),
        bytes: Bytes::new(),
        trailers: None,
        broken: false,
    };
    let mut body = std::pin::pin!(body);
    while !body.is_end_stream()
        && let Some(frame) = body.as_mut().frame().await
    {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => sent.bytes = [sent.bytes, data].concat().into(),
            Ok(Err(frame)) => sent.trailers = frame.into_trailers().ok(),
            Err(error) => {
                sent.broken = error.is::<Broken>();
                break;
            }
        }
    }
    sent
}

impl<A> Service<Request<CacheRequestBody<A>>> for Upstream
where
    A: RequestContent,
{
    type Response = Response<TestBody>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Response<TestBody>, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<CacheRequestBody<A>>) -> Self::Future {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let asked = (method, uri, request.headers().clone());
        self.asked.lock().unwrap().push(asked);
        let (gate, answer) = (self.gate.lock().unwrap().clone(), Arc::clone(&self.answer));
        let contents = Arc::clone(&self.contents);
        let (head, body) = request.into_parts();
        let request = Request::from_parts(head, Empty::new());
        Box::pin(async move {
            let sent = received(body).await;
            contents.lock().unwrap().push(sent);
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            Ok(answer.lock().unwrap()(&request))
        })
    }
}

/// A cache before an upstream.
pub(crate) struct World {
    pub(crate) store: Arc<MemoryProvider>,
    pub(crate) fills: Arc<FillMemory>,
    pub(crate) service: Cache<Upstream, TokioSpawn>,
    upstream: Upstream,
    pub(crate) policy: Option<CachePolicy>,
}

pub(crate) fn policy(settings: &RouteCacheSettings) -> CachePolicy {
    CachePolicy::compile("space", settings, &["X-Api-Key"])
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(&RouteCacheSettings::default())
    }

    pub(crate) fn with(settings: &RouteCacheSettings) -> Self {
        Self::over(settings, FillMemory::new(1 << 20), |store| store)
    }

    pub(crate) fn over<P: CacheProvider>(
        settings: &RouteCacheSettings,
        fills: Arc<FillMemory>,
        provider: impl FnOnce(Arc<MemoryProvider>) -> Arc<P>,
    ) -> Self {
        wall();
        told();
        let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), now));
        let upstream = Upstream {
            answer: Arc::new(Mutex::new(Box::new(|_| {
                Response::new(TestBody::whole("hello"))
            }))),
            asked: Arc::default(),
            contents: Arc::default(),
            gate: Arc::default(),
        };
        let service = CacheLayer::new(provider(Arc::clone(&store)), hooks())
            .executor(TokioSpawn)
            .fill_memory(Arc::clone(&fills))
            .layer(upstream.clone());
        Self {
            store,
            fills,
            service,
            upstream,
            policy: Some(policy(settings)),
        }
    }

    /// What the upstream answers from now on.
    pub(crate) fn answers(
        &self,
        answer: impl FnMut(&Request<Empty<Bytes>>) -> Response<TestBody> + Send + 'static,
    ) {
        *self.upstream.answer.lock().unwrap() = Box::new(answer);
    }

    /// The upstream answers each with a 200 of these fields and this body.
    pub(crate) fn answers_with(&self, fields: &'static [(&str, &str)], body: &'static str) {
        self.answers(move |_| response(fields, TestBody::whole(body)));
    }

    /// From now on the upstream answers only as often as the gate lets it.
    pub(crate) fn gated(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.upstream.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    /// Begins a request of a client of its own.
    pub(crate) fn begin<A>(&self, mut request: Request<A>) -> JoinHandle<Seen>
    where
        A: RequestContent,
    {
        request
            .extensions_mut()
            .insert(self.policy.clone().unwrap());
        let mut service = self.service.clone();
        tokio::spawn(async move {
            let ready = ServiceExt::<Request<A>>::ready(&mut service).await.unwrap();
            let (parts, body) = ready.call(request).await.unwrap().into_parts();
            Seen {
                status: parts.status,
                headers: parts.headers,
                body: body
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes),
            }
        })
    }

    /// What the upstream was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<(Method, Uri, HeaderMap)> {
        std::mem::take(&mut self.upstream.asked.lock().unwrap())
    }

    /// The contents that the upstream has received since the last call.
    pub(crate) fn contents(&self) -> Vec<Sent> {
        std::mem::take(&mut self.upstream.contents.lock().unwrap())
    }

    /// Asks, and waits for the head of the answer.
    pub(crate) async fn send<A>(&mut self, mut request: Request<A>) -> Response<CacheBody<TestBody>>
    where
        A: RequestContent,
    {
        if let Some(policy) = &self.policy
            && request.extensions().get::<CachePolicy>().is_none()
        {
            request.extensions_mut().insert(policy.clone());
        }
        let ready = ServiceExt::<Request<A>>::ready(&mut self.service)
            .await
            .unwrap();
        ready.call(request).await.unwrap()
    }

    /// Asks, and waits for the whole of the answer.
    pub(crate) async fn ask<A>(&mut self, request: Request<A>) -> Seen
    where
        A: RequestContent,
    {
        let (parts, body) = self.send(request).await.into_parts();
        Seen {
            status: parts.status,
            headers: parts.headers,
            body: body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes),
        }
    }

    pub(crate) async fn get(&mut self, uri: &str) -> Seen {
        self.ask(get(uri)).await
    }
}

pub(crate) fn get(uri: &str) -> Request<Empty<Bytes>> {
    request("GET", uri, &[])
}

pub(crate) fn request(method: &str, uri: &str, fields: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let mut request = Request::builder().method(method).uri(uri);
    if uri.starts_with('/') {
        request = request.header("host", "example.com");
    }
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(Empty::new()).unwrap()
}

pub(crate) fn response(fields: &[(&str, &str)], body: TestBody) -> Response<TestBody> {
    let mut response = Response::builder();
    for (name, value) in fields {
        response = response.header(*name, *value);
    }
    response.body(body).unwrap()
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Bytes, CacheBodyError>,
}

impl Seen {
    /// The word of `X-Cache`, or nothing.
    pub(crate) fn x_cache(&self) -> &str {
        self.field("x-cache")
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().unwrap()).unwrap()
    }
}

/// Lets background work go on until nothing more can happen at this moment.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// Lets the paused clock run.
pub(crate) async fn pass(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// An answer of this status without content.
pub(crate) fn status(status: StatusCode, fields: &[(&str, &str)]) -> Response<TestBody> {
    let mut response = response(fields, TestBody::whole(""));
    *response.status_mut() = status;
    response
}
