//! The server under test and what it answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use server::listen::{Answer, Connection, HttpSettings, RequestBody, ServerHandle, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

/// A running server; it is aborted when the test ends.
pub(crate) struct Site {
    pub(crate) handle: ServerHandle,
    pub(crate) address: SocketAddr,
    /// `/wait` answers once for each permit.
    pub(crate) gate: Arc<Semaphore>,
}

/// Settings under which nothing ends by itself.
pub(crate) fn patient() -> HttpSettings {
    HttpSettings {
        workers: NonZeroUsize::new(1),
        head_timeout: Duration::from_mins(10),
        idle_timeout: Duration::from_mins(10),
        ..HttpSettings::default()
    }
}

/// Settings with a short time for heads.
pub(crate) fn hasty_heads() -> HttpSettings {
    HttpSettings {
        head_timeout: Duration::from_millis(60),
        ..patient()
    }
}

/// Settings with a short time between requests.
pub(crate) fn hasty_idle() -> HttpSettings {
    HttpSettings {
        idle_timeout: Duration::from_millis(60),
        ..patient()
    }
}

impl Site {
    pub(crate) fn start(settings: &HttpSettings) -> Self {
        let sockets = bind("127.0.0.1", 0, settings.worker_count()).unwrap();
        let address = sockets.local_addr();
        let gate = Arc::new(Semaphore::new(0));
        let handle = serve(sockets, settings, refusal, {
            let gate = Arc::clone(&gate);
            move |_worker| Pages {
                gate: Arc::clone(&gate),
            }
        })
        .unwrap();
        Self {
            handle,
            address,
            gate,
        }
    }

    pub(crate) fn client(&self) -> super::client::Client {
        super::client::Client::connect(self.address)
    }

    /// Waits until all workers have ended.
    pub(crate) fn wait_closed(&self) {
        let closed = self.handle.closed();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::time::timeout(super::client::PATIENCE, closed)
                .await
                .expect("the workers stay");
        });
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.handle.abort_all();
    }
}

/// The document in the place of hyper's bare refusals.
fn refusal(status: StatusCode) -> Bytes {
    let body = format!("{{\"status\":{}}}", status.as_u16());
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/problem+json\r\nx-request-id: test\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

#[derive(Clone)]
struct Pages {
    gate: Arc<Semaphore>,
}

impl Answer for Pages {
    type Body = Full<Bytes>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>>>>;

    fn call(&self, request: Request<RequestBody>, connection: &Arc<Connection>) -> Self::Future {
        let pages = self.clone();
        let connection = Arc::clone(connection);
        Box::pin(async move { Ok(pages.page(request, &connection).await) })
    }
}

impl Pages {
    async fn page(
        &self,
        mut request: Request<RequestBody>,
        connection: &Connection,
    ) -> Response<Full<Bytes>> {
        match request.uri().path() {
            "/wait" => self.gate.acquire().await.unwrap().forget(),
            "/read" => {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                return text(format!("read {}", body.len()));
            }
            "/absent" => {
                return Response::builder()
                    .status(404)
                    .body(Full::default())
                    .unwrap();
            }
            "/panic" => panic!("a page that panics, on purpose"),
            "/requests" => return text(connection.requests().to_string()),
            "/large" => return Response::new(Full::from(vec![b'x'; 8 << 20])),
            "/tunnel" => {
                let upgrade = hyper::upgrade::on(&mut request);
                tokio::task::spawn_local(async move {
                    let upgraded = upgrade.await.unwrap();
                    let mut stream = hyper_util::rt::TokioIo::new(upgraded);
                    let mut byte = [0];
                    while stream.read_exact(&mut byte).await.is_ok() {
                        stream.write_all(&byte).await.unwrap();
                    }
                });
                let response = Response::builder().status(101);
                let response = response
                    .header("connection", "upgrade")
                    .header("upgrade", "echo");
                return response.body(Full::default()).unwrap();
            }
            _ => {}
        }
        text(request.uri().path().to_owned())
    }
}

fn text(text: String) -> Response<Full<Bytes>> {
    Response::new(Full::from(text))
}
