//! A request's way through tries and connections to a response head.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Extensions, Method, Response, StatusCode, request, response};
use hyper::upgrade::OnUpgrade;
use tokio::time::sleep;

use crate::admission::Admission;
use crate::answer::{Bounds, Content, Flow};
use crate::endpoint::Endpoint;
use crate::exchange::{self, Exchanging, Failure, Received, Wire, exchange};
use crate::feed::{Feed, RequestBody};
use crate::forward::kind::Kind;
use crate::forward::names::Names;
use crate::forward::request::Framing;
use crate::forward::response as answer_head;
use crate::policy::ForwardPolicy;
use crate::pool::WorkerPools;
use crate::refusal::Refusal;
use crate::retry::{self, Outcome, Sent};
use crate::service::Forward;
use crate::service::settled::Settled;
use crate::told::Told;
use crate::upgrade;
use crate::wire;

/// A response head, and its body where it has one.
pub(super) struct Answer {
    pub(super) head: response::Parts,
    pub(super) content: Content,
}

/// What becomes of a request.
pub(super) type Reply = Result<Answer, Refusal>;

/// All that is needed to answer a request; nothing of the caller's types is in it.
pub(super) struct Ask {
    pools: Arc<WorkerPools>,
    policy: fn(&Extensions) -> Option<&ForwardPolicy>,
    fixed: Option<Arc<ForwardPolicy>>,
    tell: fn(&Extensions, &Told<'_>),
    clock: fn() -> Instant,
    /// On the heap from the first: what stands in a future is moved whenever that is.
    begun: Box<Begun>,
    on_upgrade: Option<OnUpgrade>,
}

/// A request as it came, and what was made of it.
struct Begun {
    extensions: Extensions,
    start: Instant,
    settled: Result<Settled, Refusal>,
}

impl Ask {
    pub(super) fn new(
        forward: &Forward,
        mut parts: request::Parts,
        framing: Framing,
        feed: Option<Arc<Feed>>,
    ) -> Self {
        let start = (forward.clock)();
        let mut extensions = std::mem::take(&mut parts.extensions);
        let on_upgrade = extensions.remove::<OnUpgrade>();
        let policy = (forward.policy)(&extensions).or(forward.fixed.as_deref());
        let client = (forward.client)(&extensions);
        let settled = match policy {
            Some(policy) => {
                let may_upgrade = on_upgrade.is_some();
                let asked = (&parts, client);
                let body = (framing, feed);
                let buffers = forward.pools.buffers();
                Settled::of(policy, asked, may_upgrade, body, start, buffers)
            }
            None => Err(Refusal::Unconfigured),
        };
        Self {
            pools: Arc::clone(&forward.pools),
            policy: forward.policy,
            fixed: forward.fixed.clone(),
            tell: forward.tell,
            clock: forward.clock,
            begun: Box::new(Begun {
                extensions,
                start,
                settled,
            }),
            on_upgrade,
        }
    }
}

impl Ask {
    pub(super) async fn run(self) -> Reply {
        let Self {
            pools,
            policy,
            fixed,
            tell,
            clock,
            begun,
            on_upgrade,
        } = self;
        let Begun {
            extensions,
            start,
            settled,
        } = &*begun;
        let mut log = Log {
            extensions,
            tell,
            clock,
            start: *start,
            policy: policy(extensions).or(fixed.as_deref()),
            place: None,
            tries: 0,
            kept: false,
            error: None,
        };
        let reply = match admitted(&pools, settled, &log) {
            Ok(mut tries) => match tries.until_answered(&mut log).await {
                Ok(answered) => tries.finish(answered, on_upgrade),
                Err(refusal) => Err(refusal),
            },
            Err(refusal) => Err(refusal),
        };
        log.error = reply.as_ref().err().map(|refusal| refusal.proxy_error());
        reply
    }
}

/// What is told when the head is there; dropping it tells, so that a client that left is told too.
struct Log<'a> {
    extensions: &'a Extensions,
    tell: fn(&Extensions, &Told<'_>),
    clock: fn() -> Instant,
    start: Instant,
    policy: Option<&'a ForwardPolicy>,
    place: Option<usize>,
    tries: u32,
    kept: bool,
    error: Option<&'static str>,
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        let upstream = self.policy.map(|policy| &policy.upstream);
        let told = Told {
            upstream: upstream.map(|upstream| upstream.name()),
            endpoint: upstream
                .zip(self.place)
                .map(|(upstream, place)| upstream.endpoint(place)),
            tries: self.tries,
            took: (self.clock)().saturating_duration_since(self.start),
            kept: self.kept,
            error: self.error,
        };
        (self.tell)(self.extensions, &told);
    }
}

