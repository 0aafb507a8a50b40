//! A TCP connection to an endpoint: look-up, connect, socket options.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::endpoint::EndpointUrl;

/// Why no connection came about.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The name has no address, or could not be looked up.
    Dns(io::Error),
    /// No address of it accepted.
    Connect(io::Error),
    /// It took longer than `connect_timeout`.
    TimedOut,
}

impl From<ConnectError> for io::Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Dns(error) | ConnectError::Connect(error) => error,
            ConnectError::TimedOut => io::ErrorKind::TimedOut.into(),
        }
    }
}

/// Connects within `timeout`.
pub(crate) async fn within(
    timeout: Duration,
    url: &EndpointUrl,
) -> Result<TcpStream, ConnectError> {
    match tokio::time::timeout(timeout, tcp(url)).await {
        Ok(connected) => connected,
        Err(_) => Err(ConnectError::TimedOut),
    }
}

/// Connects to the first address of the endpoint's name that accepts.
pub(crate) async fn tcp(url: &EndpointUrl) -> Result<TcpStream, ConnectError> {
    // An address needs no look-up, and a look-up is a visit to a blocking thread.
    let stream = if let Ok(ip) = url.host().parse::<IpAddr>() {
        TcpStream::connect(SocketAddr::new(ip, url.port()))
            .await
            .map_err(ConnectError::Connect)?
    } else {
        first_of(url).await?
    };
    prepare(&stream).map_err(ConnectError::Connect)?;
    Ok(stream)
}

async fn first_of(url: &EndpointUrl) -> Result<TcpStream, ConnectError> {
    let addresses = tokio::net::lookup_host((url.host(), url.port()))
        .await
        .map_err(ConnectError::Dns)?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.map_or_else(
        || ConnectError::Dns(io::ErrorKind::NotFound.into()),
        ConnectError::Connect,
    ))
}

fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    // A peer that vanished without a word is noticed on idle connections and tunnels too.
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_mins(1))
        .with_retries(3);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
