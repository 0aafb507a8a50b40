//! What the origin sees, and what comes back.

use http::{Request, StatusCode, Version};
use tokio::join;
use upstream::{ClientInfo, Forward, Refusal, proxy_status, pseudonym};

use crate::client::{empty, full, get, send, text};
use crate::origin::Origin;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";

async fn seen(request: Request<crate::client::Sends>) -> String {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let (answer, (_peer, head)) = join!(send(&forward, request), origin.answer(OK));
    assert_eq!(answer.status(), 200);
    head.to_ascii_lowercase()
}

#[tokio::test]
async fn a_request_goes_out_as_the_gateways_own() {
    let client = ClientInfo {
        request_id: Some("r1".try_into().unwrap()),
        ..ClientInfo::new("192.0.2.7".parse().unwrap())
    };
    let request = Request::get("http://shop.example/a?b=1")
        .header("host", "shop.example")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("x-forwarded-for", "6.6.6.6")
        .header("te", "trailers, gzip")
        .extension(client)
        .body(empty())
        .unwrap();
    let head = seen(request).await;
    assert!(head.starts_with("get /a?b=1 http/1.1\r\n"), "{head}");
    for line in [
        "host: shop.example".to_owned(),
        "te: trailers".to_owned(),
        "connection: te".to_owned(),
        format!("via: 1.1 {}", pseudonym()),
        "x-forwarded-for: 192.0.2.7".to_owned(),
        "x-forwarded-proto: http".to_owned(),
        "x-request-id: r1".to_owned(),
    ] {
        assert!(
            head.contains(&format!("\r\n{line}\r\n")),
            "no {line} in {head}"
        );
    }
    assert!(!head.contains("x-hop") && !head.contains("6.6.6.6") && !head.contains("gzip"));
}

#[tokio::test]
async fn a_get_with_a_body_of_unknown_length_is_chunked() {
    let stream = http_body_util::StreamBody::new(Once(Some("hello")));
    let body = http_body_util::BodyExt::boxed_unsync(stream);
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = async {
        let mut peer = origin.accept().await;
        let head = peer.head().await;
        let body = peer.until(b"0\r\n\r\n").await;
        peer.send(OK).await;
        (head, body)
    };
    let request = Request::get("/a").body(body).unwrap();
    let (answer, (head, body)) = join!(send(&forward, request), script);
    assert_eq!(answer.status(), 200);
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert_eq!(body, "5\r\nhello\r\n0\r\n\r\n");
}

/// A stream of one piece.
struct Once(Option<&'static str>);

impl futures_core::Stream for Once {
    type Item = Result<http_body::Frame<bytes::Bytes>, std::io::Error>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        let piece = self.get_mut().0.take();
        std::task::Poll::Ready(piece.map(|text| Ok(http_body::Frame::data(text.into()))))
    }
}

#[tokio::test]
async fn expect_is_not_forwarded_and_the_length_is() {
    let request = Request::post("/a")
        .header("expect", "100-continue")
        .body(full("hello"))
        .unwrap();
    let head = seen(request).await;
    assert!(
        !head.contains("expect") && head.contains("\r\ncontent-length: 5\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn an_answer_comes_back_as_the_gateways_own() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let script = origin.answer(
        "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n\
         HTTP/1.1 404 Not Found\r\nconnection: x-hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\n\
         proxy-status: their; error=dns_error\r\ntransfer-encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
    );
    let (answer, _) = join!(get(&forward), script);
    assert_eq!(
        (answer.status(), answer.version()),
        (StatusCode::NOT_FOUND, Version::HTTP_11)
    );
    assert!(answer.extensions().get::<Refusal>().is_none());
    for gone in [
        "connection",
        "x-hop",
        "keep-alive",
        "transfer-encoding",
        "link",
    ] {
        assert!(!answer.headers().contains_key(gone), "{gone}");
    }
    assert_eq!(answer.headers()["proxy-status"], "their; error=dns_error");
    assert_eq!(answer.headers()["via"], format!("1.1 {}", pseudonym()));
    assert_eq!(text(answer).await, "no");
}

#[tokio::test]
async fn a_head_without_a_body_keeps_its_length() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let request = Request::head("/a").body(empty()).unwrap();
    let script = origin.answer("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n");
    let (answer, (_peer, _)) = join!(send(&forward, request), script);
    assert_eq!(answer.headers()["content-length"], "99");
    assert_eq!(forward.pools().idle(), 1, "the connection is free at once");
}

#[tokio::test]
async fn a_request_that_goes_round_is_refused() {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    let via = [format!("1.1 {}", pseudonym()).as_str(); 4].join(", ");
    let request = Request::get("/").header("via", via).body(empty()).unwrap();
    let answer = send(&forward, request).await;
    assert_eq!(answer.status(), StatusCode::LOOP_DETECTED);
    assert_eq!(
        answer.headers()["proxy-status"],
        proxy_status("proxy_loop_detected")
    );
}

#[track_caller]
fn check_refused(answer: &crate::client::Answer, refusal: Refusal) {
    assert_eq!(answer.extensions().get(), Some(&refusal));
    assert_eq!(answer.status(), refusal.status());
    assert_eq!(
        answer.headers()["proxy-status"],
        proxy_status(refusal.proxy_error())
    );
}

async fn answered(bytes: &str) -> crate::client::Answer {
    let origin = Origin::bind().await;
    let forward = Forward::alone(origin.policy());
    join!(get(&forward), origin.answer(bytes)).0
}

#[tokio::test]
async fn heads_that_cannot_be_passed_on_are_refused() {
    let coded = "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n";
    check_refused(&answered(coded).await, Refusal::TransferCoding);
    check_refused(
        &answered("SSH-2.0-OpenSSH\r\n\r\n").await,
        Refusal::Malformed,
    );
    let unasked = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    check_refused(&answered(unasked).await, Refusal::Upgrade);
    let large = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(80_000));
    check_refused(&answered(&large).await, Refusal::HeadTooLarge);
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: 1\r\n".repeat(101));
    check_refused(&answered(&many).await, Refusal::HeadTooLarge);
    let twice = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab";
    check_refused(&answered(twice).await, Refusal::Malformed);
}

#[tokio::test]
async fn without_a_policy_there_is_no_way() {
    let forward = Forward::new(upstream::WorkerPools::new(1), |_| None, |_| None, |_, _| {});
    check_refused(&get(&forward).await, Refusal::Unconfigured);
}