/// Admits a settled request to its upstream.
fn admitted<'a>(
    pools: &'a Arc<WorkerPools>,
    settled: &'a Result<Settled, Refusal>,
    log: &Log<'a>,
) -> Result<Tries<'a>, Refusal> {
    let settled = settled.as_ref().map_err(|refusal| *refusal)?;
    let policy = log.policy.ok_or(Refusal::Unconfigured)?;
    let admission = Admission::new(&policy.upstream)?;
    let counts = policy.upstream.counts();
    counts.budget.count_request(log.start);
    Ok(Tries {
        pools,
        policy,
        settled,
        admission,
        clock: log.clock,
    })
}

/// The tries of one request.
struct Tries<'a> {
    pools: &'a Arc<WorkerPools>,
    policy: &'a ForwardPolicy,
    settled: &'a Settled,
    admission: Admission,
    clock: fn() -> Instant,
}

/// An answer's head, and the connection that its body is still on.
struct Answered {
    response: Response<Received>,
    names: Names,
    wire: Wire,
}

impl Tries<'_> {
    /// Makes the client's answer of the upstream's.
    fn finish(self, answered: Answered, on_upgrade: Option<OnUpgrade>) -> Reply {
        if let Some(feed) = &self.settled.feed {
            feed.let_go();
        }
        let Self {
            pools,
            settled,
            admission,
            clock,
            ..
        } = self;
        let response = &answered.response;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let agreed = settled
                .upgrade
                .as_ref()
                .is_some_and(|asked| answer_head::is_asked_protocol(asked, response.headers()));
            let on_upgrade = on_upgrade.filter(|_| agreed);
            return switch(answered, admission, on_upgrade);
        }
        stream(pools, answered, admission, settled.limits.absolute, clock)
    }

    async fn until_answered(&mut self, log: &mut Log<'_>) -> Result<Answered, Refusal> {
        let mut retries = 0;
        let mut not = None;
        loop {
            let now = (self.clock)();
            let place = self
                .policy
                .upstream
                .pick(not, self.pools.random(), now)
                .ok_or(Refusal::NoEndpoint)?;
            self.admission.begin(place);
            (log.place, log.tries) = (Some(place), retries + 1);
            {
                let tried = self.once(place, log).await;
                let took = (self.clock)().saturating_duration_since(now);
                let outcome = self.judge(&tried, took);
                let sent = self.sent(retries);
                if !retry::wanted(&self.policy.retries, sent, outcome) || !self.may_retry(log.start)
                {
                    return tried;
                }
                // The answer that is not passed on may leave a connection that can be used again.
                if let Ok(answered) = tried {
                    self.discard(answered);
                }
            }
            // Boxed, and the answer gone before, for most requests are tried once and all have room for what waits here.
            Box::pin(sleep(retry::pause(self.pools.random()))).await;
            retries += 1;
            not = Some(place);
        }
    }

    /// Takes a try into the endpoint's figures.
    fn judge(&self, tried: &Result<Answered, Refusal>, took: Duration) -> Outcome {
        let now = (self.clock)();
        match tried {
            Ok(answered) => {
                let status = answered.response.status();
                if matches!(status.as_u16(), 502..=504) {
                    self.admission.failed(took, now);
                } else {
                    self.admission.answered(took, now);
                }
                Outcome::Answered {
                    status,
                    says_when: answered.names.have(Names::RETRY_AFTER),
                }
            }
            Err(refusal) => {
                // A client whose body fails says nothing about the endpoint.
                if *refusal != Refusal::RequestBody {
                    self.admission.failed(took, now);
                }
                Outcome::Refused(*refusal)
            }
        }
    }

    fn sent(&self, retries: u32) -> Sent {
        Sent {
            retries,
            idempotent: self.settled.method.is_idempotent(),
            held: self.settled.feed.as_ref().is_none_or(|feed| feed.is_held()),
        }
    }

    /// Whether time and budget are left for a further try.
    fn may_retry(&self, start: Instant) -> bool {
        let now = (self.clock)();
        let in_time = self.hard_end(start).is_none_or(|end| now < end);
        let budget = &self.policy.upstream.counts().budget;
        in_time && budget.try_retry(self.policy.retries.budget, now)
    }

    fn hard_end(&self, start: Instant) -> Option<Instant> {
        let ended_at = match &self.settled.feed {
            None => Some(start),
            Some(feed) => feed.standing().ended_at,
        };
        self.settled.limits.hard(ended_at)
    }

    /// One try at one endpoint: on a kept connection, and once more on a new one where the kept one
    /// turns out to be dead.
    async fn once(&self, place: usize, log: &mut Log<'_>) -> Result<Answered, Refusal> {
        let upstream = &self.policy.upstream;
        let endpoint = upstream.endpoint(place);
        let mut afresh = false;
        loop {
            let safe = self.settled.method.is_safe();
            let kept = (!afresh || endpoint.is_http2())
                .then(|| wire::kept(self.pools, endpoint, safe, (self.clock)()))
                .flatten();
            let mut wire = if let Some(kept) = kept {
                kept
            } else {
                let settings = upstream.settings();
                let limit = self.connect_limit(settings.connect_timeout, log.start);
                wire::connect(self.pools, endpoint, settings, limit, self.clock).await?
            };
            log.kept = wire.was_kept();
            let body = self.body()?;
            let answered = self.exchange(&mut wire, endpoint, body, log.start).await;
            let failure = match answered {
                Ok((response, names)) => {
                    return Ok(Answered {
                        response,
                        names,
                        wire,
                    });
                }
                Err(failure) => failure,
            };
            self.drop_broken(endpoint.id(), &wire, failure);
            if afresh || !retry::wanted_afresh(wire.was_kept(), failure, self.sent(0)) {
                return Err(failure.refusal);
            }
            afresh = true;
        }
    }

    fn exchange<'a>(
        &'a self,
        wire: &'a mut Wire,
        endpoint: &'a Endpoint,
        body: RequestBody,
        ended: Instant,
    ) -> Exchanging<'a> {
        let settled = self.settled;
        let sent = exchange::Sent {
            asked_head: settled.method == Method::HEAD,
            head: &settled.head,
            endpoint,
            body,
            framing: settled.framing,
            feed: settled.feed.as_deref(),
            ended,
        };
        let of_worker = (self.pools.buffers(), self.pools.alarms());
        exchange(wire, sent, of_worker, &settled.limits, self.clock)
    }

    fn body(&self) -> Result<RequestBody, Refusal> {
        match &self.settled.feed {
            None => Ok(RequestBody::empty()),
            // Tries are made only while the body is held.
            Some(feed) => feed
                .body(self.settled.framing.size_hint())
                .ok_or(Refusal::ConnectionLost),
        }
    }

    fn connect_limit(&self, connect: Duration, start: Instant) -> Duration {
        match self.hard_end(start) {
            None => connect,
            Some(end) => connect.min(end.saturating_duration_since((self.clock)())),
        }
    }

    fn drop_broken(&self, endpoint: u64, wire: &Wire, failure: Failure) {
        if let Wire::Http2(stream) = wire
            && failure.broken
        {
            self.pools.forget(endpoint, stream);
        }
    }

    /// Keeps the connection of an answer that is not used, where its body is there already.
    fn discard(&self, answered: Answered) {
        let Answered {
            response, mut wire, ..
        } = answered;
        let mut received = response.into_body();
        if wire::is_drained(&mut wire, &mut received, self.pools.buffers()) {
            give(self.pools, wire, &self.admission, self.clock);
        }
    }
}

