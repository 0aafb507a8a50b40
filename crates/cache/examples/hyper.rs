//! The layer in a plain hyper server, on one thread and without `Send`:
//! `cargo run -p cache --features tokio --example cache-hyper`.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use cache::{
    CacheLayer, CachePolicy, CacheRequestBody, MemoryOptions, MemoryProvider, RouteCacheSettings,
    Spawn,
};
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tower::{Layer, service_fn};

/// Runs fills on this thread: they need not be `Send`.
#[derive(Clone, Copy, Debug)]
struct ThisThread;

impl<F: Future<Output = ()> + 'static> Spawn<F> for ThisThread {
    fn spawn(&self, work: F) {
        tokio::task::spawn_local(work);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    tokio::task::LocalSet::new().block_on(&runtime, serve())
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let store = Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now));
    let policy = CachePolicy::compile("all", &RouteCacheSettings::default(), &["X-Api-Key"]);
    let answer = service_fn(async |_: Request<CacheRequestBody<Incoming>>| {
        let text = format!("{:?}\n", SystemTime::now());
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    });
    let service = CacheLayer::with_policy(store, policy)
        .executor(ThisThread)
        .layer(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::task::spawn_local(async move {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(socket), service);
            if let Err(error) = connection.await {
                eprintln!("{error}");
            }
        });
    }
}
