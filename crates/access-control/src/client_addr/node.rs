//! One hop as proxies write it: an address, perhaps with a port, perhaps hidden.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longer than any address with its brackets and port.
const NODE_BYTES_MAX: usize = 64;

/// The address in `node` (RFC 7239 §6): `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]`, `[2001:db8::1]:80`, and the bare
/// `2001:db8::1` that `X-Forwarded-For` has. `None` for `unknown`, for hidden names (`_x`) and for anything else.
///
/// IPv4 inside IPv6 comes out as IPv4.
pub(super) fn address(node: &[u8]) -> Option<IpAddr> {
    if node.len() > NODE_BYTES_MAX {
        return None;
    }
    let node = std::str::from_utf8(node).ok()?;
    if let Some(rest) = node.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        if !after.is_empty() && !is_port(after.strip_prefix(':')?) {
            return None;
        }
        return Some(IpAddr::V6(address.parse::<Ipv6Addr>().ok()?).to_canonical());
    }
    match node.split_once(':') {
        Some((address, port)) if !port.contains(':') => {
            let address = IpAddr::V4(address.parse::<Ipv4Addr>().ok()?);
            is_port(port).then_some(address)
        }
        _ => Some(node.parse::<IpAddr>().ok()?.to_canonical()),
    }
}

/// A number, or a hidden one (RFC 7239 §6.3).
fn is_port(text: &str) -> bool {
    match text.strip_prefix('_') {
        Some(hidden) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            !hidden.is_empty() && hidden.bytes().all(plain)
        }
        None => text.parse::<u16>().is_ok() && !text.starts_with('+'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(node: &str, expected: Option<&str>) {
        let found = address(node.as_bytes()).map(|address| address.to_string());
        assert_eq!(found.as_deref(), expected, "{node:?}");
    }

    #[test]
    fn addresses_are_found_in_every_writing() {
        check("192.0.2.1", Some("192.0.2.1"));
        check("192.0.2.1:8080", Some("192.0.2.1"));
        check("192.0.2.1:_port", Some("192.0.2.1"));
        check("2001:db8::1", Some("2001:db8::1"));
        check("[2001:db8::1]", Some("2001:db8::1"));
        check("[2001:db8::1]:4711", Some("2001:db8::1"));
        check("::ffff:192.0.2.1", Some("192.0.2.1"));
        check("[::ffff:192.0.2.1]:80", Some("192.0.2.1"));
    }

    #[test]
    fn what_names_nobody_is_no_address() {
        for node in [
            "",
            "unknown",
            "_hidden",
            "_hidden:80",
            "localhost",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:+80",
            "192.0.2.1:_",
            "192.0.2.1 ",
            "192.0.2.01",
            "[2001:db8::1",
            "[2001:db8::1]80",
            "[2001:db8::1]:x",
            "[192.0.2.1]",
            "fe80::1%eth0",
            "\"192.0.2.1\"",
            "\u{661}92.0.2.1",
        ] {
            check(node, None);
        }
        assert_eq!(address(b"192.0.2.1\xff"), None);
        assert_eq!(address(&[b'1'; 4096]), None);
    }

    proptest! {
        #[test]
        fn any_address_is_read_back(ip: IpAddr, port: u16) {
            let canonical = Some(ip.to_canonical());
            prop_assert_eq!(address(ip.to_string().as_bytes()), canonical);
            let socket = std::net::SocketAddr::new(ip, port).to_string();
            prop_assert_eq!(address(socket.as_bytes()), canonical);
        }

        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>) {
            let _ = address(&bytes);
        }
    }
}