/// Keeps a connection for the next request, where it is one for a single request at a time.
fn give(pools: &Arc<WorkerPools>, wire: Wire, admission: &Admission, clock: fn() -> Instant) {
    if let (Wire::Http1(connection), Some(endpoint)) = (wire, admission.endpoint()) {
        let settings = admission.upstream().settings();
        pools.give(endpoint.id(), connection, settings, clock());
    }
}

/// The upstream has left HTTP: what follows is a tunnel.
fn switch(answered: Answered, mut admission: Admission, on_upgrade: Option<OnUpgrade>) -> Reply {
    let Answered { response, wire, .. } = answered;
    let (mut head, received) = response.into_parts();
    let (Some(on_upgrade), Wire::Http1(connection), Received::Http1(body)) =
        (on_upgrade, wire, received)
    else {
        admission.cut_short();
        return Err(Refusal::Upgrade);
    };
    admission.become_stream()?;
    answer_head::prepare_switch(&mut head);
    let idle = admission.upstream().settings().stream_idle;
    let socket = (connection.into_stream(), body.into_early());
    upgrade::start(on_upgrade, socket, idle, admission);
    Ok(Answer {
        head,
        content: Content::Empty,
    })
}

/// The answer's body follows, or there is none.
fn stream(
    pools: &Arc<WorkerPools>,
    answered: Answered,
    mut admission: Admission,
    absolute: Option<Instant>,
    clock: fn() -> Instant,
) -> Reply {
    let Answered {
        response,
        names,
        mut wire,
    } = answered;
    let (mut head, mut received) = response.into_parts();
    let kind = Kind::of_answer(&head.headers);
    answer_head::prepare(&mut head, names);
    if let Some(whole) = received.take_whole(&mut wire) {
        give(pools, wire, &admission, clock);
        let content = if whole.is_empty() {
            Content::Empty
        } else {
            Content::Whole(whole)
        };
        return Ok(Answer { head, content });
    }
    if kind == Kind::EventStream {
        admission.become_stream()?;
    }
    let settings = admission.upstream().settings();
    let bounds = Bounds {
        idle: if kind == Kind::Plain {
            settings.read_idle
        } else {
            settings.stream_idle
        },
        absolute,
        ends_on_drain: kind == Kind::EventStream,
    };
    let flow = Flow::new(received, wire, admission, Arc::clone(pools), clock, &bounds);
    Ok(Answer {
        head,
        content: Content::Flow(flow),
    })
}
