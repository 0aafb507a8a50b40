//! The crate's own HTTP/1 client beside hyper's: both are played the same origin, and read the same.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::join;
use upstream::{Forward, ForwardPolicy, Refusal, RetrySettings};

use crate::client::{full, send};
use crate::origin::{Origin, Peer};

/// What an origin does with one request.
#[derive(Clone, Debug)]
struct Script {
    method: Method,
    /// Written one after the other, each once the one before was taken.
    pieces: Vec<Vec<u8>>,
    end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Open,
    Close,
    Reset,
}

/// What a client makes of it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// None: no answer.
    head: Option<(u16, Vec<(String, String)>)>,
    /// What came of the body, and whether it came to its end.
    body: Vec<u8>,
    trailers: Vec<(String, String)>,
    is_whole: bool,
}

impl Script {
    fn get(bytes: impl AsRef<[u8]>, end: End) -> Self {
        Self {
            method: Method::GET,
            pieces: vec![bytes.as_ref().to_vec()],
            end,
        }
    }

    fn byte_by_byte(mut self) -> Self {
        self.pieces = self
            .pieces
            .concat()
            .iter()
            .map(|byte| vec![*byte])
            .collect();
        self
    }

    async fn play(self, origin: &Origin) -> Option<Peer> {
        let mut peer = origin.accept().await;
        peer.head().await;
        for piece in &self.pieces {
            // A client that has seen enough may be gone.
            if peer.try_send(piece).await.is_err() {
                return None;
            }
        }
        match self.end {
            End::Open => return Some(peer),
            End::Close => drop(peer),
            End::Reset => peer.reset(),
        }
        None
    }

    fn request<B>(&self, body: B) -> Request<B> {
        let request = Request::builder().method(self.method.clone()).uri("/a");
        request.header("host", "a").body(body).unwrap()
    }

    /// What ours sees, and how many connections it keeps.
    async fn ours(&self) -> (Seen, usize) {
        let origin = Origin::bind().await;
        let forward = Forward::alone(ForwardPolicy {
            retries: RetrySettings::none(),
            ..origin.policy()
        });
        let client = async {
            let answer = send(&forward, self.request(full(""))).await;
            if answer.extensions().get::<Refusal>().is_some() {
                return Seen::nothing();
            }
            Seen::of(answer).await
        };
        let (seen, _peer) = join!(client, self.clone().play(&origin));
        (seen, forward.pools().idle())
    }

    /// What hyper sees, and how many connections could be kept.
    async fn hypers(&self) -> (Seen, usize) {
        let origin = Origin::bind().await;
        let client = async {
            let stream = tokio::net::TcpStream::connect(origin.address)
                .await
                .unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            let running = tokio::spawn(connection);
            let answer = sender
                .send_request(self.request(Full::<Bytes>::default()))
                .await;
            let seen = match answer {
                Ok(answer) => Seen::of(answer).await,
                Err(_) => Seen::nothing(),
            };
            let is_kept = seen.is_whole && sender.ready().await.is_ok();
            running.abort();
            (seen, usize::from(is_kept))
        };
        join!(client, self.clone().play(&origin)).0
    }
}

impl Seen {
    fn nothing() -> Self {
        Self {
            head: None,
            body: Vec::new(),
            trailers: Vec::new(),
            is_whole: false,
        }
    }

    async fn of<B>(answer: Response<B>) -> Self
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let (head, mut incoming) = answer.into_parts();
        let mut seen = Self {
            head: Some((head.status.as_u16(), fields(&head.headers))),
            ..Self::nothing()
        };
        loop {
            match incoming.frame().await {
                None => {
                    seen.is_whole = true;
                    return seen;
                }
                Some(Err(_)) => return seen,
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => seen.body.extend_from_slice(&data),
                    Err(frame) => {
                        seen.trailers = frame.trailers_ref().map(fields).unwrap_or_default();
                    }
                },
            }
        }
    }
}

/// The fields, without those of one hop, what a gateway adds, and the length that a 304 tells.
fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    const NOT: [&str; 5] = [
        "connection",
        "keep-alive",
        "transfer-encoding",
        "via",
        "content-length",
    ];
    let is_seen = |name: &HeaderName| !NOT.contains(&name.as_str());
    let mut fields: Vec<_> = headers
        .iter()
        .filter(|(name, _)| is_seen(name))
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect();
    fields.sort();
    fields
}

