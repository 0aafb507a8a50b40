//! HTTP/2 with prior knowledge on the same port, and gRPC.
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use tokio::net::TcpStream;

use crate::origin::{Origin, nobody, ok};
use crate::program::Program;

async fn connect<B>(
    address: SocketAddr,
) -> (SendRequest<B>, tokio::task::JoinHandle<hyper::Result<()>>)
where
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static,
{
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

#[tokio::test]
async fn requests_share_a_connection() {
    let origin = Origin::answering(|request| ok("", request.head.split(' ').nth(1).unwrap()));
    let program = Program::start(
        "",
        &["--upstream", &format!("http://{}", origin.address)],
        &[],
    );
    let (mut sender, _connection) = connect::<Empty<Bytes>>(program.gateway).await;
    let mut answers = Vec::new();
    for count in 0..20 {
        let request = Request::get(format!("http://app.example.com/{count}"))
            .header("cookie", "a=1")
            .header("cookie", "b=2");
        answers.push(sender.send_request(request.body(Empty::new()).unwrap()));
    }
    for (count, answer) in answers.into_iter().enumerate() {
        assert_eq!(text(answer.await.unwrap()).await, format!("/{count}"));
    }
    let seen = origin.next();
    assert_eq!(seen.field("host"), Some("app.example.com"));
    assert_eq!(seen.field("cookie"), Some("a=1; b=2"));
}

#[tokio::test]
async fn a_stop_is_announced_by_goaway() {
    let mut program = Program::start(
        "[routes.hello]\npath = \"/hello\"\nrespond = { body = \"hi\" }\n",
        &[],
        &[],
    );
    let (mut sender, connection) = connect::<Empty<Bytes>>(program.gateway).await;
    let request = Request::get("http://a/hello").body(Empty::new()).unwrap();
    assert_eq!(
        text(sender.send_request(request).await.unwrap()).await,
        "hi"
    );
    program.signal("TERM");
    // The connection ends in good form, without an error.
    connection.await.unwrap().unwrap();
    assert_eq!(program.ended().code(), Some(0), "{}", program.log());
}

#[tokio::test]
async fn a_grpc_client_reads_refusals_as_trailers() {
    let toml = format!(
        "[upstreams.app]\nendpoints = [\"http://{}\"]\nhttp2 = true\n[routes.app]\npath = \"/svc/{{*rest}}\"\nupstream = \"app\"\nretries = {{ attempts = 0 }}\n",
        nobody()
    );
    let program = Program::configured(&toml);
    let (mut sender, _connection) = connect::<Full<Bytes>>(program.gateway).await;
    for (path, status, stands_for) in [("/svc/Call", "14", 502), ("/nothing", "12", 404)] {
        let request =
            Request::post(format!("http://a{path}")).header("content-type", "application/grpc");
        let response = sender
            .send_request(request.body(Full::default()).unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/grpc");
        // Figures and logs have the status that the refusal stands for.
        let line = program.access_line(|line| line["path"] == path);
        assert_eq!(line["status"], stands_for, "{line}");
        assert!(
            response
                .into_body()
                .collect()
                .await
                .unwrap()
                .to_bytes()
                .is_empty()
        );
    }
}
