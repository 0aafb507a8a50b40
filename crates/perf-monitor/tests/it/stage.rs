//! A clock that moves when told, a subject that remembers, and bodies made to order.

use std::cell::Cell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Extensions;
use http_body::{Body, Frame};
use perf_monitor::{
    Arms, CacheOutcome, Caller, Ended, Monitor, MonitorSettings, RouteLabel, RouteSlot, SlotIndex,
    Subject,
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// The time of this test's thread.
pub(crate) fn clock() -> Instant {
    *START + PASSED.get()
}

pub(crate) fn pass(time: Duration) {
    PASSED.set(PASSED.get() + time);
}

pub(crate) fn pass_millis(millis: u64) {
    pass(Duration::from_millis(millis));
}

pub(crate) fn monitor() -> Arc<Monitor> {
    Monitor::new(&MonitorSettings::default(), 1, clock)
}

pub(crate) fn route(monitor: &Monitor, id: &str) -> RouteSlot {
    let template = format!("/{id}");
    monitor.slot(RouteLabel {
        id,
        template: &template,
    })
}

#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) slot: SlotIndex,
    pub(crate) counted: bool,
    pub(crate) cache: CacheOutcome,
    pub(crate) arms: Arms,
    pub(crate) error_type: Option<&'static str>,
    pub(crate) ended: Mutex<Vec<Ended>>,
}

impl Told {
    pub(crate) fn new(slot: SlotIndex) -> Self {
        Self {
            slot,
            counted: true,
            cache: CacheOutcome::None,
            arms: Arms::NONE,
            error_type: None,
            ended: Mutex::default(),
        }
    }
}

impl Subject for Told {
    fn slot(&self) -> SlotIndex {
        self.slot
    }

    fn counted(&self) -> bool {
        self.counted
    }

    fn cache(&self) -> CacheOutcome {
        self.cache
    }

    fn arms(&self) -> Arms {
        self.arms
    }

    fn error_type(&self) -> Option<&'static str> {
        self.error_type
    }

    fn scheme(&self) -> &'static str {
        "https"
    }

    fn caller(&self) -> Caller<'_> {
        Caller::new(Some([127, 0, 0, 1].into()), "request-1", "tester")
    }

    fn ended(&self, ended: &Ended) {
        self.ended.lock().unwrap().push(ended.clone());
    }
}

pub(crate) fn subject(extensions: &Extensions) -> Option<Arc<dyn Subject>> {
    let told: &Arc<Told> = extensions.get()?;
    Some(Arc::clone(told) as Arc<dyn Subject>)
}

/// One step of a [`Script`].
#[derive(Debug)]
pub(crate) enum Step {
    /// Work that takes so many milliseconds.
    Work(u64),
    Data(Bytes),
    Trailers(http::HeaderMap),
    Pending,
    Fail,
}

pub(crate) fn data(bytes: impl Into<Bytes>) -> Step {
    Step::Data(bytes.into())
}

/// A body that follows a script; it does not know that its last piece is the last one.
#[derive(Debug, Default)]
pub(crate) struct Script(VecDeque<Step>);

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        loop {
            return match self.0.pop_front() {
                Some(Step::Work(millis)) => {
                    pass_millis(millis);
                    continue;
                }
                Some(Step::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
                Some(Step::Pending) => {
                    cx.waker().wake_by_ref();
                    Poll::Pending
                }
                Some(Step::Fail) => Poll::Ready(Some(Err("broke off"))),
                None => Poll::Ready(None),
            };
        }
    }
}

/// What a service that cannot fail returns.
pub(crate) type Answered<B> = Result<http::Response<B>, Infallible>;
