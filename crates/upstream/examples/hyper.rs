//! A plain hyper server that forwards everything: `cargo run -p upstream --example upstream-hyper --
//! http://127.0.0.1:4001 [http://127.0.0.1:4002 …]`.

use std::error::Error;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower_service::Service;
use upstream::{ClientInfo, EndpointUrl, Forward, ForwardPolicy, Upstream, UpstreamSettings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let endpoints: Result<Vec<EndpointUrl>, _> =
        std::env::args().skip(1).map(|text| text.parse()).collect();
    let settings = UpstreamSettings::for_endpoints(endpoints?);
    let upstream = Upstream::new("example", &settings);
    let forward = Forward::alone(ForwardPolicy {
        upgrade: true,
        ..ForwardPolicy::new(upstream)
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("listening on http://{}/", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let forward = forward.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ClientInfo::new(peer.ip()));
            forward.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
