//! What a client sent, and how long a read of it had to wait.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Buf;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

/// What the reader of a request's content tells the one who watches the request.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    bytes: AtomicU64,
    waited: AtomicU64,
}

impl Upload {
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Relaxed))
    }
}

/// The reading end; dropped while it waits, it counts that wait too.
#[derive(Debug)]
struct Reader {
    upload: Arc<Upload>,
    clock: fn() -> Instant,
    waiting: Option<Instant>,
}

impl Reader {
    fn stop_waiting(&mut self) {
        if let Some(since) = self.waiting.take() {
            let waited = (self.clock)().saturating_duration_since(since);
            let nanos = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            self.upload.waited.fetch_add(nanos, Relaxed);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}

pin_project! {
    /// A request's content on its way in, counted; empty by default.
    #[derive(Debug)]
    pub struct ObservedRequest<A> {
        #[pin]
        inner: Option<A>,
        reader: Option<Box<Reader>>,
    }
}

impl<A> Default for ObservedRequest<A> {
    fn default() -> Self {
        Self {
            inner: None,
            reader: None,
        }
    }
}

impl<A: Body> ObservedRequest<A> {
    /// Wraps `inner`; content that is known to be empty has nothing to tell and allocates nothing.
    pub(crate) fn watched(inner: A, clock: fn() -> Instant) -> (Self, Option<Arc<Upload>>) {
        let upload = (!inner.is_end_stream()).then(Arc::<Upload>::default);
        let reader = upload.clone().map(|upload| {
            Box::new(Reader {
                upload,
                clock,
                waiting: None,
            })
        });
        let inner = Some(inner);
        (Self { inner, reader }, upload)
    }

    pub(crate) fn unwatched(inner: A) -> Self {
        Self {
            inner: Some(inner),
            reader: None,
        }
    }
}

impl<A: Body> Body for ObservedRequest<A> {
    type Data = A::Data;
    type Error = A::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<A::Data>, A::Error>>> {
        let this = self.project();
        let Some(inner) = this.inner.as_pin_mut() else {
            return Poll::Ready(None);
        };
        let polled = inner.poll_frame(cx);
        if let Some(reader) = this.reader {
            match &polled {
                Poll::Pending => {
                    reader.waiting.get_or_insert_with(reader.clock);
                }
                Poll::Ready(frame) => {
                    reader.stop_waiting();
                    let data = frame
                        .as_ref()
                        .and_then(|frame| frame.as_ref().ok()?.data_ref());
                    let bytes = data.map_or(0, Buf::remaining) as u64;
                    reader.upload.bytes.fetch_add(bytes, Relaxed);
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Some(inner) => inner.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}
