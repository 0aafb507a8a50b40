//! The wait for a response head, and its limits.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

use crate::feed::{Feed, Standing};
use crate::forward::deadline::Limits;

pin_project_lite::pin_project! {
    /// Waits until a limit has passed. The timer is made when there is something to wait for, and
    /// moved only when it fires.
    pub(super) struct Patience<'a> {
        feed: Option<&'a Feed>,
        ended: Instant,
        limits: &'a Limits,
        clock: fn() -> Instant,
        on_client: bool,
        progress: u64,
        moved: Instant,
        #[pin]
        sleep: Option<Sleep>,
    }
}

impl<'a> Patience<'a> {
    /// `ended`: when a request without a body had ended; the upstream's time begins now.
    pub(super) fn new(
        feed: Option<&'a Feed>,
        ended: Instant,
        limits: &'a Limits,
        clock: fn() -> Instant,
    ) -> Self {
        Self {
            feed,
            ended,
            limits,
            clock,
            on_client: false,
            progress: 0,
            moved: clock(),
            sleep: None,
        }
    }
}

impl Future for Patience<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let standing = match this.feed {
            None => Standing {
                on_client: false,
                progress: 0,
                ended_at: Some(*this.ended),
            },
            Some(feed) => feed.standing(),
        };
        // The upstream's time begins anew with each piece that it took, and when the client, whose
        // turn it was, has done its part.
        if standing.on_client != *this.on_client || standing.progress != *this.progress {
            *this.on_client = standing.on_client;
            *this.progress = standing.progress;
            *this.moved = (this.clock)();
        }
        loop {
            let Some(end) = this.limits.next(&standing, *this.moved) else {
                this.sleep.set(None);
                return Poll::Pending;
            };
            let end = tokio::time::Instant::from_std(end);
            match this.sleep.as_mut().as_pin_mut() {
                None => this.sleep.set(Some(tokio::time::sleep_until(end))),
                Some(sleep) if sleep.deadline() > end => sleep.reset(end),
                Some(_) => {}
            }
            let Some(sleep) = this.sleep.as_mut().as_pin_mut() else {
                return Poll::Pending;
            };
            let until = sleep.deadline();
            if sleep.poll(cx).is_pending() {
                return Poll::Pending;
            }
            if until >= end {
                return Poll::Ready(());
            }
            // It was set for an earlier end, which has moved on since.
            this.sleep.set(Some(tokio::time::sleep_until(end)));
        }
    }
}
