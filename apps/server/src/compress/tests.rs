#![cfg(feature = "compression")]
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Read as _, Write as _};
use std::pin::pin;
use std::task::Waker;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, IF_NONE_MATCH};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use tower::{ServiceExt as _, service_fn};

use super::*;

/// What a body gives when it is polled.
#[derive(Clone, Debug)]
enum Next {
    Data(Bytes),
    Pause,
    Trailers(HeaderMap),
    Fail,
}

/// A body that does as it is told, and goes on by itself after a pause.
#[derive(Clone, Debug, Default)]
struct Told(VecDeque<Next>);

impl Told {
    fn whole(text: &str) -> Self {
        Self([Next::Data(Bytes::copy_from_slice(text.as_bytes()))].into())
    }
}

impl Body for Told {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(match self.0.pop_front() {
            None => None,
            Some(Next::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Next::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Next::Fail) => Some(Err(io::ErrorKind::BrokenPipe.into())),
            Some(Next::Pause) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// Takes a coding off, as far as `coded` goes.
fn decoded(coding: Coding, coded: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    match coding {
        Coding::Gzip => {
            let mut decoder = flate2::write::GzDecoder::new(&mut bare);
            decoder.write_all(coded).unwrap();
            decoder.flush().unwrap();
        }
        Coding::Br => {
            let mut decoder = brotli::Decompressor::new(coded, 4096);
            // What was cut off ends in an error, after all that could be read.
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = decoder.read(&mut piece) {
                bare.extend_from_slice(&piece[..count]);
            }
        }
        Coding::Zstd => {
            let mut decoder = zstd::stream::write::Decoder::new(&mut bare).unwrap();
            decoder.write_all(coded).unwrap();
            decoder.flush().unwrap();
        }
    }
    bare
}

async fn ask(
    fields: &[(HeaderName, &str)],
    method: Method,
    response: Response<Told>,
) -> Response<CompressBody<Told>> {
    let inner = service_fn(move |_: Request<()>| {
        let response = response.clone();
        async move { Ok::<_, Infallible>(response) }
    });
    let layer = CompressLayer {
        codings: |_| Codings::new(&Coding::ALL),
        places: Places::default(),
    };
    let mut request = Request::new(());
    *request.method_mut() = method;
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        request.headers_mut().append(name, value);
    }
    layer.layer(inner).oneshot(request).await.unwrap()
}

fn text(body: Told) -> Response<Told> {
    let mut response = Response::new(body);
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    fields.insert(ETAG, HeaderValue::from_static("\"a\""));
    response
}

fn long() -> String {
    "nine bytes".repeat(1000)
}

#[tokio::test]
async fn what_would_not_be_true_of_the_coded_bytes_goes() {
    let mut response = text(Told::whole(&long()));
    let fields = response.headers_mut();
    fields.insert(CONTENT_LENGTH, HeaderValue::from_static("10000"));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.insert(VARY, HeaderValue::from_static("origin"));
    for name in &DIGESTS {
        fields.insert(name, HeaderValue::from_static("x"));
    }
    let response = ask(&[(ACCEPT_ENCODING, "br")], Method::GET, response).await;
    let fields = response.headers();
    assert_eq!(fields[CONTENT_ENCODING], "br");
    assert_eq!(fields[ETAG], "W/\"a-urm-br\"");
    let vary: Vec<_> = fields.get_all(VARY).iter().collect();
    assert_eq!(vary, ["origin", "accept-encoding"]);
    assert_eq!(fields.len(), 5, "{fields:?}");
    let coded = response.into_body().collect().await.unwrap().to_bytes();
    assert!(coded.len() < 1000, "{}", coded.len());
    assert_eq!(decoded(Coding::Br, &coded), long().as_bytes());
}

#[tokio::test]
async fn one_who_gets_it_bare_hears_that_others_may_not() {
    let response = ask(&[], Method::GET, text(Told::whole(&long()))).await;
    assert_eq!(response.headers()[VARY], "accept-encoding");
    assert_eq!(response.headers()[ETAG], "\"a\"");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, long());
    let mut star = text(Told::whole(&long()));
    star.headers_mut()
        .insert(VARY, HeaderValue::from_static("*"));
    let response = ask(&[(ACCEPT_ENCODING, "gzip")], Method::GET, star).await;
    assert_eq!(response.headers().get_all(VARY).iter().count(), 1);
}

#[tokio::test]
async fn what_is_not_eligible_passes_as_it_is() {
    let mut short = text(Told::whole("short"));
    short
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from_static("5"));
    let response = ask(&[(ACCEPT_ENCODING, "gzip")], Method::GET, short.clone()).await;
    assert_eq!(response.headers(), short.headers());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "short");
    let forbidden = [(ACCEPT_ENCODING, "gzip"), (CACHE_CONTROL, "no-transform")];
    let response = ask(&forbidden, Method::GET, text(Told::whole(&long()))).await;
    assert!(!response.headers().contains_key(CONTENT_ENCODING));
}

