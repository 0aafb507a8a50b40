//! The whole stack around a program's own handlers, both ways:
//!
//! - behind the server's own listeners, with probes, metrics and a shutdown in good order;
//! - as one tower service inside axum's own server.
//!
//! `cargo run -p server --example embedded`, then the lines that it prints.
use axum::Router;
use axum::routing::get;
use server::embed::Embedded;
use server::server::Server;
use server::settings::{AdminPort, Settings};

/// Routes as data; one without a target is the program's own.
const ROUTES: &str = r#"{
    "host": "127.0.0.1",
    "port": 0,
    "routes": {
        "hello": { "path": "/hello/{name}", "methods": ["GET"], "cache": {} },
        "time": { "path": "/time" }
    }
}"#;

fn handlers() -> Router {
    let hello =
        async |axum::extract::Path(name): axum::extract::Path<String>| format!("hello, {name}\n");
    let time = async || format!("{:?}\n", std::time::SystemTime::now());
    Router::new()
        .route("/hello/{name}", get(hello))
        .route("/time", get(time))
}

#[tokio::main]
#[allow(
    clippy::print_stdout,
    reason = "an example speaks to the one who runs it"
)]
async fn main() -> anyhow::Result<()> {
    let mut settings: Settings = serde_json::from_str(ROUTES)?;
    settings.admin.port = AdminPort::Port(0);

    // Inside axum: the stack is a service like any other. A program that wants the client's address known puts
    // `server::entry::Peer` into the request's extensions.
    let embedded = Embedded::new(&settings)?;
    let app: Router = Router::new().fallback_service(embedded.service(handlers()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!(
        "inside axum:            curl -i http://{}/hello/axum",
        listener.local_addr()?
    );
    tokio::spawn(async move { axum::serve(listener, app).await });

    // Behind our own listeners: a copy of the handlers for each worker.
    let own = handlers();
    let server = Server::start_around(&settings, move |_| own.clone()).await?;
    let started = server.started();
    println!(
        "behind our listeners:   curl -i http://{}/hello/urm",
        started.address
    );
    if let Some(admin) = started.admin {
        println!("probes and metrics:     curl http://{admin}/metrics");
    }
    println!("and Ctrl-C stops it");
    let code = server.run_to_end().await;
    std::process::exit(code.into())
}
