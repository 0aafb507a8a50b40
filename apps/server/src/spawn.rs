//! Where work goes that outlives the call that began it.
use std::pin::Pin;
use std::task::{Context, Poll};

use cache::Spawn;
use pin_project_lite::pin_project;

use crate::clock;

/// Spawns on the worker's own thread: nothing of a request leaves it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Background;

impl<F: Future<Output = ()> + 'static> Spawn<F> for Background {
    fn spawn(&self, work: F) {
        tokio::task::spawn_local(OnTheClock { work });
    }
}

/// Spawns on the runtime, on whichever thread it likes: for a stack that another server calls.
#[derive(Clone, Copy, Debug, Default)]
pub struct Runtime;

impl<F: Future<Output = ()> + Send + 'static> Spawn<F> for Runtime {
    fn spawn(&self, work: F) {
        tokio::spawn(OnTheClock { work });
    }
}

pin_project! {
    /// Work that no request polls: it refreshes the thread's clock itself, which may have stood for long.
    struct OnTheClock<F> {
        #[pin]
        work: F,
    }
}

impl<F: Future> Future for OnTheClock<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        clock::refresh();
        self.project().work.poll(cx)
    }
}