#[tokio::test]
async fn the_answer_to_head_has_the_fields_of_the_one_to_get() {
    for length in [None, Some("10000")] {
        let mut bare = text(Told::default());
        if let Some(length) = length {
            let length = HeaderValue::from_static(length);
            bare.headers_mut().insert(CONTENT_LENGTH, length);
        }
        let fields = [(ACCEPT_ENCODING, "gzip")];
        let head = ask(&fields, Method::HEAD, bare).await;
        let get = ask(&fields, Method::GET, text(Told::whole(&long()))).await;
        assert_eq!(head.headers(), get.headers());
        assert_eq!(head.body().size_hint().exact(), None);
        assert!(
            head.into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_304_has_the_tag_that_the_client_knows() {
    let mut not_modified = text(Told::default());
    not_modified.headers_mut().remove(CONTENT_TYPE);
    *not_modified.status_mut() = StatusCode::NOT_MODIFIED;
    let fields = [
        (ACCEPT_ENCODING, "gzip"),
        (IF_NONE_MATCH, "W/\"a-urm-gzip\""),
    ];
    let response = ask(&fields, Method::GET, not_modified).await;
    assert_eq!(response.headers()[ETAG], "W/\"a-urm-gzip\"");
    assert_eq!(response.headers()[VARY], "accept-encoding");
}

#[tokio::test]
async fn trailers_pass_without_digests() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-end", HeaderValue::from_static("1"));
    trailers.insert("repr-digest", HeaderValue::from_static("x"));
    let mut body = Told::whole(&long());
    body.0.push_back(Next::Trailers(trailers));
    let response = ask(&[(ACCEPT_ENCODING, "zstd")], Method::GET, text(body)).await;
    let body = response.into_body().collect().await.unwrap();
    let trailers = body.trailers().unwrap().clone();
    assert_eq!(
        (trailers.len(), &trailers["x-end"]),
        (1, &HeaderValue::from_static("1"))
    );
    assert_eq!(decoded(Coding::Zstd, &body.to_bytes()), long().as_bytes());
}

#[tokio::test]
async fn a_body_that_fails_is_not_ended() {
    let mut body = Told::whole(&long());
    body.0.push_back(Next::Fail);
    let response = ask(&[(ACCEPT_ENCODING, "gzip")], Method::GET, text(body)).await;
    let error = response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, CompressError::Inner(_)), "{error:?}");
}

#[tokio::test]
async fn a_long_body_that_shrinks_to_nothing_lets_others_run() {
    let zeros = Bytes::from(vec![0; 8 << 20]);
    let body = Told([Next::Data(zeros.clone())].into());
    let response = ask(&[(ACCEPT_ENCODING, "zstd")], Method::GET, text(body)).await;
    let mut body = pin!(response.into_body());
    let mut cx = Context::from_waker(Waker::noop());
    let (mut coded, mut pauses) = (Vec::new(), 0);
    loop {
        match body.as_mut().poll_frame(&mut cx) {
            Poll::Pending => pauses += 1,
            Poll::Ready(None) => break,
            Poll::Ready(Some(frame)) => coded.extend(frame.unwrap().into_data().unwrap()),
        }
    }
    assert!(pauses >= 16, "{pauses}");
    assert_eq!(decoded(Coding::Zstd, &coded), zeros);
}

