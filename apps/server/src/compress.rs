//! A route's `compress`: may this answer leave smaller, and in which coding? (RFC 9110 §8.4, §12.5.3)
//!
//! - The coding is chosen before the cache ([`Codings::narrow`], as the last of the request's edits): from there on
//!   `Accept-Encoding` names that one alone, so a stored response is compressed once a coding, and an upstream that
//!   compresses itself is asked for the same; what it has coded passes as it is.
//! - The layer stands below the cache. It codes whole answers of a compressible type (`eligible`) as
//!   they come: no piece waits for the next, and memory does not grow with the body.
//! - Whether or not this client got one, an answer that may be coded has `Vary: Accept-Encoding`.
//! - Each coding has an entity tag of its own (`etag`), which is undone in conditions on their way up.
//! - What would not be true of the coded bytes goes: `Content-Length`, `Accept-Ranges` and the digests (`Content-MD5`,
//!   `Digest`; RFC 9530's `Content-Digest` and `Repr-Digest`, whose representation includes the coding), in
//!   trailers too.
//!
//! Where a secret and what a client wrote share a body, its length tells of the secret (BREACH): that route is better
//! left uncompressed, which is the default.
mod body;
mod coding;
mod eligible;
mod encoder;
mod etag;
mod places;
mod uncoded;

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, HeaderName, VARY,
};
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use self::encoder::Encoder;
use self::etag::Held;

pub use self::body::{CompressBody, CompressError};
pub use self::coding::{Coding, Codings};
pub use self::places::Places;
pub use self::uncoded::{Uncoded, UncodedFuture};

/// Whether this build has the encoders.
pub const AVAILABLE: bool = cfg!(feature = "compression");

/// What a digest of the bytes before the coding says nothing of.
static DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

fn drop_digests(fields: &mut HeaderMap) {
    for name in &DIGESTS {
        fields.remove(name);
    }
}

/// Compresses the answers of routes that say so.
#[derive(Clone, Debug)]
pub struct CompressLayer {
    /// Finds the codings of a request's route; `None`: it does not compress.
    pub codings: fn(&Extensions) -> Option<Codings>,
    /// How many answers may be coded at once.
    pub places: Places,
}

impl<S> Layer<S> for CompressLayer {
    type Service = Compress<S>;

    fn layer(&self, inner: S) -> Compress<S> {
        Compress {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of [`CompressLayer`].
#[derive(Clone, Debug)]
pub struct Compress<S> {
    inner: S,
    layer: CompressLayer,
}

impl<S, A, B> Service<Request<A>> for Compress<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    B: Body<Data = Bytes>,
{
    type Response = Response<CompressBody<B>>;
    type Error = S::Error;
    type Future = CompressFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let codings = (self.layer.codings)(request.extensions());
        let job = codings.map(|codings| {
            let places = self.layer.places.clone();
            Box::new(Job::begin(codings, places, &mut request))
        });
        CompressFuture {
            inner: self.inner.call(request),
            job,
        }
    }
}

pin_project! {
    /// The future of [`Compress`].
    pub struct CompressFuture<F> {
        #[pin]
        inner: F,
        job: Option<Box<Job>>,
    }
}

impl<F, B, E> Future for CompressFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<CompressBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx))?;
        Poll::Ready(Ok(match this.job.take() {
            Some(job) => job.finish(response),
            None => response.map(CompressBody::passed),
        }))
    }
}

/// What is known of one request until its answer comes.
#[derive(Debug)]
struct Job {
    coding: Option<Coding>,
    is_head: bool,
    /// What the client holds in that coding.
    held: Held,
    places: Places,
}

impl Job {
    fn begin<A>(codings: Codings, places: Places, request: &mut Request<A>) -> Self {
        // Where nothing above did so: the upstream is asked for no coding but the one that is wanted.
        let coding = codings.narrow(request.headers_mut());
        let method = request.method().clone();
        Self {
            coding,
            is_head: method == Method::HEAD,
            held: Held::undo(&method, coding, request.headers_mut()),
            places,
        }
    }

    fn finish<B: Body<Data = Bytes>>(self, response: Response<B>) -> Response<CompressBody<B>> {
        let (mut head, body) = response.into_parts();
        if head.status == StatusCode::NOT_MODIFIED {
            if self.held.redo(&mut head.headers) {
                vary(&mut head.headers);
            }
            return Response::from_parts(head, CompressBody::passed(body));
        }
        let length = self.length(&head.headers, &body);
        if !eligible::is_eligible(head.status, &head.headers, length) {
            return Response::from_parts(head, CompressBody::passed(body));
        }
        vary(&mut head.headers);
        let Some(coding) = self.coding else {
            return Response::from_parts(head, CompressBody::passed(body));
        };
        let body = if self.is_head {
            CompressBody::untold(body)
        } else {
            let Some(place) = self.places.take() else {
                return Response::from_parts(head, CompressBody::passed(body));
            };
            // A library that has no memory for it is no reason to refuse the answer.
            match Encoder::new(coding, length) {
                Ok(encoder) => CompressBody::coded(body, encoder, place),
                Err(error) => {
                    tracing::warn!(%error, coding = coding.as_str(), "an answer is not compressed");
                    return Response::from_parts(head, CompressBody::passed(body));
                }
            }
        };
        coded(coding, &mut head.headers);
        Response::from_parts(head, body)
    }

    /// How long the whole body is before the coding, where that is known.
    fn length<B: Body>(&self, fields: &HeaderMap, body: &B) -> Option<u64> {
        if let Some(length) = fields.get(CONTENT_LENGTH) {
            return length.to_str().ok()?.parse().ok();
        }
        // To `HEAD`, no body says nothing of the one that `GET` has.
        let exact = body.size_hint().exact()?;
        (exact > 0 || !self.is_head).then_some(exact)
    }
}

/// Says of a response that it has this coding.
fn coded(coding: Coding, fields: &mut HeaderMap) {
    fields.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.as_str()));
    fields.remove(CONTENT_LENGTH);
    fields.remove(ACCEPT_RANGES);
    drop_digests(fields);
    if let Some(tag) = fields.get(ETAG) {
        match etag::of_coding(tag, coding) {
            Some(tag) => fields.insert(ETAG, tag),
            // Not an entity tag; of two codings it would be the same.
            None => fields.remove(ETAG),
        };
    }
}

fn vary(fields: &mut HeaderMap) {
    let says = |line: &HeaderValue| {
        line.as_bytes().split(|byte| *byte == b',').any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str().as_bytes())
        })
    };
    if !fields.get_all(VARY).iter().any(says) {
        fields.append(VARY, HeaderValue::from_name(ACCEPT_ENCODING));
    }
}

#[cfg(test)]
mod tests;
