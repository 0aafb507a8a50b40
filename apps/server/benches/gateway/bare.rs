//! What one has without a gateway: hyper alone.
//!
//! The fixed answers come from a `service_fn` that drops the request inside `call`, the least that hyper costs. The
//! proxy is a server and pooled client connections on one runtime.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Request, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// The `ETag` of every answer.
pub(crate) const TAG: &str = "\"bench\"";

/// How long an origin thinks that shall have many requests at once.
const LATER: Duration = Duration::from_millis(500);

/// Runs the role that the arguments name, if they name one.
pub(crate) fn run(arguments: &[String]) -> bool {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["role-fixed"] => block_on(serve(|stream| {
            http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                service_fn(|request| ready(Ok::<_, Infallible>(fixed(&request)))),
            )
        })),
        ["role-fixed-threads"] => threads(),
        ["role-later"] => block_on(serve(|stream| {
            let service = service_fn(|request| async move {
                tokio::time::sleep(LATER).await;
                Ok::<_, Infallible>(fixed(&request))
            });
            http1::Builder::new().serve_connection(TokioIo::new(stream), service)
        })),
        ["role-fixed-http2"] => block_on(serve(|stream| {
            http2::Builder::new(Local).serve_connection(
                TokioIo::new(stream),
                service_fn(|request| ready(Ok::<_, Infallible>(fixed(&request)))),
            )
        })),
        ["role-proxy", origin] => {
            let pool = Rc::new(Pool::new(origin.parse().unwrap()));
            block_on(serve(move |stream| {
                let pool = Rc::clone(&pool);
                let service = service_fn(move |request| Rc::clone(&pool).forward(request));
                http1::Builder::new().serve_connection(TokioIo::new(stream), service)
            }));
        }
        _ => return false,
    }
    true
}

/// Spawns what need not be `Send`.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(async move { drop(future.await) });
    }
}

fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, work);
}

/// The fixed answers on one runtime of two threads that share their work.
fn threads() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let service = service_fn(|request| ready(Ok::<_, Infallible>(fixed(&request))));
            let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move { drop(served.await) });
        }
    });
}

/// Accepts for ever, and prints where.
async fn serve<C>(connection: impl Fn(TcpStream) -> C)
where
    C: Future + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("{}", listener.local_addr().unwrap());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let served = connection(stream);
        spawn_local(async move { drop(served.await) });
    }
}

/// An answer of the size that the path's last segment begins with, or a 304 to whoever has it.
fn fixed(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    static BODY: [u8; 16 << 20] = [b'x'; 16 << 20];
    let has_it = request.headers().contains_key(IF_NONE_MATCH);
    let size = if has_it {
        0
    } else {
        size(request.uri().path())
    };
    let mut response = Response::new(Full::new(Bytes::from_static(&BODY[..size])));
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    headers.insert(ETAG, HeaderValue::from_static(TAG));
    headers.insert(AGE, HeaderValue::from_static("1"));
    response
}

fn size(path: &str) -> usize {
    let last = path.rsplit('/').next().unwrap_or_default();
    let digits = last.split('-').next().unwrap_or_default();
    digits.parse().unwrap_or(1024)
}

type Sender = client::SendRequest<Incoming>;

struct Pool {
    origin: SocketAddr,
    idle: RefCell<Vec<Sender>>,
}

impl Pool {
    fn new(origin: SocketAddr) -> Self {
        Self {
            origin,
            idle: RefCell::default(),
        }
    }

    async fn sender(&self) -> Sender {
        // One whose last answer still streams is left where it is.
        let ready = {
            let mut idle = self.idle.borrow_mut();
            idle.retain(|sender| !sender.is_closed());
            let place = idle.iter().rposition(Sender::is_ready);
            place.map(|place| idle.swap_remove(place))
        };
        if let Some(sender) = ready {
            return sender;
        }
        let stream = TcpStream::connect(self.origin).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = client::handshake(TokioIo::new(stream)).await.unwrap();
        spawn_local(async move { drop(connection.await) });
        sender
    }

    async fn forward(
        self: Rc<Self>,
        mut request: Request<Incoming>,
    ) -> Result<Response<Either<Incoming, Full<Bytes>>>, Infallible> {
        request.headers_mut().remove("connection");
        let mut sender = self.sender().await;
        let answer = sender.send_request(request).await;
        self.idle.borrow_mut().push(sender);
        Ok(answer.map_or_else(
            |_| {
                let mut bad = Response::new(Either::Right(Full::default()));
                *bad.status_mut() = StatusCode::BAD_GATEWAY;
                bad
            },
            |answer| answer.map(Either::Left),
        ))
    }
}
