//! Is this address in that range?
//!
//! - A range is written as CIDR (`10.0.0.0/8`, `2001:db8::/32`), or as one address.
//! - Bits beyond the prefix are refused: `10.1.2.3/8` is a slip that would mean sixteen million addresses.
//! - An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is that IPv4 address, as a socket that takes both reports it.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use thiserror::Error;

/// A range of addresses, such as `10.0.0.0/8`.
///
/// ```
/// use access_control::Network;
///
/// let private: Network = "10.0.0.0/8".parse()?;
/// assert!(private.contains("10.1.2.3".parse()?));
/// assert!(!private.contains("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network(IpNet);

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// It is neither an address nor a range.
    #[error("{0:?} is neither an address nor a range such as 10.0.0.0/8")]
    NotARange(String),
    /// The address has bits that the prefix does not cover.
    #[error("{written} has bits beyond its prefix: {range}, or {address} alone?")]
    BitsBeyondPrefix {
        /// The range as it was written.
        written: String,
        /// The range that the prefix covers.
        range: String,
        /// The address as it was written.
        address: IpAddr,
    },
}

impl Network {
    /// Whether `address` is in the range. IPv4 inside IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }

    /// The ranges that nobody outside reaches: loopback, RFC 1918 and RFC 4193.
    pub(crate) fn private() -> Vec<Self> {
        use std::net::{Ipv4Addr, Ipv6Addr};
        let v4 = |a, b, bits| (IpAddr::V4(Ipv4Addr::new(a, b, 0, 0)), bits);
        let unique_local = IpAddr::V6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0));
        [
            v4(127, 0, 8),
            v4(10, 0, 8),
            v4(172, 16, 12),
            v4(192, 168, 16),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
            (unique_local, 7),
        ]
        .map(|(address, bits)| Self(IpNet::new_assert(address, bits)))
        .to_vec()
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net = match text.parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => match text.parse::<IpAddr>() {
                Ok(address) => IpNet::from(address),
                Err(_) => return Err(NetworkError::NotARange(text.to_owned())),
            },
        };
        if net.trunc() != net {
            return Err(NetworkError::BitsBeyondPrefix {
                written: text.to_owned(),
                range: net.trunc().to_string(),
                address: net.addr(),
            });
        }
        Ok(Self(canonical(net)))
    }
}

/// The IPv4 range where `net` is one inside IPv6; addresses are compared in that form.
fn canonical(net: IpNet) -> IpNet {
    match (net.addr().to_canonical(), net.prefix_len().checked_sub(96)) {
        (address @ IpAddr::V4(_), Some(bits)) if matches!(net, IpNet::V6(_)) => {
            IpNet::new(address, bits).unwrap_or(net)
        }
        _ => net,
    }
}

/// An address alone is written without its prefix.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Network {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Network".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An address, or a range of addresses in CIDR form.",
            "examples": ["10.0.0.0/8", "2001:db8::/32"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, address: &str, inside: bool) {
        let network: Network = range.parse().unwrap();
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(network.contains(address), inside, "{address} in {range}");
    }

    #[test]
    fn an_address_is_in_a_range_or_not() {
        check("10.0.0.0/8", "10.255.255.255", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("::ffff:10.0.0.0/104", "10.0.0.1", true);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8::/32", "2001:db8::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("0.0.0.0/0", "192.0.2.1", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "2001:db8::1", true);
        check("::/0", "192.0.2.1", false);
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (text, message) in [
            (
                "",
                r#""" is neither an address nor a range such as 10.0.0.0/8"#,
            ),
            (
                "10.0.0.0/33",
                r#""10.0.0.0/33" is neither an address nor a range such as 10.0.0.0/8"#,
            ),
            (
                "10.1.2.3/8",
                "10.1.2.3/8 has bits beyond its prefix: 10.0.0.0/8, or 10.1.2.3 alone?",
            ),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn private_is_what_nobody_outside_reaches() {
        let private = Network::private();
        let inside = |text: &str| {
            let address = text.parse().unwrap();
            private.iter().any(|network| network.contains(address))
        };
        for text in [
            "127.0.0.1",
            "10.9.9.9",
            "172.31.0.1",
            "192.168.1.1",
            "::1",
            "fd00::1",
        ] {
            assert!(inside(text), "{text}");
        }
        for text in [
            "172.32.0.1",
            "100.64.0.1",
            "169.254.0.1",
            "192.0.2.1",
            "2001:db8::1",
        ] {
            assert!(!inside(text), "{text}");
        }
    }
}
