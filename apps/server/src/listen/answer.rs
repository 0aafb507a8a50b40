//! Who answers requests, and hyper's service around it.

use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use http_body::Body;
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::body::{AnswerBody, RequestBody};
use super::connection::{Call, Connection};

/// Any error that a body or a service may end with.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A worker's way to answer requests. It stays on its worker's thread, so nothing of it need be `Send`.
pub trait Answer {
    /// The body of an answer.
    type Body: Body<Data: 'static, Error: Into<BoxError>> + 'static;
    /// What ends the request without an answer; HTTP/1 closes the connection, HTTP/2 resets the stream.
    type Error: Into<BoxError>;
    /// The answer to come.
    type Future: Future<Output = Result<Response<Self::Body>, Self::Error>> + 'static;

    /// Begins to answer `request`, which came on `connection`.
    ///
    /// It is called as soon as the head is read, so what is decided here and not in the future costs no
    /// further turn.
    fn call(&self, request: Request<RequestBody>, connection: &Arc<Connection>) -> Self::Future;
}

/// hyper's service of one connection.
#[derive(Debug)]
pub(super) struct Service<A> {
    answer: Rc<A>,
    connection: Arc<Connection>,
}

impl<A> Service<A> {
    pub(super) fn new(answer: Rc<A>, connection: Arc<Connection>) -> Self {
        Self { answer, connection }
    }
}

impl<A: Answer> hyper::service::Service<Request<Incoming>> for Service<A> {
    type Response = Response<AnswerBody<A::Body>>;
    type Error = A::Error;
    type Future = Answering<A::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let call = Call::begin(&self.connection);
        let version = request.version();
        let request = request.map(|body| RequestBody::new(body, &self.connection));
        Answering {
            future: Some(self.answer.call(request, &self.connection)),
            call: Some(call),
            version,
        }
    }
}

pin_project! {
    /// An answer to come; it says `Connection: close` where the connection is to end.
    #[derive(Debug)]
    pub(super) struct Answering<F> {
        #[pin]
        future: Option<F>,
        call: Option<Call>,
        version: Version,
    }
}

impl<F, B, E> Future for Answering<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<AnswerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (Some(future), Some(_)) = (this.future.as_mut().as_pin_mut(), &this.call) else {
            return Poll::Pending; // It has answered; nobody polls it again.
        };
        let outcome = ready!(future.poll(cx));
        // A request body that the service kept to the end is let go here, before the answer is judged.
        this.future.set(None);
        let Some(call) = this.call.take() else {
            return Poll::Pending;
        };
        let mut response = outcome?;
        if *this.version <= Version::HTTP_11
            && must_close(call.connection())
            && response.status() != StatusCode::SWITCHING_PROTOCOLS
        {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| AnswerBody::new(body, call))))
    }
}

/// Whether an HTTP/1 connection cannot take another request after this answer.
fn must_close(connection: &Connection) -> bool {
    connection.is_draining() || connection.left_unread()
}
