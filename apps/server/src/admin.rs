//! The admin listener: probes, `/metrics` and the admin API, on the runtime that serves no requests.
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use admin::{AdminApi, Peer};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ops_health::Detail;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::adapters::Operations;
use crate::builtin::Builtin;
use crate::settings::{AdminPort, AdminSettings, Stage};
use crate::snapshot::{Registries, Snapshot};
use crate::worker::Current;

/// Connections that the admin listener serves at once.
const CONNECTIONS_MAX: usize = 256;
/// How long a client may take for a request's head, and a connection may stay idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may live: a scraper connects again.
const CONNECTION_MAX: Duration = Duration::from_mins(10);

/// How long a call of the admin API may take, its body counted in.
const CALL_MAX: Duration = Duration::from_secs(30);

/// The most of an answer that is handed over at once: some tens of microseconds of copying.
const PIECE: usize = 64 << 10;

/// The bound listener.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    address: SocketAddr,
}

impl Admin {
    /// Binds the listener, if there is to be one; the error names the address.
    pub async fn bind(settings: &AdminSettings) -> io::Result<Option<Self>> {
        let AdminPort::Port(port) = settings.port else {
            return Ok(None);
        };
        let host = settings.host.trim_start_matches('[').trim_end_matches(']');
        let listener = TcpListener::bind((host, port)).await?;
        let address = listener.local_addr()?;
        Ok(Some(Self { listener, address }))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the task ends.
    pub async fn serve(self: Arc<Self>, current: Current, api: Arc<AdminApi>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let (stream, peer) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "the admin listener could not accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let site = Site {
                current: Arc::clone(&current),
                api: Arc::clone(&api),
                peer: peer.ip(),
                on_loopback: self.address.ip().is_loopback(),
            };
            tokio::spawn(async move {
                let _ = tokio::time::timeout(CONNECTION_MAX, connection(stream, site)).await;
                drop(place);
            });
        }
    }
}

/// The admin API on what outlives every snapshot.
pub fn api(registries: &Registries) -> Arc<AdminApi> {
    let operations = Operations::new(Arc::clone(&registries.store));
    Arc::new(AdminApi::new(Arc::new(operations)))
}

/// Whether the admin API is there where no token is configured.
pub fn is_open(stage: Stage, on_loopback: bool) -> bool {
    on_loopback && stage != Stage::Production
}

/// What a connection's requests meet.
struct Site {
    current: Current,
    api: Arc<AdminApi>,
    peer: IpAddr,
    on_loopback: bool,
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Bytes> {
        let snapshot = self.current.load_full();
        if !AdminApi::takes(request.uri().path()) {
            return answer(&request, snapshot).await;
        }
        let peer = Peer {
            address: self.peer,
            now: Instant::now(),
            is_open: is_open(snapshot.stage, self.on_loopback),
        };
        let answer = self.api.answer(&snapshot.access, &peer, request);
        tokio::time::timeout(CALL_MAX, answer)
            .await
            .unwrap_or_else(|_| plain(StatusCode::REQUEST_TIMEOUT, "{\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\"detail\":\"A call of the admin API takes at most 30 s.\"}\n"))
    }
}

async fn connection(stream: TcpStream, site: Site) {
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(site.answer(request).await.map(Pieces))
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), answer);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a connection of the admin listener ended early");
    }
}

async fn answer(request: &Request<Incoming>, snapshot: Arc<Snapshot>) -> Response<Bytes> {
    let Some(builtin) = Builtin::of_admin(request.uri().path()) else {
        let text = "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"detail\":\"The admin listener has /health, /health/live, /health/ready, /health/startup, /metrics and /api/v1.\"}\n";
        return plain(StatusCode::NOT_FOUND, text);
    };
    if !Builtin::takes(request.method()) {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "{\"title\":\"Method Not Allowed\",\"status\":405}\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match builtin {
        Builtin::Probe(probe) => {
            let registries = &snapshot.registries;
            probe
                .answer(&registries.lifecycle, &registries.health, Detail::Full)
                .into_response()
        }
        Builtin::Metrics => {
            let renderer = snapshot.registries.renderer.clone();
            let query = request.uri().query();
            renderer.render(snapshot, request.headers(), query).await
        }
    }
}

/// What is left of an answer. The figures of many routes are megabytes; between pieces, whoever waits for the processor
/// has it, and that is mostly requests.
struct Pieces(Bytes);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        if self.0.len() > PIECE {
            thread::yield_now();
        }
        let length = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(text.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
