//! Rendering `/metrics` away from the threads that serve requests.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use tokio::sync::{mpsc, oneshot};

use crate::problem::TargetRefusal;
use crate::snapshot::Snapshot;

/// Requests for figures that wait at the most; a scraper asks one at a time.
const WAITING_MAX: usize = 64;

/// What is asked of the renderer.
#[derive(Debug)]
struct Job {
    snapshot: Arc<Snapshot>,
    accept: Option<HeaderValue>,
    query: Option<String>,
    answer: oneshot::Sender<Response<Bytes>>,
}

/// Makes the answer of `/metrics`: snapshot, `Accept`, query.
pub type Figures = fn(&Arc<Snapshot>, Option<&HeaderValue>, Option<&str>) -> Response<Bytes>;

/// The end at which figures are asked for.
#[derive(Clone, Debug)]
pub struct Renderer(mpsc::Sender<Job>);

/// A renderer, and the work that it does, to be run on the runtime that serves no requests.
pub fn renderer(figures: Figures) -> (Renderer, impl Future<Output = ()> + Send) {
    let (jobs, mut asked) = mpsc::channel::<Job>(WAITING_MAX);
    let work = async move {
        while let Some(job) = asked.recv().await {
            // Whoever has left needs no answer.
            if job.answer.is_closed() {
                continue;
            }
            let render = || figures(&job.snapshot, job.accept.as_ref(), job.query.as_deref());
            // A panic costs its own answer, which then is 503, and not those of all to come.
            if let Ok(answer) = catch_unwind(AssertUnwindSafe(render)) {
                drop(job.answer.send(answer));
            } else {
                tracing::error!("rendering /metrics panicked");
            }
            tokio::task::yield_now().await;
        }
    };
    (Renderer(jobs), work)
}

impl Renderer {
    /// Asks for figures; over the bound, 503 at once.
    pub fn render(
        &self,
        snapshot: Arc<Snapshot>,
        fields: &HeaderMap,
        query: Option<&str>,
    ) -> Rendered {
        let (answer, rendered) = oneshot::channel();
        let job = Job {
            snapshot,
            accept: fields.get(ACCEPT).cloned(),
            query: query.map(str::to_owned),
            answer,
        };
        // A job that finds no room is dropped, and with it the sender: the receiver below says so.
        let _ = self.0.try_send(job);
        Rendered(rendered)
    }
}

/// An answer that is being rendered.
#[derive(Debug)]
pub struct Rendered(oneshot::Receiver<Response<Bytes>>);

impl Future for Rendered {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        Pin::new(&mut self.0).poll(cx).map(|answer| {
            answer.unwrap_or_else(|_| {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response.extensions_mut().insert(TargetRefusal);
                response
            })
        })
    }
}
