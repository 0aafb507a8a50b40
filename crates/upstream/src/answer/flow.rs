//! The upstream's half of an answer's body, without the caller's types.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use super::AnswerError;
use crate::admission::Admission;
use crate::exchange::{Received, Wire};
use crate::pool::WorkerPools;
use crate::tunnels::Closing;

pin_project! {
    /// A body on its way, with the connection that brings it and the counts that it is part of.
    #[derive(Debug)]
    pub(crate) struct Flow {
        received: Received,
        wire: Option<Wire>,
        admission: Admission,
        pools: Arc<WorkerPools>,
        clock: fn() -> Instant,
        idle: Duration,
        absolute: Option<Instant>,
        // Since when nothing has come; none while something comes.
        quiet_since: Option<Instant>,
        #[pin]
        sleep: Option<Sleep>,
        closing: Option<Waiting>,
    }
}

/// A wait that has no `Debug` of its own.
struct Waiting(Closing);

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Waiting")
    }
}

/// What a flow is bound by.
#[derive(Debug)]
pub(crate) struct Bounds {
    /// Longest silence.
    pub(crate) idle: Duration,
    /// When it ends in any case.
    pub(crate) absolute: Option<Instant>,
    /// Whether it ends well when the process drains.
    pub(crate) ends_on_drain: bool,
}

impl Flow {
    pub(crate) fn new(
        received: Received,
        wire: Wire,
        admission: Admission,
        pools: Arc<WorkerPools>,
        clock: fn() -> Instant,
        bounds: &Bounds,
    ) -> Pin<Box<Self>> {
        let closing = bounds.ends_on_drain.then(|| {
            let tunnels = Arc::clone(admission.upstream().tunnels());
            Waiting(Box::pin(async move { tunnels.closing().await }))
        });
        Box::pin(Self {
            received,
            wire: Some(wire),
            admission,
            pools,
            clock,
            idle: bounds.idle,
            absolute: bounds.absolute,
            quiet_since: None,
            sleep: None,
            closing,
        })
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.wire.is_none() || self.received.is_end_stream()
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        self.received.size_hint()
    }

    pub(crate) fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        let mut this = self.project();
        let Some(wire) = this.wire else {
            return Poll::Ready(None);
        };
        match this.received.poll_frame(wire, this.pools.buffers(), cx) {
            Poll::Ready(Some(Ok(frame))) => {
                *this.quiet_since = None;
                if this.received.is_end_stream() {
                    keep(this.wire, this.admission, this.pools, *this.clock);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                keep(this.wire, this.admission, this.pools, *this.clock);
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_))) => {
                this.admission.cut_short();
                *this.wire = None;
                Poll::Ready(Some(Err(AnswerError::Incomplete)))
            }
            Poll::Pending => {
                if let Some(Waiting(closing)) = this.closing
                    && closing.as_mut().poll(cx).is_ready()
                {
                    *this.wire = None;
                    return Poll::Ready(None);
                }
                // Not the clock of requests, which may stand still while nothing of this one happens.
                let quiet = this
                    .quiet_since
                    .get_or_insert_with(|| tokio::time::Instant::now().into_std());
                let limit = quiet.checked_add(*this.idle);
                let over = poll_until(this.sleep.as_mut(), limit, *this.absolute, cx);
                over.map(|error| {
                    if error == AnswerError::Idle {
                        this.admission.cut_short();
                    }
                    *this.wire = None;
                    Some(Err(error))
                })
            }
        }
    }
}

/// Keeps the connection of an exchange that ended well, if it can be used again.
fn keep(
    wire: &mut Option<Wire>,
    admission: &Admission,
    pools: &Arc<WorkerPools>,
    clock: fn() -> Instant,
) {
    if let (Some(Wire::Http1(connection)), Some(endpoint)) = (wire.take(), admission.endpoint()) {
        let settings = admission.upstream().settings();
        pools.give(endpoint.id(), connection, settings, clock());
    }
}

/// Ready when one of the two ends has passed. The timer is moved only when it fires.
fn poll_until(
    mut sleep: Pin<&mut Option<Sleep>>,
    idle: Option<Instant>,
    absolute: Option<Instant>,
    cx: &mut Context<'_>,
) -> Poll<AnswerError> {
    let (end, error) = match (idle, absolute) {
        (None, None) => return Poll::Pending,
        (Some(idle), Some(absolute)) if absolute < idle => (absolute, AnswerError::Deadline),
        (None, Some(absolute)) => (absolute, AnswerError::Deadline),
        (Some(idle), _) => (idle, AnswerError::Idle),
    };
    let end = tokio::time::Instant::from_std(end);
    loop {
        if sleep.is_none() {
            sleep.set(Some(tokio::time::sleep_until(end)));
        }
        let Some(timer) = sleep.as_mut().as_pin_mut() else {
            return Poll::Pending;
        };
        let until = timer.deadline();
        if timer.poll(cx).is_pending() {
            return Poll::Pending;
        }
        if until >= end {
            return Poll::Ready(error);
        }
        sleep.set(None);
    }
}
