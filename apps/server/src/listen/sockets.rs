//! Binding: one socket a worker on one address, and a second server on it is refused.
//!
//! `SO_REUSEPORT` lets the workers' sockets share an address, but it would also let a second server
//! start unnoticed. So the first socket binds without the option, which an occupied port refuses; the
//! option is switched on between its bind and its listen, and the others join.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Connections that the system may hold until a worker accepts them, a socket.
const BACKLOG: i32 = 4_096;

/// A peer that is gone without a word is noticed by three probes after a minute of silence.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
const KEEP_ALIVE_PROBES: u32 = 3;

/// The listening sockets, a set for each worker.
#[derive(Debug)]
pub struct Sockets {
    pub(super) by_worker: Vec<Vec<TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl Sockets {
    /// The address that was bound; with several listeners, the first one's.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// The addresses of all listeners that were joined, in their order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many workers these sockets are for.
    pub fn workers(&self) -> usize {
        self.by_worker.len()
    }

    /// Adds another listener's sockets: each worker serves both.
    pub fn join(&mut self, other: Self) {
        let workers = self.by_worker.len();
        for (index, sockets) in other.by_worker.into_iter().enumerate() {
            self.by_worker[index % workers].extend(sockets);
        }
        self.addresses.extend(other.addresses);
    }
}

/// Binds `host` and `port`, with one socket for each of `workers`.
///
/// `host` is a name or an IP address (IPv6 with or without brackets); of a name's addresses the first
/// that can be bound is taken. Port 0 lets the system choose ([`Sockets::local_addr`] says which).
///
/// # Errors
/// What the system says, `AddrInUse` above all: also when the other server is one of this kind.
pub fn bind(host: &str, port: u16, workers: NonZeroUsize) -> io::Result<Sockets> {
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let mut refusal = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
    for address in (host, port).to_socket_addrs()? {
        match bind_address(address, workers) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => refusal = error,
        }
    }
    Err(refusal)
}

fn bind_address(address: SocketAddr, workers: NonZeroUsize) -> io::Result<Sockets> {
    let first = open(address)?;
    first.bind(&address.into())?;
    #[cfg(unix)]
    first.set_reuse_port(true)?;
    first.listen(BACKLOG)?;
    let first: TcpListener = first.into();
    let bound = first.local_addr()?;

    let mut by_worker = vec![vec![first]];
    for _ in 1..workers.get() {
        let socket = open(bound)?;
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        socket.bind(&bound.into())?;
        socket.listen(BACKLOG)?;
        by_worker.push(vec![socket.into()]);
    }
    Ok(Sockets {
        by_worker,
        addresses: vec![bound],
    })
}

fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Without it a restart would wait for the last connections' TIME-WAIT to end.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    prepare(&SockRef::from(&socket))?;
    Ok(socket)
}

/// Sets what every connection wants: small writes leave at once, and dead peers are noticed.
///
/// On Linux accepted connections inherit it from the listening socket, which saves the calls.
pub(super) fn prepare(socket: &SockRef<'_>) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(
        &TcpKeepalive::new()
            .with_time(KEEP_ALIVE)
            .with_interval(KEEP_ALIVE / 4)
            .with_retries(KEEP_ALIVE_PROBES),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    #[test]
    fn every_worker_has_a_socket_on_the_port_that_the_system_chose() {
        let sockets = bind("127.0.0.1", 0, TWO).unwrap();
        assert_eq!(sockets.workers(), 2);
        let port = sockets.local_addr().port();
        assert_ne!(port, 0);
        for socket in sockets.by_worker.iter().flatten() {
            assert_eq!(socket.local_addr().unwrap().port(), port);
        }
    }

    #[test]
    fn a_second_server_on_the_port_is_told_so() {
        let sockets = bind("127.0.0.1", 0, TWO).unwrap();
        let second = bind("127.0.0.1", sockets.local_addr().port(), TWO);
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn the_port_is_free_once_the_sockets_are_closed() {
        let sockets = bind("127.0.0.1", 0, TWO).unwrap();
        let port = sockets.local_addr().port();
        drop(sockets);
        bind("127.0.0.1", port, TWO).unwrap();
    }

    #[test]
    fn a_name_and_a_bracketed_address_are_understood() {
        assert!(
            bind("localhost", 0, TWO)
                .unwrap()
                .local_addr()
                .ip()
                .is_loopback()
        );
        // Not every machine has IPv6; where it has, the brackets are no obstacle.
        match bind("[::1]", 0, TWO) {
            Ok(sockets) => assert!(sockets.local_addr().is_ipv6()),
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::InvalidInput),
        }
    }

    #[test]
    fn listeners_join_by_worker() {
        let mut sockets = bind("127.0.0.1", 0, TWO).unwrap();
        sockets.join(bind("127.0.0.1", 0, TWO).unwrap());
        assert_eq!(sockets.workers(), 2);
        assert!(sockets.by_worker.iter().all(|sockets| sockets.len() == 2));
        assert_eq!(sockets.addresses().len(), 2);
    }
}
