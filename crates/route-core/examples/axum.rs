//! A route table in front of an axum service, whose handler finds the route and its policy.
//!
//! `cargo run -p route-core --example route-core-axum`, then ask what it prints.

use std::io::{Error, Write, stdout};
use std::sync::Arc;

use axum::{Extension, Router};
use route_core::{MatchedRoute, Matcher, RefuseLayer, Route, RouteLayer, Table, TableOptions};
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// A policy of this program's own.
#[derive(Debug)]
struct Greeting(&'static str);

async fn greet(Extension(route): Extension<MatchedRoute>) -> String {
    let greeting = route
        .policy()
        .map_or("hello", |Greeting(greeting)| greeting);
    let name = route.param("name").unwrap_or("everybody");
    format!("{greeting} {name}, this is {}\n", route.id())
}

fn table() -> Result<Table, Error> {
    let route = |id: &str, path: &str| -> Result<Route, Error> {
        let path = path.parse().map_err(Error::other)?;
        Ok(Route::new(
            id.parse().map_err(Error::other)?,
            Matcher::new(path),
        ))
    };
    let routes = vec![
        route("all", "/greet")?,
        route("one", "/greet/{name}")?.with(Greeting("good morning")),
    ];
    Table::build(routes, &TableOptions::default())
        .map_err(|conflicts| Error::other(conflicts[0].to_string()))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let layers = ServiceBuilder::new()
        .layer(RouteLayer::alone(Arc::new(table()?)))
        .layer(RefuseLayer::alone());
    let app = Router::new().fallback(greet).layer(layers);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    writeln!(stdout(), "curl http://{address}/greet/ann")?;
    axum::serve(listener, app).await
}
