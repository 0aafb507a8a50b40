//! The innermost service: a request goes in, an upstream's answer comes out.

mod ask;
mod settled;

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use tower_service::Service;

use self::ask::{Answer, Ask, Reply};
use crate::answer::AnswerBody;
use crate::client_info::{Client, ClientInfo};
use crate::feed::{BoxError, Feed, Pump};
use crate::forward::request::Framing;
use crate::policy::ForwardPolicy;
use crate::pool::WorkerPools;
use crate::refusal::{Refusal, RequestBodyError};
use crate::told::Told;

/// Forwards requests to upstreams: retries, balancing, and the exchange itself.
///
/// Clones share the worker's connections. It never fails: what goes wrong is an answer with a
/// [`Refusal`] in its extensions. Must be called inside a tokio runtime with time and IO.
#[derive(Clone)]
pub struct Forward {
    pools: Arc<WorkerPools>,
    policy: fn(&Extensions) -> Option<&ForwardPolicy>,
    client: fn(&Extensions) -> Option<Client<'_>>,
    tell: fn(&Extensions, &Told<'_>),
    clock: fn() -> Instant,
    fixed: Option<Arc<ForwardPolicy>>,
}

impl Forward {
    /// Makes the service of one worker.
    ///
    /// `policy` says where a request goes, `client` who asks, `tell` hears how it went; all three
    /// look at the request's extensions.
    pub fn new(
        pools: Arc<WorkerPools>,
        policy: fn(&Extensions) -> Option<&ForwardPolicy>,
        client: fn(&Extensions) -> Option<Client<'_>>,
        tell: fn(&Extensions, &Told<'_>),
    ) -> Self {
        Self {
            pools,
            policy,
            client,
            tell,
            clock: now,
            fixed: None,
        }
    }

    /// Makes a service that stands alone: a [`ForwardPolicy`] in a request's extensions goes before
    /// `policy`, a [`ClientInfo`] there says who asks.
    pub fn alone(policy: ForwardPolicy) -> Self {
        let mut alone = Self::new(
            WorkerPools::new(1),
            Extensions::get::<ForwardPolicy>,
            |extensions| extensions.get::<ClientInfo>().map(Client::from),
            |_, _| {},
        );
        alone.fixed = Some(Arc::new(policy));
        alone
    }

    /// Takes the time from `clock` instead of the runtime.
    pub fn with_clock(mut self, clock: fn() -> Instant) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the connections that this worker keeps.
    pub fn pools(&self) -> &Arc<WorkerPools> {
        &self.pools
    }
}

/// The runtime's time, which a test may stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("pools", &self.pools)
            .field("fixed", &self.fixed)
            .finish_non_exhaustive()
    }
}

impl<A> Service<Request<A>> for Forward
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    type Response = Response<AnswerBody<A>>;
    type Error = Infallible;
    type Future = ForwardFuture<A>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        // A request without a body has neither feed nor pump.
        let (framing, feed, pump) = if body.is_end_stream() {
            (Framing::Empty, None, None)
        } else {
            let framing = match body.size_hint().exact() {
                Some(length) => Framing::Sized(length),
                None => Framing::Streamed,
            };
            let feed = Feed::new();
            let pump = Pump::new(body, Arc::clone(&feed), self.clock);
            (framing, Some(feed), Some(Box::pin(pump)))
        };
        let ask = Ask::new(self, parts, framing, feed);
        ForwardFuture {
            pump,
            reply: Box::pin(ask.run()),
            failed: None,
        }
    }
}

/// A request under way. Dropping it closes the connection that it is on.
///
/// What waits inside is boxed, for hyper's futures have no names; nothing of the caller's types is
/// in the box, so it asks nothing of them.
pub struct ForwardFuture<A> {
    pump: Option<Pin<Box<Pump<A>>>>,
    reply: Pin<Box<dyn Future<Output = Reply> + Send>>,
    failed: Option<BoxError>,
}

impl<A> fmt::Debug for ForwardFuture<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardFuture")
            .field("sends", &self.pump.is_some())
            .finish_non_exhaustive()
    }
}

impl<A> Future for ForwardFuture<A>
where
    A: Body<Data = Bytes>,
    A::Error: Into<BoxError>,
{
    type Output = Result<Response<AnswerBody<A>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Some(pump) = &mut this.pump
            && let Poll::Ready(ended) = pump.as_mut().poll(cx)
        {
            this.pump = None;
            this.failed = ended.err();
        }
        let reply = ready!(this.reply.as_mut().poll(cx));
        let pump = this.pump.take();
        Poll::Ready(Ok(match reply {
            Ok(Answer { head, content }) => {
                Response::from_parts(head, AnswerBody::new(content, pump))
            }
            Err(refusal) => {
                let mut response = refusal.answer();
                if refusal == Refusal::RequestBody
                    && let Some(cause) = this.failed.take()
                {
                    response
                        .extensions_mut()
                        .insert(RequestBodyError::new(cause));
                }
                response
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Empty;

    use super::*;
    use crate::settings::UpstreamSettings;
    use crate::upstream::Upstream;

    /// Ten thousand requests that wait are ten thousand of these.
    #[test]
    fn a_request_that_waits_is_small() {
        let upstream = Upstream::new("a", &UpstreamSettings::default());
        let mut forward = Forward::alone(ForwardPolicy::new(upstream));
        let future = forward.call(Request::new(Empty::<Bytes>::new()));
        let (outside, inside) = (size_of_val(&future), size_of_val(&*future.reply));
        assert!(
            outside <= 64 && inside <= 2560,
            "{outside} and {inside} bytes"
        );
    }
}
