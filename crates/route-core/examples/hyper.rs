//! A route table in a plain hyper server.
//!
//! `cargo run -p route-core --example route-core-hyper`, then ask what it prints.

use std::convert::Infallible;
use std::io::{Error, Write, stdout};
use std::sync::Arc;

use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use route_core::{MatchedRoute, Matcher, RefuseLayer, Route, RouteLayer, Table, TableOptions};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

async fn show(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let shown = request.extensions().get().map(|route: &MatchedRoute| {
        let params: Vec<_> = route.params().collect();
        format!("{}: {params:?}\n", route.id())
    });
    Ok(Response::new(Full::from(shown.unwrap_or_default())))
}

fn table() -> Result<Table, Error> {
    let mut matcher = Matcher::new("/files/{*path}".parse().map_err(Error::other)?);
    matcher.methods = vec![Method::GET];
    let route = Route::new("files".parse().map_err(Error::other)?, matcher);
    Table::build(vec![route], &TableOptions::default())
        .map_err(|conflicts| Error::other(conflicts[0].to_string()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let service = ServiceBuilder::new()
        .layer(RouteLayer::alone(Arc::new(table()?)))
        .layer(RefuseLayer::alone())
        .service(service_fn(show));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    writeln!(stdout(), "curl http://{address}/files/a/b")?;
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            // A client that breaks its connection off is its own affair.
            drop(connection.await);
        });
    }
}