const SIZED: &str = "HTTP/1.1 200 OK\r\na: 1\r\ncontent-length: 5\r\n\r\nhello";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
    2;x=\"y\"\r\nhe\r\n003\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n";

#[track_caller]
fn assert_same(script: &Script, ours: &(Seen, usize), hypers: &(Seen, usize)) {
    assert_eq!(ours.0, hypers.0, "ours and hyper's of {script:?}");
    if script.end == End::Open {
        assert_eq!(ours.1, hypers.1, "connections kept after {script:?}");
    }
}

async fn check(script: Script) {
    assert_same(&script, &script.ours().await, &script.hypers().await);
}

#[tokio::test]
async fn both_read_the_same_of_answers_that_end() {
    for answer in [
        SIZED,
        CHUNKED,
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 204 No Content\r\na: 1\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\netag: \"a\"\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 404 No\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
    ] {
        check(Script::get(answer, End::Open)).await;
        check(Script::get(answer, End::Open).byte_by_byte()).await;
        check(Script::get(answer, End::Close)).await;
    }
}

#[tokio::test]
async fn both_read_the_same_of_heads_alone() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\na: 1\r\n\r\n",
    ] {
        let script = Script {
            method: Method::HEAD,
            ..Script::get(answer, End::Open)
        };
        let (ours, hypers) = (script.ours().await, script.hypers().await);
        assert_eq!(ours.0, hypers.0, "{answer}");
    }
}

#[tokio::test]
async fn both_read_to_the_close_where_no_length_is_told() {
    for answer in [
        "HTTP/1.1 200 OK\r\n\r\nall",
        "HTTP/1.0 200 OK\r\na: 1\r\n\r\nall of it",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        check(Script::get(answer, End::Close)).await;
        check(Script::get(answer, End::Close).byte_by_byte()).await;
    }
}

#[tokio::test]
async fn a_close_at_any_moment_is_read_the_same() {
    for answer in [
        SIZED,
        CHUNKED,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi",
    ] {
        for end in 0..answer.len() {
            check(Script::get(&answer[..end], End::Close)).await;
        }
    }
}

/// What is in the kernel's buffers is lost with a reset, so the two need not see the same; but neither may take a part
/// for the whole.
#[tokio::test]
async fn a_reset_at_any_moment_is_no_end() {
    for answer in [SIZED, CHUNKED, "HTTP/1.1 200 OK\r\n\r\nhi"] {
        let until_close = answer.ends_with("\r\n\r\nhi");
        for end in 0..answer.len() {
            let (seen, kept) = Script::get(&answer[..end], End::Reset).ours().await;
            assert!(!seen.is_whole, "{seen:?} of {:?}", &answer[..end]);
            assert_eq!(kept, 0);
        }
        let (seen, _) = Script::get(answer, End::Reset).ours().await;
        assert!(!(until_close && seen.is_whole), "{seen:?}");
    }
}

#[tokio::test]
async fn bytes_that_belong_to_nobody_are_not_the_next_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi!",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let (seen, kept) = Script::get(answer, End::Open).ours().await;
        assert!(
            seen.is_whole && (seen.body == b"hi" || seen.body.is_empty()),
            "{seen:?}"
        );
        assert_eq!(kept, 0, "{answer}");
    }
}

/// Where hyper mends what two parsers could read differently, ours refuses.
#[tokio::test]
async fn ours_refuses_what_hyper_mends() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\ncontent-length: 2\n\nhi",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 02\r\n\r\nhi",
    ] {
        let (seen, kept) = Script::get(answer, End::Close).ours().await;
        assert_eq!((seen, kept), (Seen::nothing(), 0), "{answer}");
    }
}

#[tokio::test]
async fn an_early_answer_reaches_the_one_who_still_sends() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        peer.send(
            "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 2\r\n\r\nno",
        )
        .await;
        peer
    };
    let request = Request::post("/a").body(full(vec![0; 8 << 20])).unwrap();
    let (answer, _peer) = join!(send(&forward, request), script);
    let seen = Seen::of(answer).await;
    assert_eq!(seen.head.unwrap().0, 413);
    assert_eq!(seen.body, b"no");
    assert_eq!(forward.pools().idle(), 0);
}

