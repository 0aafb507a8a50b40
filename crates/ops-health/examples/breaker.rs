//! A breaker in front of an axum route whose part fails for a while, and the operator's switch beside it.
//!
//! ```sh
//! cargo run -p ops-health --example ops-health-breaker
//! curl -i http://127.0.0.1:PORT/search        # seven 503s of the part, then the breaker's, with Retry-After
//! curl -X POST http://127.0.0.1:PORT/repair   # the part works again; the breaker finds out by itself
//! curl http://127.0.0.1:PORT/breaker          # where it stands, and why
//! curl -X POST http://127.0.0.1:PORT/breaker/open     # by hand: open, close, auto
//! ```
#![expect(clippy::print_stdout, reason = "the example says where it listens")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use ops_health::{Breaker, BreakerLayer, BreakerSettings, Breakers};
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let breakers = Breakers::with_observer(|breaker, change| {
        println!(
            "{}: {} -> {} ({})",
            breaker.name(),
            change.from,
            change.to,
            change.cause
        );
    });
    let breaker = breakers.ensure("search", &BreakerSettings::default(), Instant::now());

    let works = Arc::new(AtomicBool::new(false));
    let repaired = Arc::clone(&works);
    let search = move || async move {
        if works.load(Ordering::Relaxed) {
            (StatusCode::OK, "found\n")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "the part is away\n")
        }
    };
    let (shown, switched) = (Arc::clone(&breaker), Arc::clone(&breaker));
    let app = Router::new()
        .route("/search", get(search))
        .layer(BreakerLayer::for_all(breaker))
        // What comes after the layer is not behind it.
        .route(
            "/repair",
            post(move || async move { repaired.store(true, Ordering::Relaxed) }),
        )
        .route("/breaker", get(move || async move { show(&shown) }))
        .route(
            "/breaker/{to}",
            post(move |Path(to): Path<String>| async move { switch(&switched, &to) }),
        );

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

fn show(breaker: &Breaker) -> String {
    let status = breaker.status(Instant::now());
    let cause = status
        .last
        .map_or("never changed", |last| last.cause.as_str());
    let (counts, refused) = (status.counts, status.refused);
    format!(
        "{} ({cause}), {} calls of which {} failed, {refused} refused\n",
        status.state, counts.calls, counts.failures
    )
}

fn switch(breaker: &Breaker, to: &str) -> StatusCode {
    let now = Instant::now();
    match to {
        "open" => breaker.force_open(now),
        "close" => breaker.force_closed(now),
        "auto" => breaker.auto(now),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}
