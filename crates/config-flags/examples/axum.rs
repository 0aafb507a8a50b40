//! Flags in an axum service: `GET /users/{id}` shows the old page or the new one.
//!
//! ```sh
//! cargo run -p config-flags --example config-flags-axum
//! curl http://127.0.0.1:PORT/users/4711
//! ```
#![expect(clippy::print_stdout, reason = "the example says where it listens")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use config_flags::{Conditions, Context, FlagDefinition, FlagName, FlagSet};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let some = Conditions {
        environments: Some(["staging", "production"].into()),
        percentage: Some(12.5),
        ..Conditions::default()
    };
    let flags = FlagSet::compile([(FlagName::new("new-page")?, FlagDefinition::when(some))]);
    let app = Router::new()
        .route("/users/{id}", get(page))
        .with_state(Arc::new(flags));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn page(State(flags): State<Arc<FlagSet>>, Path(user): Path<String>) -> String {
    let context = Context::new("production").with_user_id(user.as_str());
    let evaluation = flags.evaluate("new-page", &context);
    let name = if evaluation.on { "new" } else { "old" };
    format!("the {name} page, by {}\n", evaluation.reason)
}