#[tokio::test]
async fn only_announced_trailers_go_out() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let mut peer = origin.accept().await;
        peer.head().await;
        let sent = peer.until(b"\r\n\r\n").await;
        peer.send("HTTP/1.1 204 No Content\r\n\r\n").await;
        sent
    };
    let request = Request::post("/a")
        .header("trailer", "x-sum, host")
        .body(with_trailers())
        .unwrap();
    let (answer, sent) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 204);
    assert_eq!(sent, "5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n");
}

/// A body with trailers: one that is announced, one that is not, and one that may be none.
fn with_trailers() -> crate::client::Sends {
    let mut trailers = HeaderMap::new();
    for name in ["x-sum", "x-other", "host"] {
        trailers.insert(name, "1".parse().unwrap());
    }
    http_body_util::StreamBody::new(Frames(vec![
        http_body::Frame::trailers(trailers),
        http_body::Frame::data(Bytes::from_static(b"hello")),
    ]))
    .boxed_unsync()
}

/// Frames, the last first.
struct Frames(Vec<http_body::Frame<Bytes>>);

impl futures_core::Stream for Frames {
    type Item = Result<http_body::Frame<Bytes>, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.get_mut().0.pop().map(Ok))
    }
}

/// An answer of any shape that HTTP/1 has.
fn answers() -> impl Strategy<Value = (Vec<u8>, End)> {
    let head = (
        prop::sample::select(vec!["HTTP/1.1", "HTTP/1.0"]),
        prop::sample::select(vec![
            "200 OK",
            "201 ",
            "206 Partial Content",
            "404 Nope",
            "500 X",
            "599 a b",
        ]),
        prop::collection::vec(("x-[a-z]{1,6}", "[ -~]{0,12}"), 0..4),
        prop::sample::select(vec![
            "",
            "connection: close\r\n",
            "connection: keep-alive\r\n",
        ]),
        prop::sample::select(vec![0, 0, 1, 2]),
    );
    let body = prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..4);
    (head, body, 0..3_u8).prop_map(
        |((version, status, fields, connection, interim), body, framing)| {
            let mut bytes = "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
                .repeat(interim)
                .into_bytes();
            bytes.extend_from_slice(format!("{version} {status}\r\n{connection}").as_bytes());
            for (name, value) in fields {
                bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
            }
            match framing {
                0 => {
                    let body = body.concat();
                    bytes.extend_from_slice(
                        format!("content-length: {}\r\n\r\n", body.len()).as_bytes(),
                    );
                    bytes.extend_from_slice(&body);
                    (bytes, End::Open)
                }
                1 if version == "HTTP/1.1" => {
                    bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
                    for chunk in body {
                        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                        bytes.extend_from_slice(&chunk);
                        bytes.extend_from_slice(b"\r\n");
                    }
                    bytes.extend_from_slice(b"0\r\n\r\n");
                    (bytes, End::Open)
                }
                _ => {
                    bytes.extend_from_slice(b"\r\n");
                    bytes.extend_from_slice(&body.concat());
                    (bytes, End::Close)
                }
            }
        },
    )
}

fn cut(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|ends| bytes[ends[0]..ends[1]].to_vec())
        .collect()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Whatever an origin answers and however it comes, both read the same, and keep the same connections.
    #[test]
    fn both_read_the_same_of_any_answer(
        (bytes, end) in answers(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let script = Script { method: Method::GET, pieces: cut(&bytes, &cuts), end };
        let (ours, hypers) = block_on(async { (script.ours().await, script.hypers().await) });
        assert_same(&script, &ours, &hypers);
    }

    /// A byte that is not what it was may make an answer that ours refuses and hyper does not; never one that ours reads
    /// as something else.
    #[test]
    fn what_ours_reads_of_a_damaged_answer_hyper_reads_too(
        (bytes, _) in answers(),
        at in any::<prop::sample::Index>(),
        byte in prop::sample::select(b"\r\n\0 \t:;,0159afxX-\x7f\xff".to_vec()),
        inserts in any::<bool>(),
    ) {
        let mut bytes = bytes;
        let at = at.index(bytes.len());
        if inserts {
            bytes.insert(at, byte);
        } else {
            bytes[at] = byte;
        }
        let script = Script::get(&bytes, End::Close);
        let (ours, hypers) = block_on(async { (script.ours().await.0, script.hypers().await.0) });
        if ours.is_whole {
            prop_assert_eq!(ours, hypers);
        }
    }
}
