//! The wait for a response head, and its limits.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use crate::alarm::{Alarm, Alarms};
use crate::feed::{Feed, Standing};
use crate::forward::deadline::Limits;

/// Waits until a limit has passed.
pub(super) struct Patience<'a> {
    feed: Option<&'a Feed>,
    ended: Instant,
    limits: &'a Limits,
    clock: fn() -> Instant,
    on_client: bool,
    progress: u64,
    moved: Instant,
    alarm: Alarm<'a>,
}

impl<'a> Patience<'a> {
    /// `ended`: when a request without a body had ended; the upstream's time begins now.
    pub(super) fn new(
        feed: Option<&'a Feed>,
        ended: Instant,
        limits: &'a Limits,
        clock: fn() -> Instant,
        alarms: &'a Arc<Alarms>,
    ) -> Self {
        Self {
            feed,
            ended,
            limits,
            clock,
            on_client: false,
            progress: 0,
            moved: clock(),
            alarm: Alarm::of(alarms),
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let standing = match self.feed {
            None => Standing {
                on_client: false,
                progress: 0,
                ended_at: Some(self.ended),
            },
            Some(feed) => feed.standing(),
        };
        // The upstream's time begins anew with each piece that it took, and when the client, whose
        // turn it was, has done its part.
        if standing.on_client != self.on_client || standing.progress != self.progress {
            self.on_client = standing.on_client;
            self.progress = standing.progress;
            self.moved = (self.clock)();
        }
        let Some(end) = self.limits.next(&standing, self.moved) else {
            self.alarm.clear();
            return Poll::Pending;
        };
        self.alarm.poll(end, cx)
    }
}
