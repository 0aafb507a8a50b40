//! A fill that is polled when it was woken, and not else, and clients that must be woken.

use std::sync::atomic::AtomicBool;
use std::task::{Wake, Waker};
use std::time::{Duration, SystemTime};

use http::StatusCode;

use super::*;
use crate::freshness::{FreshnessLifetime, LifetimeSource};
use crate::key::CacheKey;
use crate::memory::MemoryOptions;
use crate::storing::{Arrival, StaleRules, Storable};
use crate::vary::VarySet;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("broken")]
pub(super) struct Broken;

/// What an upstream does next; it ends when its sender is dropped.
pub(super) enum Sent {
    Frame(Result<Frame<Bytes>, Broken>),
    Panic,
}

pub(super) struct TestBody(pub(super) mpsc::UnboundedReceiver<Sent>);

impl Body for TestBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(cx).map(|sent| match sent? {
            Sent::Frame(frame) => Some(frame),
            Sent::Panic => panic!("the body's own"),
        })
    }
}

/// Whether somebody was woken since it was last polled; what is new is woken.
pub(super) struct Flag(pub(super) AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

impl Flag {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicBool::new(true)))
    }

    pub(super) fn take(&self) -> bool {
        self.0.swap(false, SeqCst)
    }
}

pub(super) fn plan(
    store: &Arc<MemoryProvider>,
    memory: &Arc<FillMemory>,
    max_object: u64,
    declared: Option<u64>,
) -> FillPlan {
    let storable = Storable {
        lifetime: FreshnessLifetime::new(Duration::from_mins(1)),
        source: LifetimeSource::Explicit,
        age_at_receipt: Duration::ZERO,
        stale: StaleRules::default(),
        immutable: false,
        vary: VarySet::default(),
        withheld: Vec::new(),
    };
    let arrival = Arrival {
        now: Instant::now(),
        wall: SystemTime::now(),
        waited: Duration::ZERO,
        chance: 0,
    };
    let labels = ("", Vec::new());
    let head = StoredHead::of(StatusCode::OK, &HeaderMap::new(), storable, arrival, labels);
    FillPlan {
        head: Arc::new(head.unwrap()),
        index: None,
        declared,
        max_object,
        store: Arc::clone(store) as Arc<dyn CacheProvider>,
        fetch: CacheProvider::begin(&**store, &key()),
        clock: Instant::now,
        memory: Arc::clone(memory),
    }
}

pub(super) fn key() -> CacheKey {
    CacheKey::new("space", "GET https://example.com/")
}

pub(super) fn store() -> Arc<MemoryProvider> {
    Arc::new(MemoryProvider::new(MemoryOptions::default(), Instant::now))
}

/// A fill that is polled when it was woken, and not else.
pub(super) struct World {
    pub(super) store: Arc<MemoryProvider>,
    pub(super) memory: Arc<FillMemory>,
    pub(super) sender: Option<mpsc::UnboundedSender<Sent>>,
    pub(super) fill: Option<Fill<TestBody>>,
    pub(super) flag: Arc<Flag>,
    pub(super) source: Source,
}

impl World {
    pub(super) fn new(max_object: u64, room: u64) -> (Self, Client) {
        let (mut world, client) = Self::with(max_object, room, None, false);
        world.run();
        (world, client.unwrap())
    }

    pub(super) fn with(
        max_object: u64,
        room: u64,
        declared: Option<u64>,
        unattended: bool,
    ) -> (Self, Option<Client>) {
        let (store, memory) = (store(), FillMemory::new(room));
        let (sender, receiver) = mpsc::unbounded_channel();
        let (body, plan) = (
            TestBody(receiver),
            plan(&store, &memory, max_object, declared),
        );
        let (fill, source, client) = if unattended {
            let (fill, source) = Fill::unattended(body, plan);
            (fill, source, None)
        } else {
            let (fill, reader) = Fill::new(body, plan);
            (fill, reader.source(), Some(Client::new(reader)))
        };
        let world = Self {
            store,
            memory,
            sender: Some(sender),
            fill: Some(fill),
            flag: Flag::new(),
            source,
        };
        (world, client)
    }

    /// Says whether somebody could receive it.
    pub(super) fn send(&self, sent: Sent) -> bool {
        let sender = self.sender.as_ref();
        sender.is_some_and(|sender| sender.send(sent).is_ok())
    }

    pub(super) fn send_and_run(&mut self, text: &str) {
        let piece = Bytes::copy_from_slice(text.as_bytes());
        self.send(Sent::Frame(Ok(Frame::data(piece))));
        self.run();
    }

    pub(super) fn end(&mut self) {
        self.sender = None;
        self.run();
    }

    pub(super) fn run(&mut self) {
        while let Some(fill) = &mut self.fill
            && self.flag.take()
        {
            let waker = Waker::from(Arc::clone(&self.flag));
            let mut cx = Context::from_waker(&waker);
            if Pin::new(fill).poll(&mut cx).is_ready() {
                self.fill = None;
            }
        }
    }

    pub(super) fn client(&self) -> Option<Client> {
        self.source.reader().map(Client::new)
    }

    pub(super) fn stored(&self) -> Option<Bytes> {
        self.store.find(&key()).map(|stored| stored.body().clone())
    }

    /// Whether the upstream sees that nobody wants more.
    pub(super) fn has_stopped(&self) -> bool {
        self.sender
            .as_ref()
            .is_none_or(mpsc::UnboundedSender::is_closed)
    }
}

/// A reader that is to be woken when there is something for it.
pub(super) struct Client {
    pub(super) reader: Reader,
    pub(super) flag: Arc<Flag>,
    pub(super) read: Vec<u8>,
    pub(super) trailers: usize,
    pub(super) error: Option<CacheBodyError>,
    pub(super) ended: bool,
}

impl Client {
    pub(super) fn new(reader: Reader) -> Self {
        Self {
            reader,
            flag: Flag::new(),
            read: Vec::new(),
            trailers: 0,
            error: None,
            ended: false,
        }
    }

    /// Takes one frame if there is one.
    pub(super) fn step(&mut self) -> bool {
        let was_woken = self.flag.take() || self.ended;
        let waker = Waker::from(Arc::clone(&self.flag));
        let is_over = self.reader.is_end_stream();
        match self.reader.poll_frame(&mut Context::from_waker(&waker)) {
            Poll::Pending => return false,
            Poll::Ready(None) => self.ended = true,
            Poll::Ready(Some(Err(error))) => {
                assert!(self.error.replace(error).is_none(), "told once");
            }
            Poll::Ready(Some(Ok(frame))) => {
                assert!(!is_over && !self.ended && self.error.is_none());
                match frame.into_data() {
                    Ok(data) => self.read.extend_from_slice(&data),
                    Err(_) => self.trailers += 1,
                }
            }
        }
        assert!(was_woken, "there is something and nobody told");
        // It is polled again without being woken.
        self.flag.0.store(!self.ended, SeqCst);
        !self.ended
    }

    pub(super) fn text(&mut self) -> &str {
        while self.step() {}
        std::str::from_utf8(&self.read).unwrap()
    }
}
