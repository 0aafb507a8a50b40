//! Flags in a plain hyper server: `GET /` shows the old page or the new one.
//!
//! ```sh
//! cargo run -p config-flags --example config-flags-hyper
//! curl -H 'x-session-id: a81f' http://127.0.0.1:PORT/
//! ```
#![expect(clippy::print_stdout, reason = "the example says where it listens")]

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use config_flags::{
    Conditions, Context, FlagDefinition, FlagName, FlagSet, FlagSettings, Sticky, StickySource,
};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let half = Conditions {
        percentage: Some(50.0),
        ..Conditions::default()
    };
    let flags = Arc::new(FlagSet::compile([(
        FlagName::new("new-page")?,
        FlagDefinition::when(half),
    )]));
    let sticky = Arc::new(StickySource::new(&FlagSettings {
        sticky: Some(Sticky {
            header: Some("x-session-id".into()),
            ..Sticky::default()
        }),
    }));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (connection, _) = listener.accept().await?;
        let (flags, sticky) = (Arc::clone(&flags), Arc::clone(&sticky));
        let page = service_fn(move |request: Request<Incoming>| {
            let context = Context::new("production").with_sticky(sticky.key(request.headers()));
            let evaluation = flags.evaluate("new-page", &context);
            let name = if evaluation.on { "new" } else { "old" };
            let text = format!("the {name} page, by {}\n", evaluation.reason);
            async move { Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text)))) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(connection), page),
        );
    }
}
