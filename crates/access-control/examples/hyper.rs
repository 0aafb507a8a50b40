//! The same in a plain hyper server, where a policy travels with each request.
//!
//! ```text
//! curl -i -H 'Origin: http://localhost:3000' http://127.0.0.1:PORT/open
//! curl -i -X OPTIONS -H 'Origin: http://localhost:3000' -H 'Access-Control-Request-Method: PUT' http://127.0.0.1:PORT/open
//! curl -i -H 'Origin: http://localhost:3000' http://127.0.0.1:PORT/
//! ```
#![expect(clippy::print_stdout, reason = "the address is what to try")]

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use access_control::{CorsLayer, CorsPolicy, CorsSettings, Trust, TrustSettings};
use http::{Extensions, HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tower::{Layer as _, ServiceExt as _};

/// What the server found out about a request before any layer meets it.
#[derive(Clone)]
struct Found {
    policy: Arc<CorsPolicy>,
    methods: HeaderValue,
}

fn policy(extensions: &Extensions) -> Option<&CorsPolicy> {
    Some(&*extensions.get::<Found>()?.policy)
}

fn methods(extensions: &Extensions) -> Option<HeaderValue> {
    Some(extensions.get::<Found>()?.methods.clone())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let trust = Arc::new(Trust::compile(&TrustSettings::default()));
    let origins = ["http://localhost:3000".parse()?];
    let open = CorsPolicy::compile(&CorsSettings::Switch(true), &origins)?.map(Arc::new);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let (trust, open) = (Arc::clone(&trust), open.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let client = trust.client(peer.ip(), request.headers());
            trust.scrub(request.headers_mut(), client.trusted_peer);
            if request.uri().path() == "/open"
                && let Some(policy) = &open
            {
                request.extensions_mut().insert(Found {
                    policy: Arc::clone(policy),
                    methods: HeaderValue::from_static("GET, HEAD, PUT"),
                });
            }
            let answer = tower::service_fn(move |_: Request<Incoming>| async move {
                Ok::<_, Infallible>(Response::new(format!("you are {}\n", client.ip)))
            });
            CorsLayer::new(policy, methods)
                .layer(answer)
                .oneshot(request)
        });
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                println!("{peer}: {error}");
            }
        });
    }
}
