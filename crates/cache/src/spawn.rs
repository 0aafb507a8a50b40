//! Who runs what goes on when no request waits for it?

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body::Body;

use crate::body::BoxError;
use crate::fetching::Work;
use crate::fill::Fill;

/// Runs a piece of background work to its end.
///
/// An executor says itself what it asks of the work: one of a single-threaded runtime nothing but
/// `'static`, one of a pool of threads `Send` too. Readers of work that is dropped get an error, so an executor drops
/// it only when it stops altogether.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot run the cache's work",
    note = "name an executor with `CacheLayer::executor`"
)]
pub trait Spawn<F> {
    /// Begins the work.
    fn spawn(&self, work: F);
}

/// The tokio runtime on whose thread a request is served.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawn;

#[cfg(feature = "tokio")]
impl<F> Spawn<F> for TokioSpawn
where
    F: Future<Output = ()> + Send + 'static,
{
    fn spawn(&self, work: F) {
        drop(tokio::spawn(work));
    }
}

/// What a cache before a service with the future `F` and the body `B` leaves to its executor: the rest of a body that
/// is being stored, a fetch that nobody or somebody else waits for, a store that is elsewhere.
pub struct Background<F, B, E>(Kind<F, B, E>);

enum Kind<F, B, E> {
    Fill(Fill<B>),
    Fetch(Pin<Box<Work<F, E>>>, PollFetch<F, E>),
    Storing(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Polls a fetch for nobody. A pointer, for what a fetch asks of its executor would go round in a circle.
type PollFetch<F, E> = fn(Pin<&mut Work<F, E>>, &mut Context<'_>) -> Poll<()>;

impl<F, B, E> Background<F, B, E> {
    pub(crate) fn fill(fill: Fill<B>) -> Self {
        Self(Kind::Fill(fill))
    }

    pub(crate) fn fetch<X>(work: Pin<Box<Work<F, E>>>) -> Self
    where
        F: Future<Output = Result<Response<B>, X>>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
        E: Spawn<Self>,
    {
        Self(Kind::Fetch(work, |work, cx| {
            if work.is_deserted(cx) {
                // Dropped with its task: the upstream sees that nobody wants the answer.
                return Poll::Ready(());
            }
            // Whoever waits reads the same fill; this answer is for nobody.
            work.poll_answer(cx).map(drop)
        }))
    }

    pub(crate) fn storing(work: Pin<Box<dyn Future<Output = ()> + Send>>) -> Self {
        Self(Kind::Storing(work))
    }
}

impl<F, B, E> fmt::Debug for Background<F, B, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match &self.0 {
            Kind::Fill(_) => "Background(fill)",
            Kind::Fetch(..) => "Background(fetch)",
            Kind::Storing(_) => "Background(storing)",
        })
    }
}

impl<F, B, E> Future for Background<F, B, E>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Kind::Fill(fill) => Pin::new(fill).poll(cx),
            Kind::Fetch(work, poll) => poll(work.as_mut(), cx),
            Kind::Storing(work) => work.as_mut().poll(cx),
        }
    }
}
