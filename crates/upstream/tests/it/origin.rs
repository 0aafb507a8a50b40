//! An origin that follows a script, byte by byte.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use upstream::{ForwardPolicy, Upstream, UpstreamSettings};

/// A listening socket on a port of its own.
pub(crate) struct Origin {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Origin {
    pub(crate) async fn bind() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) async fn accept(&self) -> Peer {
        let (stream, _) = self.listener.accept().await.unwrap();
        Peer {
            stream,
            read: Vec::new(),
        }
    }

    /// Accepts, reads one request and answers it.
    pub(crate) async fn answer(&self, bytes: &str) -> (Peer, String) {
        let mut peer = self.accept().await;
        let head = peer.head().await;
        peer.send(bytes).await;
        (peer, head)
    }

    pub(crate) fn settings(&self) -> UpstreamSettings {
        settings(&[self.address])
    }

    pub(crate) fn policy(&self) -> ForwardPolicy {
        policy(&self.settings())
    }
}

pub(crate) fn settings(addresses: &[SocketAddr]) -> UpstreamSettings {
    UpstreamSettings::for_endpoints(
        addresses
            .iter()
            .map(|address| format!("http://{address}").parse().unwrap()),
    )
}

pub(crate) fn policy(settings: &UpstreamSettings) -> ForwardPolicy {
    ForwardPolicy::new(Upstream::new("up", settings))
}

/// A port at which nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

/// One connection at the origin's end.
pub(crate) struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    /// Reads a request's head, lines and all.
    pub(crate) async fn head(&mut self) -> String {
        self.until(b"\r\n\r\n").await
    }

    /// Reads up to and with `end`.
    pub(crate) async fn until(&mut self, end: &[u8]) -> String {
        loop {
            let found = self.read.windows(end.len()).position(|part| part == end);
            if let Some(at) = found {
                let rest = self.read.split_off(at + end.len());
                let text = std::mem::replace(&mut self.read, rest);
                return String::from_utf8(text).unwrap();
            }
            let count = self.stream.read_buf(&mut self.read).await.unwrap();
            assert!(
                count > 0,
                "closed after {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    /// Reads exactly so many bytes.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.stream.read_buf(&mut self.read).await.unwrap() > 0);
        }
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Waits for the other end to leave.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 1024];
        loop {
            match self.stream.read(&mut rest).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Closes without a FIN.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }
}
