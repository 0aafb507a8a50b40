//! Who is calling: the peer, or the address that a proxy we trust tells?
//!
//! - The peer's address, unless the peer is a trusted proxy.
//! - Of a trusted proxy, the **right-most untrusted** entry of the one field that is believed: each proxy appends whom it
//!   heard, so what stands further left came from that client and may be invented.
//! - Where every entry is trusted, the left-most: a caller inside the own network.
//! - An entry that names nobody (`unknown`, `_hidden`, a text that is no address) ends the walk; the last trusted hop
//!   then stands for all who came through it. Guessing further left would believe what that hop did not vouch for.
//! - The walk takes at most [`HOPS_MAX`] entries, whatever a client sends.
//!
//! Of `X-Forwarded-Proto` the right-most value counts, of `Forwarded` the `proto` of the client's element. The other
//! fields of that kind are not read, and [`Trust::scrub`] takes away what must not be passed on.
//! `Forwarded` is RFC 7239; `X-Forwarded-For` and its kin have no RFC.
//!
//! ```
//! use access_control::{Trust, TrustSettings, TrustedProxies};
//! use http::HeaderMap;
//!
//! let trust = Trust::compile(&TrustSettings {
//!     trusted_proxies: TrustedProxies::Private,
//!     ..TrustSettings::default()
//! });
//! let mut fields = HeaderMap::new();
//! fields.insert("x-forwarded-for", "198.51.100.9, 203.0.113.7, 10.0.0.2".parse()?);
//!
//! let client = trust.client("10.0.0.1".parse()?, &fields);
//! assert_eq!(client.ip.to_string(), "203.0.113.7");
//!
//! let stranger = trust.client("192.0.2.1".parse()?, &fields);
//! assert_eq!(stranger.ip.to_string(), "192.0.2.1");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod element;
mod layer;
mod node;
mod scrub;
mod settings;

use std::net::IpAddr;

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};

pub use self::layer::{ClientAddrLayer, FindClient};
pub use self::scrub::may_be_claim;
pub use self::settings::{ForwardedField, TrustSettings, TrustedProxies};
use crate::network::Network;

/// The most entries that are walked; a longer chain of proxies than this does not exist.
pub(crate) const HOPS_MAX: usize = 32;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Which proxies are believed, and in which fields; made once from [`TrustSettings`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust {
    proxies: Vec<Network>,
    field: ForwardedField,
    /// Further fields that pass from a trusted proxy.
    passed: Vec<HeaderName>,
}

/// Who sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddr {
    /// The client's address. IPv4 inside IPv6 is told as IPv4.
    pub ip: IpAddr,
    /// Whether the peer is a trusted proxy, so that its fields were read.
    pub trusted_peer: bool,
    /// The scheme that the client used, where a trusted proxy tells it.
    pub proto: Option<Scheme>,
}

/// The scheme in which a client asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear: `http` or `ws`.
    Http,
    /// Over TLS: `https` or `wss`.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        if is("https") || is("wss") {
            Some(Self::Https)
        } else if is("http") || is("ws") {
            Some(Self::Http)
        } else {
            None
        }
    }
}

impl Trust {
    /// Makes the settings ready for requests.
    pub fn compile(settings: &TrustSettings) -> Self {
        let proxies = match &settings.trusted_proxies {
            TrustedProxies::None => Vec::new(),
            TrustedProxies::Private => Network::private(),
            TrustedProxies::Listed(networks) => networks.clone(),
        };
        let names = settings.forwarded_trust.iter();
        Self {
            proxies,
            field: settings.forwarded_field,
            passed: names.map(|name| name.as_header_name().clone()).collect(),
        }
    }

    /// Whether `peer` is a proxy that is believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(peer))
    }

    /// Says who sent a request that came from `peer` with `fields`.
    pub fn client(&self, peer: IpAddr, fields: &HeaderMap) -> ClientAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return ClientAddr {
                ip: peer,
                trusted_peer: false,
                proto: None,
            };
        }
        let (ip, proto) = match self.field {
            ForwardedField::XForwardedFor => self.by_list(peer, fields),
            ForwardedField::Forwarded => self.by_elements(peer, fields),
        };
        ClientAddr {
            ip,
            trusted_peer: true,
            proto,
        }
    }

    fn by_list(&self, peer: IpAddr, fields: &HeaderMap) -> (IpAddr, Option<Scheme>) {
        let hops = entries(fields, X_FORWARDED_FOR).map(node::address);
        let ip = self.walk(peer, hops);
        // Most proxies set one value. Of several only the right-most is the peer's own word.
        let scheme = entries(fields, X_FORWARDED_PROTO).next();
        let scheme = scheme.and_then(|text| Scheme::parse(std::str::from_utf8(text).ok()?));
        (ip, scheme)
    }

    fn by_elements(&self, peer: IpAddr, fields: &HeaderMap) -> (IpAddr, Option<Scheme>) {
        let mut proto = None;
        let elements = fields.get_all(FORWARDED).into_iter().rev();
        let hops = elements
            .flat_map(|line| element::from_the_right(line.as_bytes()))
            .map(|text| {
                // The element of the client was written by the trusted hop that heard it, as was its scheme.
                let element = element::parse(text)?;
                proto = element.proto.as_deref().and_then(Scheme::parse);
                node::address(element.client?.as_bytes())
            });
        (self.walk(peer, hops), proto)
    }

    /// Goes from hop to hop, nearest first, to the first that is not trusted.
    fn walk(&self, peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.take(HOPS_MAX) {
            let Some(address) = hop else { break };
            client = address;
            if !self.trusts(address) {
                break;
            }
        }
        client
    }
}

/// The entries of a list field, the last of its last line first. Empty ones do not count (RFC 9110 §5.6.1.2).
fn entries(fields: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    fields
        .get_all(name)
        .into_iter()
        .rev()
        .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|entry| !entry.is_empty())
}

#[cfg(test)]
mod tests;
