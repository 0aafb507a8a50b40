//! Rendering `/metrics` away from the threads that serve requests, and behind them.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use rustix::process::setpriority_process;
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

/// How far the thread that renders stands back behind those that serve (a nice value): it has milliseconds of work at a
/// time, and where a request wants the same processor the request goes first.
const STANDS_BACK: i32 = 10;

/// A renderer, and the work that it does, on a thread of its own, which ends with the last renderer.
pub fn renderer(figures: Figures) -> (Renderer, impl Future<Output = ()> + Send) {
    let (jobs, asked) = mpsc::channel(WAITING_MAX);
    let work = async move {
        let (alive, ended) = oneshot::channel::<()>();
        let started = thread::Builder::new()
            .name("figures".to_owned())
            .spawn(move || {
                work_off(asked, figures);
                drop(alive);
            });
        match started {
            Ok(_) => drop(ended.await),
            Err(error) => tracing::error!(%error, "there is no thread to render /metrics"),
        }
    };
    (Renderer(jobs), work)
}

fn work_off(mut asked: mpsc::Receiver<Job>, figures: Figures) {
    // On Linux this is the thread's, not the process's.
    if let Err(error) = setpriority_process(None, STANDS_BACK) {
        tracing::debug!(%error, "rendering /metrics has the priority of requests");
    }
    while let Some(job) = asked.blocking_recv() {
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
    }
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