/// Pieces of text that shrinks, of noise that does not, and pauses.
fn bodies() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
    let words = "([a-d]{1,6} ){0,200}".prop_map(String::into_bytes);
    let noise = proptest::collection::vec(any::<u8>(), 0..40_000);
    let piece = prop_oneof![4 => words.prop_map(Some), 1 => noise.prop_map(Some), 2 => Just(None)];
    proptest::collection::vec(piece, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn what_is_decoded_is_what_was_coded_and_nothing_waits(
        pieces in bodies(),
        at in 0_usize..3,
        length in proptest::option::of(0_u64..100_000),
    ) {
        let coding = Coding::ALL[at];
        let steps = pieces.iter().map(|piece| match piece {
            Some(data) => Next::Data(Bytes::copy_from_slice(data)),
            None => Next::Pause,
        });
        let encoder = Encoder::new(coding, length).unwrap();
        let place = Places::default().take().unwrap();
        let mut body = pin!(CompressBody::coded(Told(steps.collect()), encoder, place));
        let mut cx = Context::from_waker(Waker::noop());
        let whole: Vec<u8> = pieces.iter().flatten().flatten().copied().collect();
        let mut coded = Vec::new();
        loop {
            match body.as_mut().poll_frame(&mut cx) {
                Poll::Ready(None) => break,
                Poll::Ready(Some(frame)) => {
                    let data = frame.unwrap().into_data().unwrap();
                    prop_assert!(!data.is_empty() && data.len() <= 128 << 10, "{}", data.len());
                    coded.extend_from_slice(&data);
                }
                // All that came before a pause is legible.
                Poll::Pending => {
                    let left = match &*body {
                        CompressBody::Coded { inner, .. } => inner.0.clone(),
                        _ => unreachable!("it is coded"),
                    };
                    let left: usize = left.iter().map(|next| match next {
                        Next::Data(data) => data.len(),
                        _ => 0,
                    }).sum();
                    let seen = decoded(coding, &coded);
                    prop_assert_eq!(seen.len(), whole.len() - left);
                }
            }
        }
        prop_assert!(body.is_end_stream());
        prop_assert_eq!(decoded(coding, &coded), whole);
    }
}

#[tokio::test]
async fn beyond_the_bound_answers_leave_as_they_are() {
    let places = Places::default();
    let mut taken: Vec<_> = std::iter::from_fn(|| places.take()).collect();
    assert!(taken.len() >= 64, "{}", taken.len());
    let mut request = Request::new(());
    let gzip = HeaderValue::from_static("gzip");
    request.headers_mut().insert(ACCEPT_ENCODING, gzip);
    let mut coded = || {
        let codings = Codings::new(&Coding::ALL).unwrap();
        let job = Job::begin(codings, places.clone(), &mut request);
        job.finish(text(Told::whole(&long())))
    };
    let bare = coded();
    assert!(!bare.headers().contains_key(CONTENT_ENCODING));
    assert_eq!(bare.headers()[VARY], "accept-encoding");
    taken.pop();
    let one = coded();
    assert!(one.headers().contains_key(CONTENT_ENCODING));
    assert!(!coded().headers().contains_key(CONTENT_ENCODING));
    // A body's place is free once it has ended, or is dropped.
    let mut body = one.into_body();
    while body.frame().await.is_some() {}
    let two = coded();
    assert!(two.headers().contains_key(CONTENT_ENCODING));
    drop((two, body));
    assert!(coded().headers().contains_key(CONTENT_ENCODING));
}
