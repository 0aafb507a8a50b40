//! A request whose content is part of its key, from its call until the content is known.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::Body;
use tower_service::Service;

use crate::asked::Bypass;
use crate::body::BoxError;
use crate::content::{Content, Read};
use crate::future::CacheFuture;
use crate::key::CacheKey;
use crate::layer::{CacheLayer, examine};
use crate::request_body::CacheRequestBody;
use crate::spawn::{Background, Spawn};

/// The inner service, which waits, ready, and what of the request is known.
pub(crate) struct Reading<S, A, E> {
    inner: S,
    head: request::Parts,
    content: Content<A>,
    layer: CacheLayer<E>,
}

impl<S, A, E> Reading<S, A, E> {
    pub(crate) fn new((inner, request): (S, Request<A>), layer: CacheLayer<E>) -> Box<Self> {
        let (head, body) = request.into_parts();
        Box::new(Self {
            inner,
            head,
            content: Content::of(body),
            layer,
        })
    }

    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read<A>>
    where
        A: Body<Data = Bytes>,
        A::Error: Into<BoxError>,
    {
        Poll::Ready(ready!(self.content.poll_read(cx)))
    }

    /// Goes the way that the request would have gone at once, had its content been known.
    pub(crate) fn go_on<B>(self, read: Read<A>) -> CacheFuture<S, A, B, E, S::Future>
    where
        S: Service<Request<CacheRequestBody<A>>, Response = Response<B>>,
        E: Spawn<Background<S::Future, B, E>> + Clone,
        A: Body<Data = Bytes>,
        A::Error: Into<BoxError>,
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let Self {
            mut inner,
            head,
            layer,
            ..
        } = self;
        let content = match read {
            Read::Content(content) => content,
            Read::Other(read, last, rest) => {
                let body = CacheRequestBody::resumed(read, last, rest);
                let request = Request::from_parts(head, body);
                let after = layer.bypass(&request, Bypass::Content);
                return CacheFuture::passing(inner.call(request), after);
            }
        };
        let body = CacheRequestBody::replayed(content.clone());
        let mut request = Request::from_parts(head, body);
        let known = layer.seen(&request);
        let mut key = CacheKey::empty();
        let judged = match known.policy {
            Some(policy) => examine(&request, Some(&content), policy, &known, &mut key),
            None => Err(Bypass::Strategy),
        };
        let show_key = known.show_key;
        let asked = match judged {
            Ok(asked) => asked,
            Err(reason) => {
                let after = layer.bypass(&request, reason);
                return CacheFuture::passing(inner.call(request), after);
            }
        };
        let course = layer.course(&mut request, asked, &mut key, None);
        let shown = show_key.then(|| key.shown()).flatten();
        let call = (inner, request);
        match course {
            Ok(course) => CacheFuture::owned(course, call, layer, asked),
            Err(_) => CacheFuture::asking(call, layer, key, asked),
        }
        .showing(shown)
    }
}
